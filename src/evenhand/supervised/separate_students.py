"""A whole network of its own for every task, all trained in one program.

The loss of a network is that of the single-task models in the released code of Roy & Ntoutsi
(ECML PKDD 2022): the accuracy loss plus a weight, there 1, times the worst-group loss; so is the
model that is kept, that of the epoch with the best accuracy on the validation rows. That every
network starts from the same numbers is this project's choice: with the order of rows, which does
not look at labels, it makes the result for a task the same whatever is fitted beside it.
"""

from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from evenhand.algorithms.parts.adam import AdamState, adam_init
from evenhand.supervised.adamw import adamw_step
from evenhand.supervised.rule import AbstractRule
from evenhand.supervised.student_network import (
    Moments,
    Student,
    draw_student,
    features_in_training,
    logits,
    student_logits,
)
from evenhand.supervised.task_loss import Batch, Scores, both_losses


class Network(eqx.Module):
    """Networks of one task each, stacked along the first axis, and their moments."""

    student: Student
    moments: Moments


def network_logits(network: Network, X: Float[Array, "B F"]) -> Float[Array, "B M 2"]:
    """Every task's logits in evaluation, from its own network."""

    def of_task(network: Network) -> Float[Array, "B 2"]:
        return student_logits(network.student, network.moments, X)[:, 0]

    return jnp.moveaxis(jax.vmap(of_task)(network), 0, 1)


class SeparateState(eqx.Module):
    """The networks, their optimiser, and each task's network after its best epoch so far."""

    network: Network
    optimiser: AdamState
    epoch: Int[Array, ""]
    best: Network
    best_epoch: Int[Array, " M"]
    best_accuracy: Float[Array, " M"]


@dataclass(frozen=True)
class SeparateStudents(AbstractRule):
    """Every task minimises its accuracy loss plus `fairness_weight` times its worst-group loss.

    AdamW acts on every number by itself, so one of them steps all networks as M would.
    """

    hidden: tuple[int, ...] = (256, 128, 64)
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    fairness_weight: float = 1.0
    image_shape: tuple[int, int, int] | None = None

    def init(self, rng: np.random.Generator, num_features: int, num_tasks: int) -> SeparateState:
        drawn = Network(*draw_student(rng, num_features, self.hidden, 1, self.image_shape))
        network = jax.tree.map(lambda leaf: jnp.stack([leaf] * num_tasks), drawn)
        return SeparateState(
            network,
            adam_init(network.student),
            jnp.zeros((), jnp.int32),
            network,
            jnp.zeros(num_tasks, jnp.int32),
            jnp.full(num_tasks, -jnp.inf),
        )

    def step(self, state: SeparateState, batch: Batch) -> tuple[SeparateState, Any]:
        def of_task(network: Network, y: Int[Array, " B"]) -> tuple[Any, Any, Any]:
            (_, (losses, moments)), slope = jax.value_and_grad(self._loss, has_aux=True)(
                network.student, network.moments, batch.X, y[:, None], batch.s
            )
            return slope, losses, moments

        slope, losses, moments = jax.vmap(of_task, (0, 1))(state.network, batch.Y)
        student, optimiser = adamw_step(
            state.network.student, slope, state.optimiser, self.learning_rate, self.weight_decay
        )
        network = Network(student, moments)
        best = state.best, state.best_epoch, state.best_accuracy
        return SeparateState(network, optimiser, state.epoch, *best), {"loss": losses.T}

    def end_epoch(
        self, state: SeparateState, record: Any, validation: Scores
    ) -> tuple[SeparateState, dict[str, Array]]:
        better = validation.accuracy > state.best_accuracy

        def later(new: Array, old: Array) -> Array:
            return jnp.where(better.reshape(-1, *[1] * (new.ndim - 1)), new, old)

        return SeparateState(
            state.network,
            state.optimiser,
            state.epoch + 1,
            jax.tree.map(later, state.network, state.best),
            jnp.where(better, state.epoch, state.best_epoch),
            jnp.where(better, validation.accuracy, state.best_accuracy),
        ), record

    def logits(self, state: SeparateState, X: Float[Array, "B F"]) -> Float[Array, "B M 2"]:
        return network_logits(state.network, X)

    def _loss(
        self, student: Student, moments: Moments, X: Float[Array, "B F"], Y: Int[Array, "B 1"],
        s: Int[Array, " B"],
    ) -> tuple[Array, tuple[Float[Array, " 2"], Moments]]:  # fmt: skip
        Z, (_, found) = features_in_training(student.trunk, moments, X)
        losses = both_losses(logits(student.heads, Z), Y, s)[:, 0]
        return losses[0] + self.fairness_weight * losses[1], (losses, found)


def with_best(state: SeparateState) -> SeparateState:
    """The state with each task's network as it was after the task's best epoch."""
    return eqx.tree_at(lambda state: state.network, state, state.best)
