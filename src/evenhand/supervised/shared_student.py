"""Hard parameter sharing in which every task trains, batch by batch, on the loss chosen for it."""

from dataclasses import dataclass, field
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from evenhand.algorithms.parts.adam import AdamState, adam_init
from evenhand.supervised.adamw import adamw_step
from evenhand.supervised.chooser import AbstractChooser, OneLoss
from evenhand.supervised.gradnorm import gradnorm_step
from evenhand.supervised.rule import AbstractRule
from evenhand.supervised.shared_gradient import forward, student_gradient, trunk_norms
from evenhand.supervised.student_network import (
    Moments,
    Student,
    draw_student,
    logits,
    student_logits,
)
from evenhand.supervised.task_loss import Batch, Scores, both_losses, scores


class StudentState(eqx.Module):
    """The network, its optimiser, the tasks' weights, first losses, and the chooser's state."""

    student: Student
    moments: Moments
    optimiser: AdamState
    weights: Float[Array, " M"]
    first: Float[Array, "2 M"]
    chooser: Any


@dataclass(frozen=True)
class SharedStudent(AbstractRule):
    """Algorithm 2 of Roy & Ntoutsi (ECML PKDD 2022) under any way of choosing losses.

    Heads follow their own task's loss, the trunk the sum weighted by GradNorm; one AdamW steps
    both. A loss's first value is kept for either kind, or a weight would jump at each switch.
    `train_trunk = False` keeps the trunk as drawn, which is what the released code comes to.
    """

    chooser: AbstractChooser = field(default_factory=OneLoss)
    hidden: tuple[int, ...] = (256, 128, 64)
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    gradnorm_alpha: float = 1.0
    gradnorm_rate: float = 1e-3
    gradnorm_target: str = "constant"
    norm_layers: str = "last"
    train_trunk: bool = True

    def init(self, rng: np.random.Generator, num_features: int, num_tasks: int) -> StudentState:
        student, moments = draw_student(rng, num_features, self.hidden, num_tasks)
        return StudentState(
            student,
            moments,
            adam_init(student),
            jnp.full(num_tasks, 1 / num_tasks),
            jnp.full((2, num_tasks), jnp.nan),
            self.chooser.init(rng, self.hidden[-1], num_tasks),
        )

    def step(self, state: StudentState, batch: Batch) -> tuple[StudentState, Any]:
        passed, back = forward(state.student.trunk, state.moments, batch.X)
        found = logits(state.student.heads, passed.Z)
        losses = both_losses(found, batch.Y, batch.s)
        first = jnp.where(jnp.isnan(state.first), losses, state.first)
        choice = self.chooser.choose(state.chooser, state.student.heads, losses, first)
        by_logit = jax.grad(
            lambda found: jnp.sum(_chosen(both_losses(found, batch.Y, batch.s), choice))
        )(found)
        weights = gradnorm_step(
            state.weights,
            trunk_norms(state.student.heads, by_logit, passed, back, self.norm_layers),
            _chosen(losses, choice) / jnp.maximum(_chosen(first, choice), 1e-12),
            alpha=self.gradnorm_alpha, rate=self.gradnorm_rate, target=self.gradnorm_target,
        )  # fmt: skip
        slope = student_gradient(state.student, passed, back, by_logit, weights)
        student, optimiser = self._moved(state, slope)
        chooser, record = self.chooser.observe(
            state.chooser, student, passed.moments, batch, scores(found, batch.Y, batch.s)
        )
        log = {"choice": choice, "weight": weights, "loss": losses}
        return StudentState(student, passed.moments, optimiser, weights, first, chooser), (
            log,
            record,
        )

    def end_epoch(
        self, state: StudentState, record: Any, validation: Scores
    ) -> tuple[StudentState, dict[str, Array]]:
        log, seen = record
        chooser, more = self.chooser.end_epoch(state.chooser, seen, validation)
        student = state.student, state.moments, state.optimiser, state.weights, state.first
        return StudentState(*student, chooser), log | more

    def logits(self, state: StudentState, X: Float[Array, "B F"]) -> Float[Array, "B M 2"]:
        return student_logits(state.student, state.moments, X)

    def _moved(self, state: StudentState, slope: Student) -> tuple[Student, AdamState]:
        student, optimiser = adamw_step(
            state.student, slope, state.optimiser, self.learning_rate, self.weight_decay
        )
        if not self.train_trunk:
            student = Student(state.student.trunk, student.heads)
        return student, optimiser


def _chosen(losses: Float[Array, "2 M"], choice: Array) -> Float[Array, " M"]:
    return jnp.where(choice == 1, losses[1], losses[0])
