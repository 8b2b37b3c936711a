"""An advantage shaped by the distance between the groups' recent levels."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from scipy.stats import wasserstein_distance
from shaping_runs import (
    PLAIN,
    TINY,
    check_plain_ppo_remains,
    random_samples,
    scaled,
    spoiled,
    standard,
    world_for,
)

from evenhand.algorithms.f_ppo_l import (
    Change,
    DistanceShaping,
    count_distance,
    f_ppo_l,
    level_distance,
)
from evenhand.core.rollout import rollout, start
from evenhand.testing import check_algorithm


@pytest.mark.parametrize(("world", "credit"), PLAIN)
@pytest.mark.slow
def test_with_weights_of_zero_the_networks_are_those_of_plain_ppo(world, credit):
    term = DistanceShaping(narrow_weight=0.0, keep_weight=0.0)
    check_plain_ppo_remains(term, world, credit=credit)


@pytest.mark.long
def test_the_method_keeps_the_contract():
    algorithm = f_ppo_l(**TINY, term=DistanceShaping(window=20))
    check_algorithm(algorithm, world_for(algorithm, "lending of three groups"))


@pytest.mark.parametrize("seed", range(3))
def test_shaped_advantages_agree_with_a_plain_computation(seed):
    rng = np.random.default_rng(seed)
    change = rng.normal(size=64).astype(np.float32) * 0.01
    gap = rng.random(64).astype(np.float32) * 0.02
    samples = random_samples(Change(jnp.asarray(change), jnp.asarray(gap)), seed)
    term = DistanceShaping(narrow_weight=0.9, keep_weight=0.6, slack=0.01)
    wide, w = gap > 0.01, samples.weight
    narrow = np.minimum(0, wide * -change)
    keep = np.maximum(0, ~wide * -change)
    total = scaled(samples.advantage, w) + 0.9 * scaled(narrow, w) + 0.6 * scaled(keep, w)
    for given in (samples, spoiled(samples)):
        got = np.asarray(term.advantage(None, given))[np.asarray(w) > 0]
        np.testing.assert_allclose(got, standard(total), atol=2e-4)


def counts(seed, groups=3, levels=6):
    return np.random.default_rng(seed).integers(0, 9, size=(groups, levels))


@pytest.mark.parametrize("seed", range(4))
def test_distances_agree_with_the_general_purpose_solver(seed):
    table = counts(seed)
    history = jnp.asarray(table / (table.sum() + 1), jnp.float32)
    pairs = [(0, 1), (0, 2), (1, 2)]
    levels = np.arange(6)
    by_level = [wasserstein_distance(levels, levels, table[i], table[j]) for i, j in pairs]
    by_count = [wasserstein_distance(table[i], table[j]) for i, j in pairs]
    assert float(level_distance(history)) == pytest.approx(max(by_level), abs=1e-4)
    assert float(count_distance(history)) == pytest.approx(max(by_count), abs=1e-2)


def test_a_group_of_which_nobody_came_has_no_distance():
    history = jnp.asarray(counts(0)[:2] / 100, jnp.float32).at[0].set(0.0)
    assert float(level_distance(history)) == 0.0


@pytest.mark.parametrize("world", ["lending of three groups", "admissions"])
def test_the_change_of_distance_is_right_across_rollouts(world):
    term = DistanceShaping(window=20)
    algorithm = f_ppo_l(term=term)
    env = world_for(algorithm, world)
    params = env.default_params()

    def act(key, obs):
        return jr.bernoulli(key).astype(jnp.int32)

    actors = start(jr.key(0), env, params, 3)
    changes, after, weights = [], [], []
    for piece in range(4):
        actors, batch = rollout(jr.fold_in(jr.key(1), piece), env, params, act, actors, 15)
        changes.append(term.prepare(env, None, batch, actors, None)[1].distance)
        after.append(batch.rewards[..., env.signals.index("score_w1")])
        weights.append(batch.outcome.weight)
    change, after, weight = (np.concatenate(x) for x in (changes, after, weights))
    before = np.concatenate([np.zeros((1, 3)), after[:-1]])
    counted = weight > 0
    np.testing.assert_allclose(change[counted], (after - before)[counted], atol=1e-5)
    assert np.abs(change).max() > 0.01
