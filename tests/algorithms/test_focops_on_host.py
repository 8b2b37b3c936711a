"""FOCOPS in batched worlds on the host: one world per group, a turn at a time."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from evenhand.algorithms.focops import FOCOPS
from evenhand.algorithms.focops_on_host import HostFOCOPS, with_returns
from evenhand.algorithms.parts.episode_sums import no_returns
from evenhand.algorithms.parts.group_networks import Scaler, fresh_actor
from evenhand.algorithms.parts.host_rollout import HostActor, host_rollout, whole_episodes
from evenhand.algorithms.parts.tasks import TaskRule
from evenhand.algorithms.parts.trust_region import TrustRegion
from evenhand.core.errors import InputError
from evenhand.core.training import train_on_host
from evenhand.experiments.checkpoint import load_state, save_state


class Carts:
    """Carts that are pushed; task 0 pays for going right, task 1 for going left.

    A group's carts are `weight` times as heavy. A cart further than 3 from the start is lost.
    """

    signals = ("right", "left")
    num_groups, obs_size, action_size, auto_reset = 2, 4, 1, True

    def __init__(self, group, weight, copies=2, episode_steps=10):
        self.column_group = (group,) * 2 * copies
        self.column_task = tuple(m for m in range(2) for _ in range(copies))
        self.num_envs, self.episode_steps, self.weight = 2 * copies, episode_steps, weight

    def reset(self, seed):
        self.random = np.random.default_rng(seed)
        self.place, self.time = self.random.uniform(-0.1, 0.1, self.num_envs), np.zeros(4, int)
        return self.show()

    def show(self):
        code = np.eye(2)[list(self.column_task)]
        return np.column_stack([self.place, self.time / self.episode_steps, code])

    def advance(self, actions):
        push = np.clip(actions[:, 0], -1, 1) / self.weight
        self.place, self.time = self.place + push, self.time + 1
        successor = self.show()
        lost = np.abs(self.place) > 3
        over = (self.time >= self.episode_steps) & ~lost
        for i in np.flatnonzero(lost | over):
            self.place[i], self.time[i] = self.random.uniform(-0.1, 0.1), 0
        rewards = np.column_stack([push, -push])
        weight = np.ones(self.num_envs)
        return SimpleNamespace(
            obs=self.show(), rewards=rewards, terminated=lost, truncated=over,
            successor=successor, weight=weight,
        )  # fmt: skip


WORLDS = (Carts(0, 1.0), Carts(1, 4.0))
RULE = TaskRule(task_mode="conditioned", multi_head=True)
METHOD = FOCOPS(
    num_envs=4, num_steps=20, width=8, tolerance=0.1, multiplier_rate=0.5, rule=RULE,
    region=TrustRegion(num_epochs=2, num_minibatches=4), learning_rate=1e-2,
)  # fmt: skip


def run(num_updates, state=None, hooks=()):
    return train_on_host(
        jr.key(0), HostFOCOPS(METHOD), WORLDS, None, num_updates=num_updates, state=state,
        hooks=hooks,
    )  # fmt: skip


def test_a_run_taken_up_again_from_a_checkpoint_gives_the_same_result(tmp_path):
    whole, logs = run(4)
    run(2, hooks=[lambda state, log, update: save_state(tmp_path / "half", state)])
    half = load_state(tmp_path / "half", whole)
    assert int(half.update) == 2
    resumed, _ = run(4, half)
    for a, b in zip(jax.tree.leaves(whole), jax.tree.leaves(resumed), strict=True):
        np.testing.assert_array_equal(a, b)
    assert int(whole.env_steps) == 4 * 20 * 4
    assert all(np.isfinite(value) for log in logs for value in log.values())
    # After a turn of each group both returns are known, and the wider gap moves multipliers.
    assert float(jnp.sum(whole.learner.multipliers.above + whole.learner.multipliers.below)) > 0


@pytest.mark.parametrize("heads", [0, 2])
def test_the_actor_in_numpy_is_the_compiled_one(heads):
    actor = fresh_actor(jr.key(0), 4, 3, 8, heads, continuous=True)
    scaler = Scaler(jnp.full(4, 0.5), jnp.full(4, 40.0), jnp.float32(10))
    obs = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    task = np.array([0, 1, 1, 0, 0, 1], np.int32)
    expected = actor(scaler(jnp.asarray(obs), 5.0), jnp.asarray(task))
    ours = HostActor(actor, scaler, 5.0, task)
    np.testing.assert_allclose(ours.mean(obs), expected.mean, atol=1e-5)
    noise = np.ones((6, 3), np.float32)
    pushed = expected.mean + jnp.exp(expected.log_std)
    np.testing.assert_allclose(ours.act(obs, noise), pushed, atol=1e-5)


def test_returns_are_sums_of_the_episodes_that_ended_and_no_others():
    rng = np.random.default_rng(0)
    rewards, ended = rng.normal(size=(30, 3, 2)), rng.random((30, 3)) < 0.1
    paid, episodes = whole_episodes(rewards, ended)
    for n in range(3):
        total, running, count = np.zeros(2), np.zeros(2), 0
        for t in range(30):
            running = running + rewards[t, n]
            if ended[t, n]:
                total, running, count = total + running, np.zeros(2), count + 1
        np.testing.assert_allclose(paid[n], total, atol=1e-9)
        assert episodes[n] == count


def test_a_rollout_begins_with_fresh_episodes_and_marks_where_each_ends():
    actor = fresh_actor(jr.key(0), 4, 1, 8, 0, continuous=True)
    scaler = Scaler(jnp.zeros(4), jnp.zeros(4), jnp.zeros(()))
    ours = HostActor(actor, scaler, 5.0, np.array(WORLDS[1].column_task))
    one, again = (host_rollout(WORLDS[1], ours, 20, seed=5) for _ in range(2))
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(a, b)
    # Heavy carts are never lost, so episodes end by the clock.
    expected = np.zeros((20, 4), bool)
    expected[[9, 19]] = True
    np.testing.assert_array_equal(one.cut, expected)
    assert not np.asarray(one.batch.terminated).any()
    np.testing.assert_allclose(one.batch.successor[9, :, 1], 1.0)
    np.testing.assert_allclose(one.batch.obs[10, :, 1], 0.0)


def test_a_task_without_a_whole_episode_keeps_what_was_known():
    known = with_returns(no_returns(2, 2), 1, np.array([[4.0, 6.0]]), np.array([[2.0, 1.0]]))
    np.testing.assert_allclose(known.J, [[0, 0], [2, 6]])
    later = with_returns(known, 1, np.array([[9.0, 0.0]]), np.array([[1.0, 0.0]]))
    np.testing.assert_allclose(later.J, [[0, 0], [9, 6]])


def test_worlds_that_do_not_fit_are_refused():
    learner = HostFOCOPS(METHOD)
    with pytest.raises(InputError, match="one world per group"):
        learner.init(jr.key(0), WORLDS[:1], None)
    with pytest.raises(InputError, match="num_envs to 8"):
        learner.init(jr.key(0), (Carts(0, 1.0, copies=4), Carts(1, 4.0, copies=4)), None)


@pytest.mark.slow
def test_carts_of_both_groups_learn_both_tasks_and_the_gap_narrows_under_constraints():
    ends = {}
    for constrained in ("none", "all"):
        rule = TaskRule(constrained=constrained, task_mode="conditioned", multi_head=True)
        method = FOCOPS(
            num_envs=4, num_steps=200, width=16, tolerance=0.5, multiplier_rate=0.1, rule=rule,
            region=TrustRegion(num_epochs=4, num_minibatches=4, kl_limit=0.1, kl_stop=0.1),
            learning_rate=1e-2, critic_rate=1e-2,
        )  # fmt: skip
        _, logs = train_on_host(jr.key(1), HostFOCOPS(method), WORLDS, None, num_updates=60)
        ends[constrained] = np.mean([
            [[log[f"J_{g}_{name}"] for name in Carts.signals] for g in range(2)]
            for log in logs[-10:]
        ], 0)  # fmt: skip
    # Light carts get about 3 before they are lost, heavy ones 2.5 in ten steps.
    assert ends["none"].min() > 1.5
    assert np.ptp(ends["all"], 0).max() < max(0.8, np.ptp(ends["none"], 0).max())
