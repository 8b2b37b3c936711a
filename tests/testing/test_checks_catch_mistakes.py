"""A broken contract is named, with the remedy."""

import random
import time

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import pytest

from evenhand.algorithms.ppo import PPO
from evenhand.core.environment import Step
from evenhand.data.presets import gym
from evenhand.envs._template import Template
from evenhand.envs.lending import Lending
from evenhand.metrics.groups import selection_rate
from evenhand.testing import ConformanceError, check_environment, check_metric, check_probe
from evenhand.testing.purity import check_purity
from evenhand.testing.shapes import check_shapes


def changed(step: Step, **fields) -> Step:
    for name, value in fields.items():
        step = eqx.tree_at(lambda s, name=name: getattr(s, name), step, value)
    return step


class StrangerAsSuccessor(Template):
    def step(self, key, state, action, params):
        state, step = Template.step(self, key, state, action, params)
        return state, changed(step, successor=self.observe(state, params))


class TwoRewards(Template):
    def step(self, key, state, action, params):
        state, step = Template.step(self, key, state, action, params)
        return state, changed(step, rewards=jnp.zeros(2))


class GrowingState(Template):
    def step(self, key, state, action, params):
        state, step = Template.step(self, key, state, action, params)
        return eqx.tree_at(lambda s: s.level, state, state.level.astype(jnp.float32)), step


class WrongGroup(Template):
    def step(self, key, state, action, params):
        state, step = Template.step(self, key, state, action, params)
        return state, changed(
            step, outcome=eqx.tree_at(lambda o: o.group, step.outcome, 1 - step.outcome.group)
        )


class TooNarrow(Template):
    def observe(self, state, params):
        return 2 * Template.observe(self, state, params)


class Unseeded(Template):
    def reset(self, key, params):
        return Template.reset(self, jr.fold_in(key, random.randrange(10**6)), params)


class Clocked(Template):
    def step(self, key, state, action, params):
        return Template.step(self, jr.fold_in(key, int(time.time())), state, action, params)


class Keyless(Template):
    def reset(self, key, params):
        return Template.reset(self, jr.key(0), params)

    def step(self, key, state, action, params):
        return Template.step(self, jr.key(0), state, jnp.int32(0), params)


class LeakyObservation(Lending):
    def step(self, key, state, action, params):
        state, step = Lending.step(self, key, state, action, params)
        return state, changed(step, rewards=step.rewards * params.observed_up[0])


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (StrangerAsSuccessor, "successor"),
        (WrongGroup, "group"),
        (TooNarrow, "obs_bounds"),
        (Keyless, "different keys"),
    ],
)
def test_broken_behaviour_is_named(broken, says):
    with pytest.raises(ConformanceError, match=says):
        check_environment(broken(), num_steps=50, num_envs=2)


def test_an_observation_parameter_that_changes_the_reward_is_named():
    with pytest.raises(ConformanceError, match="adjustable"):
        check_environment(LeakyObservation(gym(population_per_group=4)), num_steps=50, num_envs=2)


@pytest.mark.parametrize(("broken", "says"), [(TwoRewards, "rewards"), (GrowingState, "state")])
def test_a_wrong_shape_is_named(broken, says):
    env = broken()
    with pytest.raises(ConformanceError, match=says):
        check_shapes(env, env.default_params())


@pytest.mark.parametrize("broken", [Unseeded, Clocked])
def test_hidden_randomness_and_the_clock_are_found(broken):
    env = broken()
    with pytest.raises(ConformanceError, match="depends on the clock"):
        check_purity(env, env.default_params())


@pytest.mark.slow
def test_a_learner_that_climbs_down_fails_the_probe():
    backwards = PPO(num_envs=64, num_steps=2, num_minibatches=2, width=16, learning_rate=-1e-2)
    with pytest.raises(ConformanceError, match="probe 'action'"):
        check_probe("action", backwards, num_updates=60)


def test_a_statistic_that_calls_no_data_zero_is_named():
    def zero(outcomes, num_groups):
        return jnp.nan_to_num(selection_rate(outcomes, num_groups))

    with pytest.raises(ConformanceError, match="NaN"):
        check_metric(zero)


def test_a_statistic_that_ignores_weights_is_named():
    def unweighted(outcomes, num_groups):
        weight = jnp.ones_like(outcomes.weight)
        ignored = eqx.tree_at(lambda o: o.weight, outcomes, weight)
        return selection_rate(ignored, num_groups)

    with pytest.raises(ConformanceError, match="weight 0"):
        check_metric(unweighted)


def test_a_statistic_that_prefers_a_group_is_named():
    def partial(outcomes, num_groups):
        return selection_rate(outcomes, num_groups) + 0.1 * jnp.arange(float(num_groups))

    with pytest.raises(ConformanceError, match="renaming"):
        check_metric(partial)
