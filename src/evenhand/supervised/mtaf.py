"""The classifier that splits unfairness between shared and own layers (MTA-F)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Int

from evenhand.core.errors import InputError
from evenhand.supervised.classifier import MultiTaskClassifier
from evenhand.supervised.exclusive_rows import ExclusiveRows, exclusive
from evenhand.supervised.labelled_rows import Groups, Labels
from evenhand.supervised.rule import AbstractRule
from evenhand.supervised.task_loss import Batch, Scores
from evenhand.supervised.training import Trained

SEARCHED_WEIGHTS = (0.1, 0.5, 1.0, 2.0)


@dataclass(kw_only=True, eq=False, repr=False)
class MTAF(MultiTaskClassifier):
    """Trains heads on rows that only their task sees so, and shared layers on the others (MTA-F).

    - `task_weights`: of the tasks in the shared layers, divided by their sum; None for equal ones.
    - `fairness_weights`: of the worst-group loss beside the accuracy loss, one number or one a
      task. `MTAF.searched` chooses it on validation rows.

    `exclusive_sizes_` counts, per task, the training rows on which all other tasks have the
    opposite label. With many tasks it may be 0: then the task's head trains on all rows, as it does
    in any batch without such a row. `history_` has `loss` `(E, B, 2, M)`, `exclusive` `(E, B, M)`
    (such rows in the batch), and by epoch `accuracy` and `violation` `(E, M)`.
    """

    task_weights: Sequence[float] | None = None
    fairness_weights: float | Sequence[float] = 1.0

    @classmethod
    def paper(cls, **changes: Any) -> "MTAF":
        """The estimator with the network of Roy & Ntoutsi (2022): hours instead of seconds."""
        settings: dict[str, Any] = {
            "hidden": (1024, 1024, 512, 128), "batch_size": 8192, "epochs": 50,
        } | changes  # fmt: skip
        return cls(**settings)

    @classmethod
    def searched(
        cls,
        X: Any,
        Y: Any,
        *,
        sensitive_features: Any,
        validation: tuple[Any, Any, Any] | None = None,
        after_epoch: Callable[[int, Scores], bool | None] | None = None,
        candidates: Sequence[float | Sequence[float]] = SEARCHED_WEIGHTS,
        **settings: Any,
    ) -> "MTAF":
        """The fitted classifier whose fairness weight validates best, at the cost of one fit each.

        Every candidate is fitted on the same rows, from the same numbers and for the same number of
        epochs, so four candidates cost four fits of any other classifier; they are compiled once.
        Best is the largest mean over tasks of accuracy minus equalised-odds violation on the
        validation rows, of the model that is kept; the first of equals. `search_` lists candidates
        with these means; it is not written to files.
        """
        from sklearn.utils import check_random_state

        if not candidates:
            raise InputError("candidates is empty; name at least one fairness weight to try")
        if settings.get("random_state") is None or not np.isscalar(settings["random_state"]):
            drawn = check_random_state(settings.get("random_state")).randint(2**31 - 1)
            settings["random_state"] = int(drawn)
        tried = [cls(**settings, fairness_weights=weight) for weight in candidates]
        for each in tried:
            each._check_settings()
        found = []
        for each in tried:
            each.fit(X, Y, sensitive_features=sensitive_features, validation=validation,
                     after_epoch=after_epoch)  # fmt: skip
            kept = -1 if each.keep == "last" else each.best_epoch_
            history = each.history_
            found.append(float(np.mean(history["accuracy"][kept] - history["violation"][kept])))
        return tried[int(np.argmax(found))]._after_search(list(zip(candidates, found, strict=True)))

    @property
    def exclusive_sizes_(self) -> Int[np.ndarray, " M"]:
        """The number of training rows that are exclusive to each task."""
        return np.asarray(self.state_.exclusive_sizes)

    def _rule(self) -> AbstractRule:
        weights, fairness = self.task_weights, np.asarray(self.fairness_weights, float)
        return ExclusiveRows(
            hidden=tuple(self.hidden),
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            task_weights=None if weights is None else tuple(float(w) for w in weights),
            fairness_weights=tuple(fairness) if fairness.ndim else float(fairness),
            image_shape=getattr(self, "image_shape_", None),
        )

    def _after_search(self, search: list[tuple[Any, float]]) -> "MTAF":
        self.search_ = search
        return self

    def _rows(
        self, X: np.ndarray, labels: Labels, groups: Groups, validation: Any, seed: int
    ) -> tuple[Batch, Batch]:
        rows, held = MultiTaskClassifier._rows(self, X, labels, groups, validation, seed)
        self._sizes = jnp.sum(exclusive(rows.Y), 0)
        return rows, held

    def _kept(self, trained: Trained) -> Any:
        state = MultiTaskClassifier._kept(self, trained)
        return eqx.tree_at(lambda state: state.exclusive_sizes, state, self._sizes)

    def _check_settings(self) -> None:
        MultiTaskClassifier._check_settings(self)
        for name, values, least in (
            ("task_weights", self.task_weights, "above 0"),
            ("fairness_weights", self.fairness_weights, "at least 0"),
        ):
            numbers = np.asarray(1.0 if values is None else values, float)
            low = numbers <= 0 if least == "above 0" else numbers < 0
            if numbers.ndim > 1 or low.any() or not np.isfinite(numbers).all():
                raise InputError(f"{name} must be numbers {least}, got {values!r}")
