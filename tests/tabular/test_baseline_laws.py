"""Baseline differences: the closed form, the couplings behind it, and eq. 6 on the exact model."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.core.errors import InputError
from evenhand.data.presets import drift_1, drift_2, drift_3, fico_scores
from evenhand.tabular.baseline import (
    averaged_gain,
    baseline_difference,
    baseline_gain,
    counterfactual_law,
    level_w1,
    monotone_coupling,
    pairwise,
    pooled_law,
    total_gap,
)
from evenhand.tabular.criteria import Layout, score_w1
from evenhand.tabular.evaluation import expected_returns, final_law
from evenhand.testing.strategies import laws, lending_populations


@st.composite
def starts(draw):
    """Laws, some with empty levels, a potential and shares of 2 or 3 groups."""
    G, K = draw(st.sampled_from((2, 3))), draw(st.sampled_from((2, 5, 9)))
    initial = draw(laws(G, K))
    initial = np.where(initial < draw(st.sampled_from((0.0, 0.1))), 0.0, initial)
    initial[:, draw(st.integers(0, K - 1))] += 0.01
    numbers = st.integers(-50, 50).map(lambda n: n / 10)
    potential = np.array(draw(st.lists(numbers, min_size=K, max_size=K)))
    share = np.array(draw(st.lists(st.integers(1, 500), min_size=G, max_size=G)))
    return initial / initial.sum(1, keepdims=True), potential, share


@given(start=starts())
def test_the_closed_form_is_the_average_over_counterfactuals(start):
    initial, potential, share = start
    for weight in (None, share):
        found = baseline_gain(initial, potential, weight)
        np.testing.assert_allclose(found, averaged_gain(initial, potential, weight), atol=1e-12)
        weights = np.ones(len(initial)) if weight is None else weight
        assert abs(np.average(found, weights=weights)) < 1e-12
    difference = baseline_difference(initial, potential)
    np.testing.assert_allclose(difference, pairwise(found), atol=1e-12)


@given(start=starts())
def test_counterfactuals_push_one_law_exactly_to_the_other(start):
    initial, _, _ = start
    law = counterfactual_law(initial)
    assert (law >= 0).all()
    np.testing.assert_allclose(law.sum(-1), 1, atol=1e-12)
    reached = np.einsum("gx,ghxy->ghy", initial, law)
    np.testing.assert_allclose(reached, np.broadcast_to(initial, reached.shape), atol=1e-12)


@given(start=starts())
def test_nobody_overtakes_anybody(start):
    initial, _, _ = start
    for row in counterfactual_law(initial).reshape(-1, *[initial.shape[1]] * 2):
        # Rounding leaves crumbs where two distribution functions meet.
        held = row > 1e-9
        low, high = held.argmax(1), held.shape[1] - 1 - held[:, ::-1].argmax(1)
        assert (high[:-1] <= low[1:]).all()


@given(start=starts())
def test_in_a_group_with_the_same_law_everybody_stays(start):
    initial, potential, _ = start
    same = np.repeat(initial[:1], len(initial), 0)
    stay = counterfactual_law(same)[0, 1]
    lives = same[0] > 0
    np.testing.assert_allclose(stay[lives], np.eye(len(stay))[lives], atol=1e-12)
    np.testing.assert_allclose(baseline_gain(same, potential), 0, atol=1e-12)


@given(start=starts(), seed=st.integers(0, 9))
def test_the_coupling_is_what_sorting_two_equal_crowds_pairs_up(start, seed):
    # Crowds of whole people: the k-th lowest of one meets the k-th lowest of the other.
    K = start[0].shape[1]
    rng = np.random.default_rng(seed)
    crowds = np.sort(rng.integers(0, K, (2, 40)), axis=1)
    law, other = (np.bincount(crowd, minlength=K) / 40 for crowd in crowds)
    paired = np.zeros((K, K))
    np.add.at(paired, tuple(crowds), 1 / 40)
    np.testing.assert_allclose(monotone_coupling(law, other), paired, atol=1e-12)


@pytest.mark.parametrize(
    ("population", "gain", "w1"),
    [(drift_1(), 0.3328, 2.0), (drift_2(), 0.3328, 2.0), (drift_3(), 0.0, 0.0)],
)
def test_the_settings_of_lear_and_zhang_have_their_known_baselines(population, gain, w1):
    found = baseline_gain(population.initial, population.potential)
    np.testing.assert_allclose(found, [gain, -gain], atol=5e-5)
    difference = baseline_difference(population.initial, population.potential)
    assert difference[0, 1] == pytest.approx(0.6657 * (gain > 0), abs=5e-5)
    np.testing.assert_allclose(level_w1(population.initial), [[0, w1], [w1, 0]], atol=1e-12)


def test_in_setting_1_a_disadvantaged_person_would_stand_two_levels_higher():
    population = drift_1()
    lives = np.flatnonzero(population.initial[1])
    become = counterfactual_law(population.initial)[1, 0, lives]
    np.testing.assert_allclose(become[np.arange(len(lives)), lives + 2], 1, atol=1e-12)


@given(population=lending_populations(), seed=st.integers(0, 99))
def test_the_total_gap_is_the_difference_of_where_people_end(population, seed):
    mdp = population.person()
    approve = np.random.default_rng(seed).random((mdp.num_groups, mdp.num_states))
    policy = np.stack([1 - approve, approve], -1)
    signal = mdp.signals.index("qualification_gain")
    gain = expected_returns(mdp, policy)[:, signal] / mdp.group_size
    found = total_gap(mdp.initial, population.potential, pairwise(gain))
    ended = final_law(mdp, policy) @ population.potential
    np.testing.assert_allclose(found, pairwise(ended), atol=1e-9)


@given(start=starts())
def test_the_distance_in_levels_is_that_of_the_frontiers_criterion(start):
    initial = start[0]
    layout = Layout((), initial.shape[1], np.ones(len(initial)), np.ones(len(initial)))
    assert level_w1(initial).max() == pytest.approx(score_w1(layout, initial), abs=1e-12)


def test_unequal_shares_move_both_gains_and_not_their_difference():
    population = fico_scores(table_shares=True)
    initial, potential = population.initial, population.potential
    equal = baseline_gain(initial, potential)
    own = baseline_gain(initial, potential, np.array(population.population_per_group))
    assert own[0] < equal[0]
    assert pairwise(own)[0, 1] == pytest.approx(pairwise(equal)[0, 1], abs=1e-12)
    share = np.array(population.population_per_group) / population.num_people
    np.testing.assert_allclose(pooled_law(initial, share), share @ initial, atol=1e-12)


def test_what_does_not_fit_is_refused_by_name():
    initial, potential = drift_1().initial, drift_1().potential
    with pytest.raises(InputError, match="initial must be"):
        baseline_gain(initial * 2, potential)
    with pytest.raises(InputError, match="potential must be"):
        baseline_gain(initial, potential[1:])
    with pytest.raises(InputError, match="share must be"):
        baseline_gain(initial, potential, np.zeros(2))
    with pytest.raises(InputError, match="gap must be"):
        total_gap(initial, potential, np.zeros(2))
