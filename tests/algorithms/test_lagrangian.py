"""Multipliers on the groups' returns."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from shaping_runs import (
    PLAIN,
    TINY,
    check_plain_ppo_remains,
    random_samples,
    spoiled,
    standard,
    trained,
    world_for,
)

from evenhand.algorithms.lagrangian_ppo import (
    Multipliers,
    ReturnMultipliers,
    episode_returns,
    lagrangian_ppo,
)
from evenhand.core.rollout import rollout, start
from evenhand.testing import check_algorithm

TERM = ReturnMultipliers(tolerance=0.1, multiplier_rate=0.5, multiplier_max=2.0)


@pytest.mark.parametrize(("world", "credit"), PLAIN)
@pytest.mark.slow
def test_with_a_rate_of_zero_the_networks_are_those_of_plain_ppo(world, credit):
    check_plain_ppo_remains(ReturnMultipliers(multiplier_rate=0.0), world, credit=credit)


@pytest.mark.long
def test_the_method_keeps_the_contract():
    algorithm = lagrangian_ppo(**TINY)
    check_algorithm(algorithm, world_for(algorithm, "lending of three groups"))


def zero(num_groups):
    return Multipliers(jnp.zeros((num_groups, num_groups)), jnp.zeros((num_groups, num_groups)))


def plain_step(term, nu1, nu2, J):
    """The update of the spec, pair by pair."""
    G = len(J)
    for z in range(G):
        for other in range(G):
            if z != other:
                D = J[z] - J[other]
                low, high = 0.0, term.multiplier_max
                eps, rate = term.tolerance, term.multiplier_rate
                nu1[z, other] = min(max(nu1[z, other] - rate * (eps - D), low), high)
                nu2[z, other] = min(max(nu2[z, other] - rate * (eps + D), low), high)


def test_multipliers_agree_with_a_plain_loop_over_pairs():
    rng = np.random.default_rng(0)
    memory, nu1, nu2 = zero(4), np.zeros((4, 4)), np.zeros((4, 4))
    for _ in range(20):
        J = rng.normal(size=4)
        memory = TERM.moved(memory, jnp.asarray(J, jnp.float32))
        plain_step(TERM, nu1, nu2, J)
        np.testing.assert_allclose(memory.ahead, nu1, atol=1e-5)
        np.testing.assert_allclose(memory.behind, nu2, atol=1e-5)
    k = [1 + sum(nu2[z, o] - nu1[z, o] for o in range(4) if o != z) for z in range(4)]
    np.testing.assert_allclose(TERM.coefficients(memory), k, atol=1e-4)


def test_a_gap_within_the_tolerance_moves_nothing_and_a_wider_one_shifts_weight_to_the_poorer():
    still = TERM.moved(zero(2), jnp.asarray([0.09, 0.0]))
    np.testing.assert_array_equal(TERM.coefficients(still), np.ones(2))
    wide = jnp.asarray([0.5, 0.0])
    memory, before = zero(2), np.ones(2)
    for _ in range(3):
        memory = TERM.moved(memory, wide)
        now = np.asarray(TERM.coefficients(memory))
        assert now[0] < before[0]
        assert now[1] > before[1]
        before = now
    for _ in range(50):
        memory = TERM.moved(memory, wide)
    # Projected; the richer group's coefficient is negative then, as in the original.
    np.testing.assert_allclose(TERM.coefficients(memory), [-1.0, 3.0])
    for _ in range(50):
        memory = TERM.moved(memory, jnp.zeros(2))
    np.testing.assert_array_equal(TERM.coefficients(memory), np.ones(2))


def test_each_sample_gets_the_coefficient_of_its_own_group():
    samples = random_samples(None)
    memory = Multipliers(jnp.full((3, 3), 0.25), jnp.asarray(np.diag([0.0, 1.0, 2.0]), jnp.float32))
    counts = np.asarray(samples.weight) > 0
    k = np.array([0.25, 1.25, 2.25])[np.asarray(samples.group)][counts]
    expected = standard(np.asarray(samples.advantage, np.float64)[counts]) * k
    for given in (samples, spoiled(samples)):
        got = np.asarray(TERM.advantage(memory, given))[counts]
        np.testing.assert_allclose(got, expected, atol=1e-4)


def test_group_returns_are_the_rollouts_extrapolated_to_an_episode():
    algorithm = lagrangian_ppo(**TINY)
    env = world_for(algorithm, "admissions")
    params = env.default_params()

    def act(key, obs):
        return jr.bernoulli(key, 0.8).astype(jnp.int32)

    _, batch = rollout(jr.key(1), env, params, act, start(jr.key(0), env, params, 2), 60)
    assert float(batch.outcome.weight.min()) == 0.0
    expected = np.zeros(2)
    for t in range(60):
        for n in range(2):
            if batch.outcome.weight[t, n] > 0:
                expected[batch.outcome.group[t, n]] += batch.rewards[t, n, 0]
    expected *= env.episode_steps / 120
    np.testing.assert_allclose(episode_returns(env, batch), expected, rtol=1e-5)


@pytest.mark.slow
def test_multipliers_are_remembered_from_update_to_update():
    algorithm = lagrangian_ppo(**TINY, term=ReturnMultipliers(tolerance=0.0, multiplier_max=100.0))
    env = world_for(algorithm)
    sums = [
        float(sum(jnp.sum(x) for x in jax.tree.leaves(trained(algorithm, env, n).learner.term)))
        for n in (1, 8)
    ]
    assert sums[1] > sums[0] > 0
