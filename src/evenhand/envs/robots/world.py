"""Groups of robots as one batched world on the host."""

from collections.abc import Sequence
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from evenhand.core.environment import AbstractHostEnvironment, Outcome, Step
from evenhand.core.errors import InputError, unknown_name
from evenhand.envs.robots.columns import Columns
from evenhand.envs.robots.model import find_group, find_robot, load_model
from evenhand.envs.robots.reading import Reading
from evenhand.envs.robots.task import TASKS


class Advance(NamedTuple):
    """What one step brought, in numpy and double precision; `weight` 0 where a robot rested."""

    obs: Float[np.ndarray, "N obs"]
    rewards: Float[np.ndarray, "N M"]
    terminated: Bool[np.ndarray, " N"]
    truncated: Bool[np.ndarray, " N"]
    successor: Float[np.ndarray, "N obs"]
    weight: Float[np.ndarray, " N"]
    velocity: Float[np.ndarray, " N"]


class _Running:
    """The robots in motion: the part of a world that changes."""

    def __init__(self, columns: Columns, tasks: Sequence[str], codes: Float[np.ndarray, "N C"]):
        self.columns, self.reading, self.codes = columns, Reading(columns, tasks), codes
        self.generators: list[np.random.Generator] = []
        num_envs = len(codes)
        self.time, self.over = np.zeros(num_envs, np.int64), np.zeros(num_envs, bool)
        self.obs, self.place = np.zeros((num_envs, 0)), np.zeros(num_envs)

    def restart(self, which: np.ndarray) -> None:
        """Begin an episode in these columns."""
        for i in which:
            self.columns.reset(i, self.generators[i])
        rows = self.columns.read(which)
        self.place[which] = self.reading.place(rows, self.columns.masses[which])
        self.obs[which] = self.show(rows, which)
        self.time[which], self.over[which] = 0, False

    def show(self, rows: np.ndarray, which: np.ndarray | slice) -> Float[np.ndarray, "n obs"]:
        """Observations of these columns, their task's code at the end."""
        return np.concatenate([self.reading.observe(rows), self.codes[which]], axis=1)


