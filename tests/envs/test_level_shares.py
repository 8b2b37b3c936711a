"""Counting the population one decision at a time."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from evenhand.core.errors import InputError
from evenhand.core.policy import constant_policy
from evenhand.core.rollout import evaluate, rollout, start
from evenhand.data.choose import choose_population
from evenhand.envs.lending import Lending
from evenhand.envs.level_shares import LevelShares


@pytest.mark.parametrize("preset", ["gym", "drift-3"])
def test_the_counts_are_those_of_the_population_after_any_number_of_steps(preset):
    env = LevelShares(Lending(choose_population(preset, settings=["population_per_group=(20,30)"])))
    params = env.default_params()
    actors = start(jr.key(0), env, params, 3)
    later, seen = rollout(jr.key(1), env, params, constant_policy(env, 0.7).act, actors, 200)
    for state in (actors.state, later.state):
        people = jax.vmap(env.population, (0, None))(state, params)
        for one in range(3):
            group, level = np.asarray(people.group[one]), np.asarray(people.true_score[one], int)
            counts = np.zeros((2, env.num_levels), int)
            np.add.at(counts, (group, level), 1)
            np.testing.assert_array_equal(state.counts[one], counts)
    shares = later.obs[:, env.slices["level-shares"]].reshape(3, 2, env.num_levels)
    np.testing.assert_allclose(shares.sum(-1), 1, rtol=1e-6)
    size = jnp.array([20.0, 30.0])[None, :, None]
    np.testing.assert_allclose(shares, later.state.counts / size, rtol=1e-6)
    assert seen.successor.shape == seen.obs.shape


def test_the_wrapped_world_goes_on_as_if_nobody_counted():
    inner = Lending(choose_population("gym", settings=["population_per_group=20"]))
    env, params = LevelShares(inner), inner.default_params()
    found = [
        evaluate(jr.key(3), world, params, constant_policy(world, 0.5), num_episodes=2, steps=100)
        for world in (inner, env)
    ]
    for a, b in zip(*map(jax.tree.leaves, found), strict=True):
        np.testing.assert_array_equal(a, b)
    assert env.signals == inner.signals
    low, high = env.obs_bounds
    assert low.shape == high.shape == (env.obs_size,)
    assert env.slices["level-shares"].stop == env.obs_size


def test_wrapping_twice_is_refused():
    env = LevelShares(Lending())
    with pytest.raises(InputError, match="wrap it once"):
        LevelShares(env)
