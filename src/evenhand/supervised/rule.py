"""What a method of multi-task classification is to the training loop."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from jaxtyping import Array, Float

from evenhand.supervised.task_loss import Batch, Scores


class AbstractRule(ABC):
    """A method: its state, a step on a batch, what follows an epoch, and its predictions.

    A rule is a frozen dataclass of plain numbers and names, so it can be a static argument of a
    compiled program; everything that changes is in the state, a tree of arrays.
    """

    @abstractmethod
    def init(self, rng: np.random.Generator, num_features: int, num_tasks: int) -> Any:
        """The state before training, its random numbers drawn on the host."""

    @abstractmethod
    def step(self, state: Any, batch: Batch) -> tuple[Any, Any]:
        """The state after a batch, and a record of it (a tree of arrays, stacked over batches)."""

    def end_epoch(
        self, state: Any, record: Any, validation: Scores
    ) -> tuple[Any, dict[str, Array]]:
        """The state after an epoch, from its batches' records, and what is kept of them.

        `validation` has the scores of the state on the validation rows.
        """
        del validation
        return state, record

    @abstractmethod
    def logits(self, state: Any, X: Float[Array, "B F"]) -> Float[Array, "B M 2"]:
        """Logits in evaluation: each row by itself."""
