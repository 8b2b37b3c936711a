"""The classifier without sharing: what multi-task learning is compared with."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int

from evenhand.core.errors import InputError
from evenhand.supervised.classifier import MultiTaskClassifier
from evenhand.supervised.rule import AbstractRule
from evenhand.supervised.separate_students import SeparateStudents, with_best
from evenhand.supervised.training import Trained


@dataclass(kw_only=True, eq=False, repr=False)
class SingleTask(MultiTaskClassifier):
    """Trains a network per task for accuracy and against its worst group; nothing is shared.

    - `fairness_weight`: of the worst-group loss beside the accuracy loss; 1 as in the released
      code of Roy & Ntoutsi (2022).
    - `keep` "best": each task's network after the epoch with its best accuracy on the validation
      rows, as in that code; the tasks' epochs are in `task_epochs_`. "last": the last epoch's.
      Other classifiers can only keep the whole model of one epoch, and judge it by accuracy minus
      violation averaged over the tasks; `best_epoch_` is that epoch here too, and keeps nothing.

    Fitted with the same `random_state` and rows, a task's predictions are the same whichever
    tasks are fitted beside it. `history_` has `loss` `(E, B, 2, M)`, `accuracy` and `violation`.
    """

    keep: str = "best"
    fairness_weight: float = 1.0

    @classmethod
    def paper(cls, **changes: Any) -> "SingleTask":
        """The estimator with the published sizes: hours instead of seconds on two cores."""
        settings: dict[str, Any] = {
            "hidden": (1024, 1024, 512, 128), "batch_size": 8192, "epochs": 50,
        } | changes  # fmt: skip
        return cls(**settings)

    @property
    def task_epochs_(self) -> Int[np.ndarray, " M"]:
        """The epoch, from 0, of each task's best accuracy on the validation rows."""
        return np.asarray(self.state_.best_epoch)

    def _rule(self) -> AbstractRule:
        return SeparateStudents(
            hidden=tuple(self.hidden),
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            fairness_weight=self.fairness_weight,
            image_shape=getattr(self, "image_shape_", None),
        )

    def _kept(self, trained: Trained) -> Any:
        return trained.last if self.keep == "last" else with_best(trained.last)

    def _check_settings(self) -> None:
        MultiTaskClassifier._check_settings(self)
        if not 0 <= self.fairness_weight < np.inf:
            raise InputError(f"fairness_weight must be at least 0, got {self.fairness_weight!r}")
