"""Which signals are tasks, which rows count for which task, and which tasks are constrained."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from evenhand.core.errors import InputError, unknown_name
from evenhand.core.rollout import Transition

TASK_MODES = ("shared", "conditioned")


def task_names(env: Any, text: str) -> tuple[str, ...]:
    """The signals to pursue: those named in the text, all of them for "all", the world's for ""."""
    if not text:
        return env.task_signals
    return tuple(env.signals) if text == "all" else _named(text, env.signals, "signal")


def constrained_tasks(names: tuple[str, ...], text: str) -> np.ndarray:
    """`(M,)` whether each task is constrained: those named, or all for "all", none for "none"."""
    if text in ("all", "none"):
        return np.full(len(names), text == "all")
    chosen = _named(text, names, "task to constrain")
    return np.array([name in chosen for name in names])


def _named(text: str, known: tuple[str, ...], kind: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in str(text).split(","))
    for name in names:
        if name not in known:
            raise unknown_name(kind, name, known)
    return names


def task_of(env: Any, obs: Float[Array, "*B obs"], num_tasks: int) -> Int[Array, "*B"]:
    """The task that an observation asks for; an error where the world shows none."""
    shown = env.slices.get("task")
    if shown is None or shown.stop - shown.start != num_tasks:
        raise InputError(
            f"task_mode='conditioned' reads the feature 'task', one number for each of {num_tasks} "
            f"tasks, and this world shows {tuple(env.slices)}; train with task_mode='shared'"
        )
    return jnp.argmax(obs[..., shown], -1).astype(jnp.int32)


def task_rows(
    batch: Transition, tasks: tuple[int, ...], task: Int[Array, "T N"] | None
) -> tuple[Float[Array, "T N M"], Float[Array, "T N M"]]:
    """Rewards of every task, and what each row counts for each.

    Where rows run a task of their own (`task`), they count for that one alone: J^m is the return
    of task m on rows that ran it. Otherwise every row counts for all tasks.
    """
    rewards = batch.rewards[..., jnp.asarray(tasks, jnp.int32)]
    counts = jnp.broadcast_to(batch.outcome.weight[..., None], rewards.shape)
    if task is not None:
        counts = counts * jax.nn.one_hot(task, len(tasks))
    return rewards, counts
