"""The fitted flow against the exact couplings, and its sampler against the flow's own law."""

import sys

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from evenhand.core.errors import InputError
from evenhand.data.presets import drift_1, drift_3, fico_scores
from evenhand.tabular.baseline import baseline_gain, counterfactual_law, pairwise

pytest.importorskip("flowjax", reason="needs flowjax (evenhand[flows])")

from evenhand.supervised.score_flow import gains
from evenhand.supervised.score_flow_fit import fit_score_flow

# How far a flow of 300 steps may be from the law it was fitted to, in gain and in mass.
FIT, MASS = 0.01, 0.05


def crowd(population, size):
    """People in the proportions of the world, to rounding; so only the fit is in error."""
    share = np.array(population.population_per_group) / population.num_people
    counts = np.rint(population.initial * share[:, None] * size).astype(int)
    level = np.tile(np.arange(population.num_levels), population.num_groups)
    group = np.repeat(np.arange(population.num_groups), population.num_levels)
    return np.repeat(level, counts.ravel()), np.repeat(group, counts.ravel())


def fitted(population, **options):
    sizes = population.num_levels, population.num_groups
    options = {"num_steps": 300} | options
    return fit_score_flow(jr.key(0), *crowd(population, 30_000), *sizes, **options)


def gain_of(law, population, share):
    """Gains that a counterfactual law gives, averaged over whom it starts from."""
    reached = np.einsum("g,gx,ghxy->hy", share, population.initial, law)
    return (reached - (share @ population.initial)[None]) @ population.potential


def misplaced(law, population):
    """Share of a group's people whom a flow and the exact coupling send to different levels."""
    apart = np.abs(law - counterfactual_law(population.initial)).sum(-1) / 2
    return np.einsum("gx,ghx->gh", population.initial, apart).max()


@pytest.fixture(scope="module")
def world():
    """Three groups of unequal size, and the flow fitted to them."""
    population = fico_scores(("white", "black", "asian"), table_shares=True)
    return population, fitted(population)[0]


def test_the_fitted_law_is_that_of_the_monotone_coupling(world):
    population, flow = world
    law = np.asarray(flow.law(), float)
    np.testing.assert_allclose(law.sum(-1), 1, atol=1e-5)
    assert misplaced(law, population) < MASS


@pytest.mark.parametrize("equal", [True, False])
def test_sampled_gains_are_the_closed_form_within_monte_carlo_and_fit(world, equal):
    population, flow = world
    sizes = None if equal else np.array(population.population_per_group, float)
    share = np.ones(3) / 3 if equal else sizes / sizes.sum()
    level, group = map(jnp.asarray, crowd(population, 30_000))
    weight = jnp.asarray(share, jnp.float32)
    potential = jnp.asarray(population.potential, jnp.float32)
    found = gains(flow, jr.key(1), level, group, potential, weight)
    error = np.asarray(found.error)
    assert (error < 0.03).all()
    own = gain_of(np.asarray(flow.law(), float), population, share)
    assert (np.abs(found.by_group - own) < 4 * error + 1e-3).all()
    closed = baseline_gain(population.initial, population.potential, sizes)
    assert (np.abs(found.by_group - closed) < 4 * error + FIT).all()
    apart = np.abs(found.difference - pairwise(closed))
    assert (apart <= 4 * np.asarray(found.difference_error) + 2 * FIT).all()


def test_nobody_changes_in_their_own_group_and_nobody_overtakes_in_another(world):
    population, flow = world
    level, group = map(jnp.asarray, crowd(population, 30_000))
    stayed = flow.counterfactual(jr.key(2), level, group, group)
    # Ranks are float32: somebody at the very edge of a level may fall across it.
    assert (stayed == level).mean() > 0.999
    became = np.asarray(flow.counterfactual(jr.key(2), level, group, jnp.zeros_like(group)))
    for g in range(3):
        mine = np.asarray(group) == g
        highest = [became[mine & (np.asarray(level) == x)].max() for x in range(7)]
        lowest = [became[mine & (np.asarray(level) == x)].min() for x in range(7)]
        assert (np.array(highest[:-1]) <= np.array(lowest[1:])).all()


@pytest.mark.slow
@pytest.mark.parametrize("population", [drift_1(), drift_3()], ids=lambda world: world.name)
def test_gaps_in_the_levels_take_a_spline_and_not_a_location_and_a_scale(population):
    share = np.ones(2) / 2
    closed = baseline_gain(population.initial, population.potential)
    spline, affine = (
        np.asarray(fitted(population, shape=shape)[0].law(), float)
        for shape in ("spline", "affine")
    )
    np.testing.assert_allclose(gain_of(spline, population, share), closed, atol=FIT)
    assert misplaced(spline, population) < MASS
    if population.name == "drift-1":
        assert misplaced(affine, population) > 2 * MASS


@pytest.mark.slow
def test_each_group_keeps_the_step_that_suits_its_held_out_people_best():
    flow, losses = fitted(fico_scores(), held_out=0.25)
    assert losses["held_out"].shape == losses["train"].shape == (300, 2)
    assert (losses["held_out"][losses["held_out"].argmin(0), [0, 1]] <= 0).all()
    assert misplaced(np.asarray(flow.law(), float), fico_scores()) < 4 * MASS


def test_without_flowjax_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "flowjax.bijections", None)
    with pytest.raises(InputError, match=r"pip install 'evenhand\[flows\]'"):
        fit_score_flow(jr.key(0), np.arange(20) % 2, np.arange(20) // 10, 2, 2)


def test_people_who_do_not_fit_are_refused_by_name():
    level, group = np.arange(40) % 4, np.arange(40) // 20
    with pytest.raises(InputError, match="one entry per person"):
        fit_score_flow(jr.key(0), level[1:], group, 4, 2)
    with pytest.raises(InputError, match="level must be whole numbers from 0 to 2"):
        fit_score_flow(jr.key(0), level, group, 3, 2)
    with pytest.raises(InputError, match="group 2 has 0 people"):
        fit_score_flow(jr.key(0), level, group, 4, 3)
    with pytest.raises(InputError, match="no shape of flow"):
        fit_score_flow(jr.key(0), level, group, 4, 2, shape="splin")
    with pytest.raises(InputError, match="held_out must be"):
        fit_score_flow(jr.key(0), level, group, 4, 2, held_out=1.0)