class RobotWorld(AbstractHostEnvironment):
    """N robots, each with its group's body and one task, stepped together.

    Signals are tasks: rewards of all M are told at every step, whichever task a column has, since
    a task is a function of speed and action. Columns are ordered group, task, copy. `person` is
    the column; nothing is decided about anybody, so decision and label are 0.

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
    running: _Running = eqx.field(static=True)

    @property
    def action_bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """`(A,)` lowest and highest action; MuJoCo clips to them, the control cost does not."""
        bounds = self.running.columns.models[0].actuator_ctrlrange
        return bounds[:, 0].copy(), bounds[:, 1].copy()

    def reset(self, seed: int) -> np.ndarray:
        running = self.running
        running.generators = [np.random.default_rng(seed + i) for i in range(self.num_envs)]
        running.obs = np.zeros((self.num_envs, self.obs_size))
        running.restart(np.arange(self.num_envs))
        return running.obs.astype(np.float32)

    def advance(self, actions: np.ndarray) -> Advance:
        """What one step brought, without a copy to the device: for loops that stack many steps."""
        running = self.running
        actions = self._checked(actions)
        rested = running.over.copy()
        running.columns.advance(actions, rested.tolist())
        rows = running.columns.read(range(self.num_envs))
        place = running.reading.place(rows, running.columns.masses)
        velocity = (place - running.place) / running.columns.dt
        healthy = running.reading.healthy(rows)
        rewards = running.reading.rewards(rows, velocity, actions, healthy)
        rewards[rested] = 0.0
        running.place, running.obs = place, running.show(rows, slice(None))
        successor = running.obs
        running.time += 1
        terminated = ~healthy & ~rested
        truncated = (running.time >= self.episode_steps) & ~rested & ~terminated
        running.over = terminated | truncated | rested
        if self.auto_reset and running.over.any():
            running.obs = successor.copy()
            running.restart(np.flatnonzero(running.over))
        weight = np.where(rested, 0.0, 1.0)
        return Advance(running.obs, rewards, terminated, truncated, successor, weight, velocity)

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, Step]:
        done = self.advance(actions)
        nothing = jnp.zeros(self.num_envs, jnp.int32)
        outcome = Outcome(
            group=jnp.asarray(np.array(self.column_group, np.int32)),
            person=jnp.asarray(np.arange(self.num_envs, dtype=np.int32)),
            decision=nothing,
            label=nothing,
            weight=jnp.asarray(done.weight.astype(np.float32)),
        )
        step = Step(
            rewards=jnp.asarray(done.rewards.astype(np.float32)),
            terminated=jnp.asarray(done.terminated),
            outcome=outcome,
            successor=jnp.asarray(done.successor.astype(np.float32)),
            revisit_prob=jnp.ones(self.num_envs),
            truncated=jnp.asarray(done.truncated),
        )
        return done.obs.astype(np.float32), step

    def _checked(self, actions: np.ndarray) -> Float[np.ndarray, "N A"]:
        if len(self.running.generators) == 0:
            raise InputError("the robots have not started; call reset(seed) before the first step")
        actions = np.asarray(actions, np.float64)
        wanted = (self.num_envs, self.action_size)
        if actions.shape != wanted:
            raise InputError(f"actions have the shape {actions.shape}; give one of {wanted}")
        if not np.isfinite(actions).all():
            bad = np.flatnonzero(~np.isfinite(actions).all(axis=1)).tolist()
            raise InputError(
                f"actions of the columns {bad} are not finite; the policy has diverged, "
                "try a smaller learning rate"
            )
        return actions


def robot_world(
    robot: str = "HalfCheetah",
    groups: Sequence[str] = ("default", "BigFoot"),
    tasks: Sequence[str] = ("forward", "backward"),
    *,
    only: Sequence[str] | None = None,
    copies: int = 1,
    task_code: bool = False,
    episode_steps: int = 1000,
    auto_reset: bool = True,
    num_threads: int | None = None,
) -> RobotWorld:
    """A world with a column for each group, task and copy.

    `only` names the groups whose columns run, all by default: a method that visits one group
    after the other makes one world each, and group numbers stay those of `groups`. `task_code`
    appends the column's task, one-hot, to what it observes. `num_threads` defaults to the cores.
    """
    kind = find_robot(robot)
    check_names(robot, groups, tasks)
    for name in only or ():
        if name not in groups:
            raise unknown_name("group of this world", name, groups)
    counts = {"copies": copies, "episode_steps": episode_steps, "num_threads": num_threads}
    for name, count in counts.items():
        if count is not None and count < 1:
            raise InputError(f"{name} must be at least 1, got {count}")
    which = [g for g, name in enumerate(groups) if only is None or name in only]
    pairs = [(g, m) for g in which for m in range(len(tasks)) for _ in range(copies)]
    column_group, column_task = tuple(g for g, _ in pairs), tuple(m for _, m in pairs)
    models = [load_model(robot, groups[g]) for g in column_group]
    codes = np.eye(len(tasks))[list(column_task)] if task_code else np.zeros((len(pairs), 0))
    columns = Columns(kind, models, num_threads)
    running = _Running(columns, tasks, codes)
    shown = running.show(columns.read(range(len(pairs))), slice(None))
    return RobotWorld(
        signals=tuple(tasks), groups=tuple(groups),
        column_group=column_group, column_task=column_task,
        num_envs=len(pairs), num_groups=len(groups),
        obs_size=shown.shape[1], action_size=models[0].nu,
        episode_steps=episode_steps, auto_reset=auto_reset, running=running,
    )  # fmt: skip


def check_names(robot: str, groups: Sequence[str], tasks: Sequence[str]) -> None:
    """Nothing, or an `InputError` about an unknown, repeated or missing group or task."""
    for name in groups:
        find_group(robot, name)
    for name in tasks:
        if name not in TASKS:
            raise unknown_name("task", name, TASKS)
    for kind, names in (("group", groups), ("task", tasks)):
        if not names:
            raise InputError(f"no {kind} is given; name at least one")
        if len(set(names)) < len(names):
            raise InputError(f"a {kind} is named twice in {', '.join(names)}; name each once")
