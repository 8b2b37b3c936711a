"""Which loss a task trains on in a batch: its accuracy loss (0) or its worst-group loss (1)."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from evenhand.supervised.student_network import Heads, Moments, Student
from evenhand.supervised.task_loss import Batch, Scores


class AbstractChooser(ABC):
    """A way to choose, which may learn from what the student becomes."""

    def init(self, rng: np.random.Generator, width: int, num_tasks: int) -> Any:
        """The state before training; `width` is that of the features under the heads."""
        del rng, width, num_tasks
        return ()

    @abstractmethod
    def choose(
        self, state: Any, heads: Heads, losses: Float[Array, "2 M"], first: Float[Array, "2 M"]
    ) -> Int[Array, " M"]:
        """0 or 1 for each task, from its head and its losses on this and on the first batch."""

    def observe(
        self, state: Any, student: Student, moments: Moments, batch: Batch, before: Scores
    ) -> tuple[Any, Any]:
        """The state and a record after the student's step; `before` it, it scored this."""
        del student, moments, batch, before
        return state, {}

    def end_epoch(
        self, state: Any, record: Any, validation: Scores
    ) -> tuple[Any, dict[str, Array]]:
        """The state after an epoch and what is kept of its batches' records."""
        del record, validation
        return state, {}


@dataclass(frozen=True)
class OneLoss(AbstractChooser):
    """The same loss always: 0 gives plain multi-task learning."""

    loss: int = 0

    def choose(
        self, state: Any, heads: Heads, losses: Float[Array, "2 M"], first: Float[Array, "2 M"]
    ) -> Int[Array, " M"]:
        return jnp.full(losses.shape[1], self.loss, jnp.int32)


@dataclass(frozen=True)
class LargerLoss(AbstractChooser):
    """The larger of the two losses: G-FMT of Roy & Ntoutsi (2022).

    As published it compares the losses themselves, and then takes the worst-group loss always
    (`task_loss` says why). With `relative` it compares each with its own value on the first batch.
    """

    relative: bool = False

    def choose(
        self, state: Any, heads: Heads, losses: Float[Array, "2 M"], first: Float[Array, "2 M"]
    ) -> Int[Array, " M"]:
        compared = losses / jnp.maximum(first, 1e-12) if self.relative else losses
        return (compared[0] <= compared[1]).astype(jnp.int32)
