"""The classifier whose shared network branches between unlike tasks (FairBranch)."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from evenhand.core.errors import InputError
from evenhand.supervised.branching_students import BranchingStudents
from evenhand.supervised.classifier import MultiTaskClassifier
from evenhand.supervised.rule import AbstractRule


@dataclass(kw_only=True, eq=False, repr=False)
class FairBranch(MultiTaskClassifier):
    """Trains tasks together until their heads part, then in branches and against worst groups.

    - `similarity_threshold`: linear CKA from which two groups of tasks stay together; 0.7 is the
      published one for tables, 0.8 for images.
    - `branch_every`: batches between two tries to branch a further layer.
    - `fairness_weight`: of the worst-group loss beside the accuracy loss, once there are branches;
      0 in a batch in which the two oppose each other on the task's head.

    `branches_` says which tasks share each layer. Every task holds a copy of all layers, so time
    and memory grow with the number of tasks as those of `SingleTask`. `history_` has `loss`
    `(E, B, 2, M)`, `fairness_weight` `(E, B, M)` as it was in each batch, `members` `(E, B, L, M)`
    (the first task of each task's branch in each layer), `accuracy` and `violation` `(E, M)`.
    """

    fairness_weight: float = 1.0
    similarity_threshold: float = 0.7
    branch_every: int = 35

    @classmethod
    def paper(cls, **changes: Any) -> "FairBranch":
        """The estimator with the published sizes: hours instead of seconds on two cores."""
        settings: dict[str, Any] = {
            "hidden": (1024, 128, 256, 512, 128), "batch_size": 8192, "epochs": 15,
        } | changes  # fmt: skip
        return cls(**settings)

    @property
    def branches_(self) -> list[list[list[str]]]:
        """The names of the tasks in each branch of each layer, from the inputs to the heads."""
        found = []
        for members in np.asarray(self.state_.members):
            names = {first: [] for first in sorted(set(members.tolist()))}
            for task, first in enumerate(members.tolist()):
                names[first].append(self.task_names_[task])
            found.append(list(names.values()))
        return found

    def _rule(self) -> AbstractRule:
        if getattr(self, "image_shape_", None) is not None:
            raise InputError(
                "FairBranch branches dense layers, and X holds pictures; give features of them, "
                "one row each"
            )
        return BranchingStudents(
            hidden=tuple(self.hidden),
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            fairness_weight=self.fairness_weight,
            similarity_threshold=self.similarity_threshold,
            branch_every=self.branch_every,
        )

    def _check_settings(self) -> None:
        MultiTaskClassifier._check_settings(self)
        if not 0 <= self.fairness_weight < np.inf:
            raise InputError(f"fairness_weight must be at least 0, got {self.fairness_weight!r}")
        if not 0 <= self.similarity_threshold <= 1:
            raise InputError(
                f"similarity_threshold must be from 0 to 1, got {self.similarity_threshold!r}"
            )
        if not isinstance(self.branch_every, int | np.integer) or self.branch_every < 1:
            raise InputError(
                f"branch_every must be a whole number of batches of at least 1, got "
                f"{self.branch_every!r}"
            )
