"""Which signals are tasks, which rows count for which task, and which tasks are constrained."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from evenhand.core.environment import signal_index
from evenhand.core.errors import InputError, unknown_name
from evenhand.core.rollout import Transition

TASK_MODES = ("shared", "conditioned")


class TaskRule(eqx.Module):
    """The tasks of a run.

    "shared": one policy serves all tasks, so every row counts for each of them, and J_z^m is the
    return of signal m on all rows of group z. "conditioned": every row runs one task, which the
    observation shows; only that task's signal counts for it, and J_z^m is the return of signal m
    on the rows of group z that ran m. Either way it is one table of weights, rows by tasks.
    """

    tasks: str = eqx.field(static=True, default="")
    """Signals to pursue, comma-separated; "all"; "" for those the world says are its tasks."""
    constrained: str = eqx.field(static=True, default="all")
    """Tasks under constraints, comma-separated; "all" or "none"."""
    task_mode: str = eqx.field(static=True, default="shared")
    multi_head: bool = eqx.field(static=True, default=False)
    """Whether each task has a head of its own on a shared trunk; with "conditioned" only."""

    def __check_init__(self):
        if self.task_mode not in TASK_MODES:
            raise unknown_name("task_mode", self.task_mode, TASK_MODES)
        if self.multi_head and self.is_shared:
            raise InputError(
                "multi_head=true needs task_mode='conditioned': with task_mode='shared' one "
                "policy serves all tasks, and no head knows which is asked for"
            )

    @property
    def is_shared(self) -> bool:
        return self.task_mode == "shared"

    def names(self, env: Any) -> tuple[str, ...]:
        """The signals to pursue."""
        if not self.tasks:
            return tuple(env.task_signals)
        every = tuple(env.signals)
        return every if self.tasks == "all" else _named(self.tasks, every, "signal")

    def is_constrained(self, env: Any) -> np.ndarray:
        """`(M,)` whether each task is under constraints."""
        names = self.names(env)
        if self.constrained in ("all", "none"):
            return np.full(len(names), self.constrained == "all")
        chosen = _named(self.constrained, names, "task to constrain")
        return np.array([name in chosen for name in names])

    def task(self, env: Any, obs: Float[Array, "*B obs"]) -> Int[Array, "*B"]:
        """The task that each row runs; 0 where one policy serves all."""
        if self.is_shared:
            return jnp.zeros(obs.shape[:-1], jnp.int32)
        return task_shown(env, obs, len(self.names(env)))

    def rows(
        self, env: Any, batch: Transition, task: Int[Array, "T N"]
    ) -> tuple[Float[Array, "T N M"], Float[Array, "T N M"]]:
        """Rewards of every task, and what each row counts for each."""
        names = self.names(env)
        columns = np.array([signal_index(env, name) for name in names], np.int32)
        rewards = batch.rewards[..., columns]
        counts = jnp.broadcast_to(batch.outcome.weight[..., None], rewards.shape)
        return rewards, counts if self.is_shared else counts * jax.nn.one_hot(task, len(names))


def task_shown(env: Any, obs: Float[Array, "*B obs"], num_tasks: int) -> Int[Array, "*B"]:
    """The task that an observation asks for; an error where the world shows none."""
    shown = env.slices.get("task")
    if shown is None or shown.stop - shown.start != num_tasks:
        raise InputError(
            f"task_mode='conditioned' reads the feature 'task', one number for each of {num_tasks} "
            f"tasks, and this world shows {tuple(env.slices)}; train with task_mode='shared'"
        )
    return jnp.argmax(obs[..., shown], -1).astype(jnp.int32)


def _named(text: str, known: tuple[str, ...], kind: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in str(text).split(","))
    for name in names:
        if name not in known:
            raise unknown_name(kind, name, known)
    return names
