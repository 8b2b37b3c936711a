"""FOCOPS in worlds on the host, such as groups of robots: numpy collects, compiled code learns."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Bool, Int, PRNGKeyArray

from evenhand.algorithms.focops import FOCOPS
from evenhand.algorithms.parts.episode_sums import Returns, no_returns, no_sums
from evenhand.algorithms.parts.group_learner import (
    GroupLearner,
    GroupPolicy,
    fresh_agents,
    pick_group,
)
from evenhand.algorithms.parts.group_multipliers import no_multipliers
from evenhand.algorithms.parts.group_stream import group_advantage
from evenhand.algorithms.parts.host_rollout import ColumnWorld, HostActor, HostBatch, host_rollout
from evenhand.core.algorithm import AbstractAlgorithm, Log, TrainState
from evenhand.core.errors import InputError
from evenhand.core.rollout import Actors, Transition


class Layout(NamedTuple):
    """What learning needs to know of a world."""

    num_groups: int
    signals: tuple[str, ...]
    task_signals: tuple[str, ...]


class HostFOCOPS(AbstractAlgorithm):
    """`method` on the host, one world per group: `train_on_host(key, self, worlds, None, ...)`.

    A turn collects `method.num_steps` steps of every column of its own group's world and of no
    other; returns of the other groups are those of their latest turns. Every turn begins with fresh
    episodes seeded by its key, so a run taken up again from a checkpoint gives the same result.
    J_z^m is the mean undiscounted return of the episodes that ended within the turn, so `num_steps`
    should be a multiple of the episode. Actions are continuous: a diagonal Gaussian each.
    """

    method: FOCOPS = FOCOPS()

    @property
    def num_envs(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.method.num_envs

    @property
    def num_steps(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.method.num_steps

    def for_budget(self, num_updates):
        return replace(self, method=self.method.for_budget(num_updates))

    # The contract has one world; on the host a tuple of them stands in its place.
    def init(self, key: PRNGKeyArray, env: Any, params: Any) -> TrainState:
        self._check(env)
        world, rule = env[0], self.method.rule
        layout = layout_of(env)
        groups, tasks = layout.num_groups, len(rule.is_constrained(layout))
        sizes = (world.action_size, self.method.width, tasks, tasks if rule.multi_head else 0)
        agents, scalers = fresh_agents(key, groups, world.obs_size, sizes, continuous=True)
        zero, nothing = jnp.zeros((), jnp.int32), jnp.zeros((self.num_envs, world.obs_size))
        learner = GroupLearner(
            agents, scalers, no_multipliers(groups, tasks), no_returns(groups, tasks),
            no_sums(1, groups, tasks), zero, zero, nothing,
        )  # fmt: skip
        return TrainState(learner, Actors(None, nothing, jnp.ones(self.num_envs, bool)), zero, zero)

    def policy(self, state):
        learner, reach = state.learner, jnp.asarray(self.method.obs_reach, jnp.float32)
        return GroupPolicy(learner.agents.actor, learner.scalers, reach, None)

    def update(
        self, key: PRNGKeyArray, env: Any, params: Any, state: TrainState
    ) -> tuple[TrainState, Log]:
        """One group's turn: collect on the host, then learn."""
        collect_key, learn_key = jr.split(key)
        z = int(self.method.whose_turn(layout_of(env), state.learner))
        world = env[z]
        task = np.array(world.column_task, np.int32)
        agents = pick_group((state.learner.agents.actor, state.learner.scalers), z)
        actor = HostActor(agents[0], agents[1], float(self.method.obs_reach), task)
        seed = int(jr.randint(collect_key, (), 0, 2**31 - 1))
        found = host_rollout(world, actor, self.num_steps, seed)
        columns = self._columns(layout_of(env), found, task)
        learner = replace(state.learner, returns=with_returns(state.learner.returns, z, *columns))
        steps = state.env_steps + self.num_steps * self.num_envs
        state = TrainState(learner, state.actors, state.update, steps)
        rows = (found.batch, found.cut, jnp.asarray(task))
        return _learn(learn_key, self.method, layout_of(env), state, *rows)

    def learn(
        self, key: PRNGKeyArray, env: Any, params: Any, state: TrainState, batch: Transition
    ) -> tuple[TrainState, Log]:
        """The run after one group's turn on a batch without cuts; `update` knows of cuts."""
        z = int(self.method.whose_turn(layout_of(env), state.learner))
        task = jnp.asarray(np.array(env[z].column_task, np.int32))
        return _learn(key, self.method, layout_of(env), state, batch, batch.terminated, task)

    def _columns(
        self, layout: Layout, found: HostBatch, task: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns and episodes `(N, M)` of every column, of the tasks that count for it."""
        rule = self.method.rule
        signals = [layout.signals.index(name) for name in rule.names(layout)]
        counts = np.ones((len(task), len(signals)), np.float32)
        if not rule.is_shared:
            counts = np.eye(len(signals), dtype=np.float32)[task]
        return found.paid[:, signals] * counts, found.episodes[:, None] * counts

    def _check(self, worlds: Sequence[ColumnWorld]) -> None:
        for z, world in enumerate(worlds):
            if len(worlds) != world.num_groups or set(world.column_group) != {z}:
                raise InputError(
                    f"give one world per group, in order: world {z} of {len(worlds)} has columns "
                    f"of groups {sorted(set(world.column_group))} out of {world.num_groups}"
                )
            if world.num_envs != self.num_envs:
                raise InputError(
                    f"num_envs={self.num_envs} but the world of group {z} has {world.num_envs} "
                    f"columns; set num_envs to {world.num_envs}"
                )
            if not world.auto_reset:
                raise InputError("training needs worlds that begin episodes: auto_reset=True")


def layout_of(worlds: Sequence[ColumnWorld]) -> Layout:
    """What learning needs to know of these worlds; every signal is a task."""
    return Layout(worlds[0].num_groups, worlds[0].signals, worlds[0].signals)


def with_returns(before: Returns, z: int, paid: np.ndarray, episodes: np.ndarray) -> Returns:
    """The returns with those of group z's latest whole episodes, for tasks that had any."""
    count = jnp.asarray(episodes.sum(0), jnp.float32)
    J = jnp.asarray(paid.sum(0), jnp.float32) / jnp.maximum(count, 1.0)
    return Returns(
        before.J.at[z].set(jnp.where(count > 0, J, before.J[z])),
        before.episodes.at[z].set(jnp.where(count > 0, count, before.episodes[z])),
    )


@eqx.filter_jit
def _learn(
    key: PRNGKeyArray, method: FOCOPS, layout: Layout, state: TrainState, batch: Transition,
    cut: Bool[Array, "T N"], task: Int[Array, " N"],
) -> tuple[TrainState, Log]:  # fmt: skip
    """The run after the turn, in one program for all groups."""

    def credit(rewards: Array, value: Any, _: PRNGKeyArray) -> Array:
        rates = (method.discount, method.gae_lambda)
        return group_advantage(batch, rewards, value, cut, jnp.zeros((), bool), rates)

    tasks = jnp.broadcast_to(task[None], cut.shape)
    learner, log = method.turn(key, layout, state, batch, tasks, credit)
    log |= {"reward": jnp.mean(batch.rewards)}
    return TrainState(learner, state.actors, state.update, state.env_steps), log
