"""Everything that ships keeps its own contract."""

import jax.numpy as jnp
import pytest

from evenhand.algorithms.ppo import PPO
from evenhand.data.admissions import college
from evenhand.data.presets import drift_3, fico_scores, gym
from evenhand.envs._template import Template
from evenhand.envs.admissions import Admissions
from evenhand.envs.lending import Lending
from evenhand.envs.observing import with_features
from evenhand.metrics.catalogue import METRICS
from evenhand.metrics.groups import selection_rate, true_positive_rate
from evenhand.testing import (
    PROBES,
    Probe,
    check_algorithm,
    check_environment,
    check_metric,
    check_probe,
)
from evenhand.testing.environment import _trial, check_trial

ALL = (
    *("score-onehot", "group", "own-ratios", "time-left"),
    *("running-rates", "recent-rates-20", "history-20"),
)


def conscientious():
    from dataclasses import replace

    return replace(gym(population_per_group=4), conscientiousness_std=0.2)


# Small populations: only where a person applies twice in a row is a successor compared.
WORLDS = {
    "gym": lambda: Lending(gym(population_per_group=4)),
    "fico": lambda: Lending(fico_scores(), ("score-scaled", "group")),
    "drift-3": lambda: Lending(drift_3()),
    "conscientious": lambda: Lending(conscientious()),
    "ten groups": lambda: Lending(gym(10, 3)),
    "admissions": lambda: Admissions(college(population_per_group=30)),
    "admissions of ten groups": lambda: Admissions(college(10, 3), ("score-scaled", "group")),
    "windows": lambda: with_features(Lending(gym(population_per_group=4)), ALL),
    "windows on admissions": lambda: with_features(
        Admissions(college(population_per_group=5)),
        ("score-onehot", "group", "running-rates", "recent-rates-9", "history-7", "level-shares"),
    ),
    "template": Template,
    "probe": Probe,
}


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.slow
def test_world_keeps_the_contract(name):
    check_environment(WORLDS[name](), num_steps=400)


def test_admissions_keep_the_contract_under_the_printed_payoff():
    env = Admissions(college(population_per_group=30))
    printed = Admissions(college(population_per_group=30, payoff="printed"))
    assert printed == env  # a payoff is a number, so nothing is compiled again
    check_environment(env, printed.default_params(), num_steps=400)


def test_a_bankrupt_lender_decides_on_nobody():
    from dataclasses import replace

    import jax.random as jr

    env = Lending(replace(gym(population_per_group=4), cash=3.0, reward_default=-2.0))
    trial = _trial(jr.key(0), env, env.default_params(), 200, 8)
    check_trial(env, trial)
    ended = trial.steps.terminated.any(0)
    assert ended.any()
    assert float(trial.steps.outcome.weight[-1][ended].sum()) == 0.0


@pytest.mark.slow
def test_ppo_keeps_the_contract():
    ppo = PPO(num_envs=4, num_steps=8, num_minibatches=2, num_epochs=1, width=8)
    check_algorithm(ppo, Probe())


@pytest.mark.parametrize("name", PROBES)
def test_ppo_solves_the_probe(name):
    ppo = PPO(num_envs=64, num_steps=2, num_minibatches=2, width=16, learning_rate=1e-2)

    def value(state, obs):
        return state.learner.network(jnp.asarray(obs))[1]

    check_probe(name, ppo, num_updates=60, value=value)


@pytest.mark.parametrize("name", METRICS)
def test_metric_of_the_catalogue_keeps_the_laws(name):
    check_metric(METRICS[name])


@pytest.mark.parametrize("statistic", [selection_rate, true_positive_rate])
def test_statistic_of_outcomes_keeps_the_laws(statistic):
    check_metric(statistic)
