"""Terms that shape the advantage or the reward by the gap of running rates."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from shaping_runs import (
    PLAIN,
    TINY,
    WORLDS,
    check_plain_ppo_remains,
    random_samples,
    scaled,
    spoiled,
    standard,
    trained,
    world_for,
)

from evenhand.algorithms.a_ppo import AdvantageShaping, Gap, a_ppo
from evenhand.algorithms.parts.shaping import min_max, shaped
from evenhand.algorithms.ppo import PPO
from evenhand.algorithms.r_ppo import RewardPenalty, r_ppo
from evenhand.core.rollout import rollout, start
from evenhand.testing import check_algorithm

NO_TERM = {
    "a-ppo": AdvantageShaping(threshold_weight=0.0, decrease_weight=0.0),
    "r-ppo": RewardPenalty(gap_weight=0.0),
}


@pytest.mark.parametrize(("world", "credit"), PLAIN)
@pytest.mark.parametrize("method", NO_TERM)
@pytest.mark.slow
def test_with_weights_of_zero_the_networks_are_those_of_plain_ppo(method, world, credit):
    check_plain_ppo_remains(NO_TERM[method], world, credit=credit)


@pytest.mark.parametrize("make", [a_ppo, r_ppo])
@pytest.mark.slow
def test_the_terms_change_what_is_learned(make):
    algorithm = make(**TINY)
    env = world_for(algorithm)
    ours, plain = trained(algorithm, env), trained(PPO(**TINY), env)
    changed = ours.learner.network.policy.out - plain.learner.network.policy.out
    assert float(jnp.abs(changed).max()) > 1e-5


@pytest.mark.parametrize("make", [a_ppo, r_ppo])
@pytest.mark.long
def test_the_method_keeps_the_contract(make):
    algorithm = make(**TINY)
    check_algorithm(algorithm, world_for(algorithm, "lending of three groups"))


def test_min_max_scales_those_that_count_to_0_and_1():
    weight = jnp.asarray([1.0, 1.0, 0.0, 1.0])
    got = min_max(jnp.asarray([2.0, 4.0, 100.0, 3.0]), weight)
    np.testing.assert_allclose(got, [0.0, 1.0, 0.0, 0.5], atol=1e-6)
    for weight in (jnp.zeros(3), jnp.ones(3)):
        same = jnp.asarray([5.0, 5.0, 5.0])
        np.testing.assert_array_equal(min_max(same, weight), np.zeros(3))
        assert np.isfinite(shaped(same, weight, (1.0, same))).all()


@pytest.mark.parametrize("seed", range(3))
def test_shaped_advantages_agree_with_a_plain_computation(seed):
    rng = np.random.default_rng(seed)
    before, after = rng.random((2, 64)).astype(np.float32) * 0.02
    samples = random_samples(Gap(jnp.asarray(before), jnp.asarray(after)), seed)
    term = AdvantageShaping(threshold_weight=0.4, decrease_weight=0.7, slack=0.01)
    too_wide = np.minimum(0, -after + 0.01)
    decrease = np.minimum(0, (after > 0.01) * (before - after))
    w = samples.weight
    total = scaled(samples.advantage, w) + 0.4 * scaled(too_wide, w) + 0.7 * scaled(decrease, w)
    for given in (samples, spoiled(samples)):
        got = np.asarray(term.advantage(None, given))[np.asarray(w) > 0]
        np.testing.assert_allclose(got, standard(total), atol=2e-4)


@pytest.mark.parametrize("world", WORLDS)
def test_the_gap_before_a_decision_is_that_after_the_previous_one(world):
    algorithm = a_ppo()
    env = world_for(algorithm, world)
    params = env.default_params()
    actors = start(jr.key(0), env, params, 3)

    def act(key, obs):
        return jr.bernoulli(key).astype(jnp.int32)

    actors, batch = rollout(jr.key(1), env, params, act, actors, 60)
    _, gap = algorithm.term.prepare(env, None, batch, actors, None)
    counts = np.asarray(batch.outcome.weight)[1:] > 0
    assert not gap.before[0].any()
    assert gap.after.any()
    np.testing.assert_allclose(gap.before[1:][counts], gap.after[:-1][counts], atol=1e-6)


def test_the_penalty_is_taken_where_the_gap_reaches_the_slack():
    algorithm = r_ppo()
    env = world_for(algorithm)
    params = env.default_params()
    actors = start(jr.key(0), env, params, 3)

    def act(key, obs):
        return jr.bernoulli(key, 0.9).astype(jnp.int32)

    _, batch = rollout(jr.key(1), env, params, act, actors, 60)
    gap = np.asarray(batch.rewards[..., env.signals.index("tpr_gap")])
    slack = float(np.median(gap))
    got = RewardPenalty(gap_weight=3.0, slack=slack).reward(env, batch)
    expected = np.asarray(batch.rewards[..., 0]) - 3.0 * gap * (gap >= np.float32(slack))
    np.testing.assert_allclose(got, expected, atol=1e-6)
