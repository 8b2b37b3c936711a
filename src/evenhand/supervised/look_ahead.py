"""What one more step with either loss would make of the student, and the teacher's reward for it.

Roy & Ntoutsi (ECML PKDD 2022), algorithm 3, line 3, and equation 12. Both choices are tried on
copies that are thrown away, so both are rewarded at every step and nothing need be explored.
"""

from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from evenhand.supervised.student_network import (
    Heads,
    Moments,
    Student,
    features_in_training,
    logits,
)
from evenhand.supervised.task_loss import Batch, Scores, both_losses, scores

Tree = TypeVar("Tree")
LOOK_AHEADS = ("head", "full")
# Least denominators of the two parts of the reward: a violation may exceed 1.
_LEAST_ACCURACY, _LEAST_EQUALITY = 1e-6, 0.05


class Outlook(eqx.Module):
    """Every task's head now, and after a step with either loss, with what it would score."""

    states: Float[Array, "M S"]
    next_states: Float[Array, "M 2 S"]
    accuracy: Float[Array, "M 2"]
    violation: Float[Array, "M 2"]


def look_ahead(
    student: Student, moments: Moments, batch: Batch, *, mode: str, rate: float
) -> Outlook:
    """The outlook of a student on a batch.

    "head" steps a task's head alone: one forward pass through the stepped trunk serves all tasks;
    "full" steps the whole network for each task and loss, as the released code does. The step is
    the first of a fresh Adam. Scores are those on the same batch, in training mode.
    """
    found = (_head_steps if mode == "head" else _full_steps)(student, moments, batch, rate)
    heads, accuracy, violation = found
    return Outlook(head_states(student.heads), heads, accuracy, violation)


def head_states(heads: Heads) -> Float[Array, "M S"]:
    """What the teacher sees of each task: the weights of its head in a row, without the bias."""
    return heads.weight.reshape(len(heads.weight), -1)


def reward(
    outlook: Outlook, best_accuracy: Float[Array, " M"], best_violation: Float[Array, " M"]
) -> Float[Array, "M 2"]:
    """The smaller of the relative gains in accuracy and in equality over the best so far (eq. 12).

    Equality is 1 - violation. The reward is positive only where both get better at once.
    """
    accuracy, equality = best_accuracy[:, None], 1 - best_violation[:, None]
    more_accurate = (outlook.accuracy - accuracy) / jnp.maximum(accuracy, _LEAST_ACCURACY)
    gained = (1 - outlook.violation) - equality
    return jnp.minimum(more_accurate, gained / jnp.maximum(equality, _LEAST_EQUALITY))


def _head_steps(
    student: Student, moments: Moments, batch: Batch, rate: float
) -> tuple[Array, Array, Array]:
    Z, _ = features_in_training(student.trunk, moments, batch.X)

    def after(loss: int) -> tuple[Array, Scores]:
        # Tasks do not share their heads, so the sum's gradient is each task's own.
        slope = jax.grad(
            lambda heads: jnp.sum(both_losses(logits(heads, Z), batch.Y, batch.s)[loss])
        )(student.heads)
        heads = _first_adam_step(student.heads, slope, rate)
        return head_states(heads), scores(logits(heads, Z), batch.Y, batch.s)

    states, found = zip(*(after(loss) for loss in (0, 1)), strict=True)
    return (
        jnp.stack(states, 1),
        jnp.stack([each.accuracy for each in found], 1),
        jnp.stack([each.violation for each in found], 1),
    )


def _full_steps(
    student: Student, moments: Moments, batch: Batch, rate: float
) -> tuple[Array, Array, Array]:
    def of_task(student: Student, task: Array) -> tuple[Array, Array]:
        """A task's logits `(B, 1, 2)` and labels `(B, 1)`."""
        Z, _ = features_in_training(student.trunk, moments, batch.X)
        mine = jax.lax.dynamic_slice_in_dim(logits(student.heads, Z), task, 1, 1)
        return mine, jax.lax.dynamic_slice_in_dim(batch.Y, task, 1, 1)

    def after(task: Array, loss: int) -> tuple[Array, Array, Array]:
        slope = jax.grad(lambda student: both_losses(*of_task(student, task), batch.s)[loss, 0])
        stepped = _first_adam_step(student, slope(student), rate)
        found = scores(*of_task(stepped, task), batch.s)
        return head_states(stepped.heads)[task], found.accuracy[0], found.violation[0]

    def both(task: Array) -> tuple[Array, Array, Array]:
        (state_0, right_0, apart_0), (state_1, right_1, apart_1) = (after(task, a) for a in (0, 1))
        each = (state_0, state_1), (right_0, right_1), (apart_0, apart_1)
        return jnp.stack(each[0]), jnp.stack(each[1]), jnp.stack(each[2])

    # One task after the other: copies of all networks at once would fill the memory.
    return jax.lax.map(both, jnp.arange(batch.Y.shape[1]))


def _first_adam_step(tree: Tree, slope: Tree, rate: float) -> Tree:
    """A fresh Adam's first step: after its corrections of bias the averages are g and g^2."""
    return jax.tree.map(lambda p, g: p - rate * g / (jnp.abs(g) + 1e-8), tree, slope)
