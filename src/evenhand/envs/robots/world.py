"""Groups of robots as one batched world on the host."""

import os
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from evenhand.core.environment import AbstractHostEnvironment, Outcome, Step
from evenhand.core.errors import InputError, unknown_name
from evenhand.envs.robots.columns import Columns
from evenhand.envs.robots.model import find_group, find_robot, load_model
from evenhand.envs.robots.running import Advance, RunningRobots
from evenhand.envs.robots.task import TASKS


class RobotWorld(AbstractHostEnvironment):
    """N robots, each with its group's body and one task, stepped together.

    Signals are tasks: the rewards of all M are told at every step, whichever task a column has,
    since a task is a function of speed and action. `person` is the column; nothing is decided
    about anybody, so decision and label are 0. `columns` is the outcome of a step without rest.

    An episode ends after `episode_steps` (truncated) or where the robot falls (terminated). With
    `auto_reset` the column then begins its next episode: the observation returned is the new
    episode's first, `successor` remains the ended one's last. Otherwise it rests with weight 0
    until the next `reset`. Column i starts as the single environment seeded with `seed + i` does.
    """

    signals: tuple[str, ...] = eqx.field(static=True)  # pyright: ignore[reportIncompatibleVariableOverride]
    groups: tuple[str, ...] = eqx.field(static=True)
    column_group: tuple[int, ...] = eqx.field(static=True)
    column_task: tuple[int, ...] = eqx.field(static=True)
    num_envs: int = eqx.field(static=True)
    num_groups: int = eqx.field(static=True)
    obs_size: int = eqx.field(static=True)
    action_size: int = eqx.field(static=True)
    episode_steps: int = eqx.field(static=True)
    auto_reset: bool = eqx.field(static=True)
    columns: Outcome
    running: RunningRobots = eqx.field(static=True)

    @property
    def action_bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """`(A,)` lowest and highest action; MuJoCo clips to them, the control cost does not."""
        bounds = self.running.columns.models[0].actuator_ctrlrange
        return bounds[:, 0].copy(), bounds[:, 1].copy()

    def reset(self, seed: int) -> np.ndarray:
        generators = [np.random.default_rng(seed + i) for i in range(self.num_envs)]
        return self.running.reset(generators).astype(np.float32)

    def advance(self, actions: np.ndarray) -> Advance:
        """What one step brought, in numpy: for loops that copy to the device once for many steps.

        A step of eight robots spends as long on making small arrays of jax as on the physics.
        """
        return self.running.advance(actions)

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, Step]:
        done = self.running.advance(actions)
        rewards, terminated, successor, truncated, weight = jax.device_put(
            (
                done.rewards.astype(np.float32),
                done.terminated,
                done.successor.astype(np.float32),
                done.truncated,
                done.weight.astype(np.float32),
            )
        )
        who = self.columns
        step = Step(
            rewards=rewards,
            terminated=terminated,
            outcome=Outcome(who.group, who.person, who.decision, who.label, weight),
            successor=successor,
            revisit_prob=who.weight,
            truncated=truncated,
        )
        return done.obs.astype(np.float32), step


def robot_world(
    robot: str = "HalfCheetah",
    groups: Sequence[str] = ("default", "BigFoot"),
    tasks: Sequence[str] = ("forward", "backward"),
    *,
    columns: Sequence[tuple[str, str]] | None = None,
    copies: int = 1,
    task_code: bool = False,
    episode_steps: int = 1000,
    auto_reset: bool = True,
    num_threads: int | None = None,
) -> RobotWorld:
    """A world with `copies` columns for each pair of group and task, copies side by side.

    `columns` names the pairs that run, all by default, task fastest: a method that visits one
    group after the other makes one world each, `columns=[("BigFoot", task) for task in tasks]`,
    and numbers of groups stay those of `groups`. `task_code` appends the column's task, one-hot,
    to what it observes. `num_threads` defaults to one for each core.
    """
    kind = find_robot(robot)
    groups, tasks = tuple(groups), tuple(tasks)
    pairs = _pairs(robot, groups, tasks, columns)
    counts = {"copies": copies, "episode_steps": episode_steps, "num_threads": num_threads}
    for name, count in counts.items():
        if count is not None and count < 1:
            raise InputError(f"{name} must be at least 1, got {count}")
    pairs = [pair for pair in pairs for _ in range(copies)]
    column_task = tuple(m for _, m in pairs)
    models = [load_model(robot, groups[g]) for g, _ in pairs]
    codes = np.eye(len(tasks))[list(column_task)] if task_code else np.zeros((len(pairs), 0))
    engine = Columns(kind, models, num_threads or len(os.sched_getaffinity(0)))
    running = RunningRobots(engine, tasks, codes, episode_steps, auto_reset)
    return RobotWorld(
        signals=tasks, groups=groups,
        column_group=tuple(g for g, _ in pairs), column_task=column_task,
        columns=_outcome([g for g, _ in pairs]), num_envs=len(pairs), num_groups=len(groups),
        obs_size=running.obs.shape[1], action_size=models[0].nu,
        episode_steps=episode_steps, auto_reset=auto_reset, running=running,
    )  # fmt: skip


def _outcome(column_group: list[int]) -> Outcome:
    nothing = jnp.zeros(len(column_group), jnp.int32)
    return Outcome(
        group=jnp.asarray(np.array(column_group, np.int32)),
        person=jnp.asarray(np.arange(len(column_group), dtype=np.int32)),
        decision=nothing,
        label=nothing,
        weight=jnp.ones(len(column_group)),
    )


def _pairs(
    robot: str,
    groups: tuple[str, ...],
    tasks: tuple[str, ...],
    columns: Sequence[tuple[str, str]] | None,
) -> list[tuple[int, int]]:
    """Group and task of every column, as numbers; all names are checked."""
    for name in groups:
        find_group(robot, name)
    for name in tasks:
        if name not in TASKS:
            raise unknown_name("task", name, TASKS)
    for kind, names in (("group", groups), ("task", tasks)):
        if len(set(names)) < len(names):
            raise InputError(f"a {kind} is named twice in {', '.join(names)}; name each once")
    if columns is None:
        columns = [(group, task) for group in groups for task in tasks]
    for group, task in columns:
        if group not in groups:
            raise unknown_name("group of this world", group, groups)
        if task not in tasks:
            raise unknown_name("task of this world", task, tasks)
    if not columns:
        raise InputError("a world without robots; name at least one group and one task")
    return [(groups.index(group), tasks.index(task)) for group, task in columns]
