"""RiverSwim-v0 draws what its finite model says, stroke by stroke and over whole episodes."""

import subprocess
import sys
from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from evenhand.core.errors import InputError
from evenhand.core.policy import TabularPolicy
from evenhand.core.registry import make
from evenhand.core.rollout import evaluate
from evenhand.data.river_swim import SWIMMERS, TASKS, River, Swimmer, choose_tasks, swimmers
from evenhand.envs.observing import with_features
from evenhand.envs.river_swim import RiverSwim
from evenhand.tabular.evaluation import expected_returns
from evenhand.tabular.group_fair_lp import GroupFairLP
from evenhand.tabular.river_swim import river_swim_mdp
from evenhand.testing import check_environment

THREE = River(SWIMMERS, ("near-goal", "predecessor", "middle-goal"), num_states=5, horizon=6)


class Staged(eqx.Module):
    """Draws from a table `(G, H, S, A)` at the stage that `turn-left` shows."""

    table: jax.Array
    env: RiverSwim = eqx.field(static=True)

    def act(self, key, obs):
        group, place = self.env.decode(obs)
        left = obs[self.env.slices["turn-left"]][0]
        stage = self.env.horizon - jnp.round(left * self.env.horizon).astype(jnp.int32)
        return (jr.uniform(key) >= self.table[group, stage, place, 0]).astype(jnp.int32)


def test_the_world_keeps_the_contract():
    check_environment(RiverSwim(THREE), num_steps=60)


@pytest.mark.slow
def test_one_swimmer_and_windows_keep_it_too():
    one = RiverSwim(River(SWIMMERS[:1]), ("score-scaled", "time-left"))
    check_environment(one)
    names = ("score-onehot", "group", "turn-left", "running-rates", "history-7")
    check_environment(with_features(RiverSwim(), names), num_steps=40)


def test_the_numbers_of_the_world_are_those_of_its_exact_model():
    mdp, params = river_swim_mdp(THREE), RiverSwim(THREE).default_params()
    assert np.allclose(params.transition, mdp.transition, atol=1e-7)
    assert np.allclose(params.initial, mdp.initial, atol=1e-7)
    assert np.allclose(params.rewards, mdp.rewards, atol=1e-7)
    assert RiverSwim(THREE).signals == mdp.signals == THREE.tasks


def test_strokes_and_labels_follow_the_law_from_every_place():
    env, mdp = RiverSwim(THREE), river_swim_mdp(THREE)
    params, draws = env.default_params(), 4000
    G, S, A, _ = mdp.transition.shape
    state = env.reset(jr.key(0), params)

    def landed(key, group, place, action):
        at = replace(state, place=place, time=group * env.horizon)
        after, step = env.step(key, at, action, params)
        return after.place, step.rewards, step.outcome.label

    grid = jnp.meshgrid(*(jnp.arange(n, dtype=jnp.int32) for n in (G, S, A)), indexing="ij")
    cells = [axis.ravel() for axis in grid]
    over = jax.vmap(jax.vmap(landed, (0, None, None, None)), (None, 0, 0, 0))
    place, rewards, label = jax.jit(over)(jr.split(jr.key(1), draws), *cells)
    seen = np.stack([(np.asarray(place) == n).mean(1) for n in range(S)], -1)
    law = mdp.transition.reshape(seen.shape)
    assert (np.abs(seen - law) <= 5 * np.sqrt(law * (1 - law) / draws) + 1e-6).all()
    assert np.allclose(rewards[:, 0], mdp.rewards.reshape(-1, len(mdp.signals)))
    above = np.triu(np.ones((S, S)), 1)
    up = np.broadcast_to((mdp.transition[:, :, 1] * above).sum(-1)[:, :, None], (G, S, A)).ravel()
    assert (np.abs(np.asarray(label).mean(1) - up) <= 5 * np.sqrt(up * (1 - up) / draws)).all()


@pytest.mark.parametrize("stationary", [True, False])
def test_simulated_returns_agree_with_exact_ones_for_every_group_and_task(stationary):
    env, mdp = RiverSwim(THREE), river_swim_mdp(THREE)
    rng = np.random.default_rng(5)
    shape = (3, 5, 2) if stationary else (3, 6, 5, 2)
    table = rng.dirichlet((0.6, 1.4), shape[:-1])
    if not stationary:
        # The optimum itself depends on the stage, and leaves some states without mass.
        table = 0.5 * table + 0.5 * GroupFairLP(mdp, 0.5).solve().policy
    shown = jnp.asarray(table, jnp.float32)
    policy = TabularPolicy(shown, env) if stationary else Staged(shown, env)
    found = evaluate(jr.key(2), env, env.default_params(), policy, num_episodes=6000)
    J = np.asarray(found.J, np.float64)
    exact = expected_returns(mdp, table)
    assert J.shape[1:] == exact.shape == (3, 3)
    error = J.std(0) / np.sqrt(len(J))
    assert (np.abs(J.mean(0) - exact) <= 4.5 * error + 1e-4).all()
    assert (exact > 0.005).all()


def test_everybody_swims_one_turn_and_then_starts_afresh():
    env = RiverSwim(River(SWIMMERS, spawn_prob=1.0, horizon=3))
    params = env.default_params()
    right = TabularPolicy(jnp.tile(jnp.float32([0, 1]), (3, 7, 1)), env)
    found = evaluate(jr.key(0), env, params, right, num_episodes=4, steps=18)
    group, level = np.asarray(found.outcomes.group), np.asarray(found.outcomes.level)
    assert (group == np.tile(np.repeat(np.arange(3), 3), 2)).all()
    assert (level[:, ::3] == np.tile([0, 1, 0], 2)).all()


def test_tasks_groups_and_sizes_are_chosen_by_name_and_number():
    env = make("RiverSwim-v0", river=River(swimmers(3), choose_tasks("middle-goal, near-goal")))
    assert (env.signals, env.num_groups, env.episode_steps) == (("middle-goal", "near-goal"), 3, 30)
    assert sorted(TASKS) == sorted(("predecessor", *env.signals))
    four = (*SWIMMERS, Swimmer("D", 0.5, 0.5, 0.0, start=2))
    assert river_swim_mdp(River(four)).num_groups == 4


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: River(tasks=("far-goal",)), "near-goal"),
        (lambda: River(tasks=("near-goal", "near-goal")), "different"),
        (lambda: River(num_states=3), "num_states must be"),
        (lambda: River(horizon=0), "horizon must be"),
        (lambda: River(spawn_prob=1.5), "spawn_prob"),
        (lambda: River(swimmers=()), "at least one swimmer"),
        (lambda: Swimmer("X", 0.5, 0.5, 0.5), "add up to 1"),
        (lambda: River((Swimmer("X", 1.0, 0.0, 0.0, start=9),)), "start of swimmer 'X'"),
        (lambda: swimmers(4), "groups must be 1 to 3"),
    ],
)
def test_numbers_that_make_no_river_are_refused(build, message):
    with pytest.raises(InputError, match=message):
        build()


WRITTEN = """
from evenhand.data.river_swim import river
for words in ({"tasks": 3}, {"horizon": 2.5}, {"spawn_prob": "x"}, {"num_groups": "x"}):
    try:
        river(**words)
    except ValueError as error:
        print(error)
"""


def test_settings_of_a_wrong_kind_are_refused_by_name():
    """In a process of its own, where no type checker of the tests speaks first."""
    done = subprocess.run([sys.executable, "-c", WRITTEN], capture_output=True, text=True)
    starts = [line.split(" must be ")[0] for line in done.stdout.splitlines()]
    assert starts == ["tasks", "horizon", "spawn_prob", "groups"]
