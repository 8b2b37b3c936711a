"""The two oracles: their choice against brute force, and the reference values of lending."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from evenhand.algorithms.equal_opportunity import EqualOpportunityThresholds, equal_opportunity
from evenhand.algorithms.max_util import MaxUtilThreshold, max_util
from evenhand.algorithms.parts.payoff import payoff_of
from evenhand.core.environment import AbstractEnvironment
from evenhand.core.errors import InputError
from evenhand.core.policy import threshold_policy
from evenhand.core.rollout import evaluate
from evenhand.data.choose import choose_population
from evenhand.data.presets import gym
from evenhand.envs.lending import Lending
from evenhand.envs.level_shares import LevelShares
from evenhand.metrics.catalogue import measure

G, K = 3, 5


def random_problem(seed):
    """Shares, success chances (some not monotone) and group sizes."""
    draw = np.random.default_rng(seed)
    shares = draw.dirichlet(np.ones(K), G) * draw.integers(0, 2, (G, K))
    shares = shares / np.maximum(shares.sum(1, keepdims=True), 1e-9)
    success = draw.uniform(0.05, 0.95, (G, K))
    if seed % 2:
        success = np.sort(success, 1)
    return shares, success, draw.dirichlet(np.ones(G))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), cost=st.sampled_from([0.5, 1.0, 4.0]))
def test_max_util_is_the_best_single_threshold(seed, cost):
    shares, success, size = random_problem(seed)
    gain = success - cost * (1 - success)
    policy = MaxUtilThreshold(jnp.float32(gain), jnp.float32(size), None)
    cut = int(policy.threshold(jnp.float32(shares)))
    value = [(size[:, None] * shares * gain)[:, k:].sum() for k in range(K + 1)]
    assert value[cut] >= max(value) - 1e-5


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), cost=st.sampled_from([0.5, 1.0, 4.0]))
def test_equal_opportunity_earns_what_a_linear_program_over_threshold_mixtures_earns(seed, cost):
    shares, success, size = random_problem(seed)
    gain = success - cost * (1 - success)
    policy = EqualOpportunityThresholds(*map(jnp.float32, (success, gain, size)), None)
    approve = np.asarray(jax.jit(policy.approve_table)(jnp.float32(shares)), float)
    mass = shares + 1e-6
    rate = (approve * mass * success).sum(1) / (mass * success).sum(1)
    earned = (size[:, None] * mass * gain * approve).sum()
    np.testing.assert_allclose(rate, rate[0], atol=2e-4)
    assert (np.diff(approve, axis=1) >= -1e-6).all()

    points = np.array([[m[k:].sum() for k in range(K + 1)] for m in mass * success])
    points /= points[:, :1]
    worth = np.array([[m[k:].sum() for k in range(K + 1)] for m in size[:, None] * mass * gain])
    equal = np.zeros((2 * G, G * (K + 1) + 1))
    for g in range(G):
        mix = slice(g * (K + 1), (g + 1) * (K + 1))
        equal[g, mix], equal[G + g, mix], equal[G + g, -1] = 1, points[g], -1
    best = linprog(
        -np.append(worth.ravel(), 0), A_eq=equal, b_eq=np.repeat([1.0, 0.0], G), bounds=(0, 1)
    )
    np.testing.assert_allclose(earned, -best.fun, atol=2e-4)


def test_two_groups_that_are_alike_get_the_max_util_threshold():
    env = LevelShares(Lending(choose_population("drift-3")))
    params = env.default_params()
    shares = jnp.asarray(env.built_from.value.initial, jnp.float32)
    table = equal_opportunity(env, params).approve_table(shares)
    cut = max_util(env, params).threshold(shares)
    occupied = np.asarray(shares) > 0
    level = np.broadcast_to(np.arange(env.num_levels), occupied.shape)
    np.testing.assert_allclose(table[occupied], (level >= cut)[occupied], atol=1e-4)


def test_where_repayment_is_alike_the_global_threshold_is_break_even():
    for preset, cut in (("gym", 3), ("drift-1", 6), ("drift-2", 7), ("drift-3", 6)):
        env = LevelShares(Lending(choose_population(preset)))
        policy = max_util(env, env.default_params())
        for seed in range(3):
            shares = np.random.default_rng(seed).dirichlet(np.ones(env.num_levels), 2)
            assert int(policy.threshold(jnp.float32(shares))) == cut
        empty = jnp.zeros((2, env.num_levels)).at[:, 0].set(1.0)
        assert int(policy.threshold(empty)) == cut


def test_where_repayment_differs_the_global_threshold_moves_with_the_population():
    gain = jnp.array([[-1.0, 0.5], [-0.5, 1.0]]) * jnp.array([[1.0, 1.0], [-1.0, 1.0]])
    policy = MaxUtilThreshold(gain, jnp.array([0.5, 0.5]), None)
    assert int(policy.threshold(jnp.array([[0.9, 0.1], [0.1, 0.9]]))) == 1
    assert int(policy.threshold(jnp.array([[0.1, 0.9], [0.9, 0.1]]))) == 0


def test_static_recall_and_reward_per_threshold_of_the_gym_population():
    env = LevelShares(Lending(gym()))
    params = env.default_params()
    shares = jnp.asarray(env.built_from.value.initial, jnp.float32)
    rate, reward = equal_opportunity(env, params).curves(shares)
    np.testing.assert_allclose(rate[0, 2:6], [0.966, 0.890, 0.686, 0.356], atol=6e-4)
    np.testing.assert_allclose(rate[1, 1:6], [0.980, 0.939, 0.758, 0.394, 0], atol=6e-4)
    np.testing.assert_allclose(2 * reward[0, 2:5], [0.24, 0.25, 0.21], atol=1e-5)
    np.testing.assert_allclose(2 * reward[1, 2:5], [0.13, 0.15, 0.09], atol=1e-5)


def test_the_exact_return_of_threshold_3_at_1000_per_group():
    person = gym().person()
    law, total = person.initial.copy(), 0.0
    approve = np.arange(7) >= 3
    move = np.where(approve[None, :, None], person.transition[:, :, 1], person.transition[:, :, 0])
    reward = np.where(approve, person.rewards[:, :, 1, 0], 0.0)
    for weight in person.weights:
        total += weight * (person.group_size[:, None] * law * reward).sum()
        law = np.einsum("gs,gst->gt", law, move)
    assert total == pytest.approx(1955.9, abs=0.05)

    env = Lending(gym())
    found = evaluate(
        jr.key(5), env, env.default_params(), threshold_policy(env, 3), num_episodes=24
    )
    returns = np.asarray(found.J[:, :, 0].sum(1))
    assert abs(returns.mean() - 1955.9) < 4 * returns.std(ddof=1) / np.sqrt(24)


# Mean, standard deviation over 6 runs of the reference simulation at 100 people per group; the
# credit gap's deviation, which it does not give, is about .18 here.
REFERENCE = {
    max_util: {"return": (1539, 107), "recall": (0.617, 0.467), "credit_gap_true": (0.57, 0.18)},
    equal_opportunity: {
        "return": (1670, 130),
        "recall": (0.657, 0.655),
        "credit_gap_true": (0.74, 0.18),
    },
}


@pytest.mark.parametrize("make", REFERENCE)
def test_simulated_reference_values_at_100_per_group(make):
    env = LevelShares(Lending(gym(population_per_group=100)))
    params = env.default_params()
    episodes, reference = 24, REFERENCE[make]
    found = evaluate(jr.key(0), env, params, make(env, params), num_episodes=episodes)
    found = measure(found, env, params, tuple(reference))
    for name in ("return", "credit_gap_true"):
        mean, std = reference[name]
        error = np.hypot(std / np.sqrt(6), found[name].value.std(ddof=1) / np.sqrt(episodes))
        assert abs(found[name].value.mean() - mean) < 3 * error, name
    spread = found["recall"].by_group.std(0, ddof=1)
    error = spread * np.sqrt(1 / 6 + 1 / episodes)
    off = np.abs(found["recall"].by_group.mean(0) - reference["recall"])
    assert (off < 3 * error + 5e-4).all()


def test_with_unseen_conscientiousness_the_chance_is_the_groups_own_rate():
    population = choose_population("gym", settings=["conscientiousness_std=0.2"])
    params = Lending(population).default_params()
    draw = np.random.default_rng(0).normal(0, 0.2, (200_000, 1, 1))
    expected = np.clip(population.repay_prob + draw, 0.05, 0.95).mean(0)
    np.testing.assert_allclose(payoff_of(params).success_prob, expected, atol=2e-3)


def test_a_world_without_repayment_is_refused_with_a_remedy():
    class Nothing(AbstractEnvironment):
        pass

    with pytest.raises(InputError, match="threshold:K"):
        payoff_of(Nothing.__new__(Nothing))
