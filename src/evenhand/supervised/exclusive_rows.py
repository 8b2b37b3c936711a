"""Hard parameter sharing in which heads and trunk see the unfairness of different rows (MTA-F).

Wang et al. (KDD 2021) train two tasks: a task's output layer answers for the fairness loss of the
rows on which the tasks' labels differ, and the shared layers for the rest. Certain, from Roy &
Ntoutsi (ECML PKDD 2022), who extend it to more tasks: which rows are exclusive to a task, and that
both parts add a fairness loss, each on its own rows, to the accuracy loss. This project's reading:
the fairness loss is the worst-group loss of the other methods (the authors of MTA-F take distances
between the groups' scores); AdamW steps both parts (they use Adagrad), so methods compared here
differ in what they optimise alone; their further factor on a head's fairness loss is 1; task
weights are equal; and where a batch has no row of one of the two kinds, all its rows count.
"""

from dataclasses import dataclass, field
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from evenhand.algorithms.parts.adam import AdamState, adam_init
from evenhand.core.errors import InputError
from evenhand.supervised.adamw import adamw_step
from evenhand.supervised.rule import AbstractRule
from evenhand.supervised.shared_gradient import (
    forward,
    head_gradients,
    weighted_feature_gradient,
)
from evenhand.supervised.student_network import (
    Moments,
    Student,
    draw_student,
    logits,
    student_logits,
)
from evenhand.supervised.task_loss import Batch, accuracy_loss, both_losses, worst_group_loss


class ExclusiveState(eqx.Module):
    """The network, its optimiser, the weights, and how many training rows each task has alone."""

    student: Student
    moments: Moments
    optimiser: AdamState
    task_weights: Float[Array, " M"]
    fairness_weights: Float[Array, " M"]
    exclusive_sizes: Int[Array, " M"]


def exclusive(Y: Int[Array, "B M"]) -> Bool[Array, "B M"]:
    """Which rows are exclusive to each task: all other tasks have the opposite label."""
    positive = jnp.sum(Y, 1, keepdims=True)
    others = positive - Y
    return jnp.where(Y == 1, others == 0, others == Y.shape[1] - 1)


def split_losses(
    found: Float[Array, "B M 2"], batch: Batch, fairness_weights: Float[Array, " M"]
) -> tuple[Float[Array, " M"], Float[Array, " M"]]:
    """Each task's loss for its head, and for the trunk.

    L_t + lambda_t F_t, with F_t over the rows exclusive to the task for the head, and over all
    others for the trunk. Where a batch has none of those rows, F_t is over all.
    """
    alone = exclusive(batch.Y)
    parts = []
    for chosen in (alone, ~alone):
        counted = (chosen | ~jnp.any(chosen, 0, keepdims=True)).astype(jnp.float32)
        unfair = worst_group_loss(found, batch.Y, batch.s, counted)
        parts.append(accuracy_loss(found, batch.Y) + fairness_weights * unfair)
    return parts[0], parts[1]


@dataclass(frozen=True)
class ExclusiveRows(AbstractRule):
    """Heads follow the losses on exclusive rows, the trunk the weighted sum of those on others.

    `task_weights` None are equal ones; others are divided by their sum. `fairness_weights` is one
    number, or one per task. Both stand in the state, so rules that differ only in them are one
    compiled program.
    """

    hidden: tuple[int, ...] = (256, 128, 64)
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    task_weights: tuple[float, ...] | None = field(default=None, compare=False)
    fairness_weights: float | tuple[float, ...] = field(default=1.0, compare=False)
    image_shape: tuple[int, int, int] | None = None

    def init(self, rng: np.random.Generator, num_features: int, num_tasks: int) -> ExclusiveState:
        weights = _per_task(
            "task_weights", 1.0 if self.task_weights is None else self.task_weights, num_tasks
        )
        fairness_weights = _per_task("fairness_weights", self.fairness_weights, num_tasks)
        student, moments = draw_student(rng, num_features, self.hidden, num_tasks, self.image_shape)
        return ExclusiveState(
            student,
            moments,
            adam_init(student),
            jnp.asarray(weights / weights.sum()),
            jnp.asarray(fairness_weights),
            jnp.zeros(num_tasks, jnp.int32),
        )

    def step(self, state: ExclusiveState, batch: Batch) -> tuple[ExclusiveState, Any]:
        student = state.student
        passed, back = forward(student.trunk, state.moments, batch.X)
        found = logits(student.heads, passed.Z)

        def slope_of(part: int) -> Float[Array, "B M 2"]:
            # A task's loss depends on its own logits alone, so the sum's gradient is each one's.
            return jax.grad(
                lambda found: jnp.sum(split_losses(found, batch, state.fairness_weights)[part])
            )(found)

        by_feature = weighted_feature_gradient(student.heads, slope_of(1), state.task_weights)
        (trunk,) = back(by_feature)  # pyright: ignore[reportCallIssue]
        slope = Student(trunk, head_gradients(passed.Z, slope_of(0)))
        student, optimiser = adamw_step(
            student, slope, state.optimiser, self.learning_rate, self.weight_decay
        )
        weights = state.task_weights, state.fairness_weights, state.exclusive_sizes
        state = ExclusiveState(student, passed.moments, optimiser, *weights)
        count = jnp.sum(exclusive(batch.Y), 0)
        return state, {"loss": both_losses(found, batch.Y, batch.s), "exclusive": count}

    def logits(self, state: ExclusiveState, X: Float[Array, "B F"]) -> Float[Array, "B M 2"]:
        return student_logits(state.student, state.moments, X)


def _per_task(name: str, given: Any, num_tasks: int) -> Float[np.ndarray, " M"]:
    """The numbers of all tasks."""
    values = np.asarray(given, np.float32)
    if values.shape not in ((), (num_tasks,)):
        raise InputError(
            f"{name} has {values.size} numbers for {num_tasks} tasks; give one number, or one "
            "for each task in the order of Y's columns"
        )
    return np.broadcast_to(values, num_tasks).copy()
