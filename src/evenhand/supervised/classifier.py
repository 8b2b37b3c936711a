"""What all multi-task classifiers share: reading data, training, prediction, files."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Float

from evenhand.core.errors import InputError
from evenhand.supervised.classifier_settings import check_training
from evenhand.supervised.held_out import as_batch, split_rows
from evenhand.supervised.labelled_rows import Groups, Labels, read_groups, read_labels
from evenhand.supervised.prediction import rule_probabilities, side_by_side
from evenhand.supervised.rule import AbstractRule
from evenhand.supervised.task_loss import Batch, Scores
from evenhand.supervised.training import Trained, train

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.validation import check_is_fitted, validate_data
except ModuleNotFoundError as missing:
    raise InputError(
        "scikit-learn is not installed; try: pip install 'evenhand[models]'"
    ) from missing

Made = TypeVar("Made", bound="MultiTaskClassifier")


@dataclass(kw_only=True, eq=False, repr=False)
class MultiTaskClassifier(ClassifierMixin, BaseEstimator):
    """Predicts several binary targets of the same people; a subclass says how it trains.

    - `hidden`: widths of the layers under the tasks' output layers.
    - `epochs`, `batch_size`, `learning_rate`, `weight_decay`: of AdamW.
    - `validation_fraction`: share of each group to validate on, where `fit` is given no other rows.
    - `keep`: the model of the "last" epoch or of the "best" one on the validation rows.
    - `random_state`: an int for the same result again.

    After `fit`: `classes_`, the two values of each task; `groups_`, the two values of
    `sensitive_features`; `task_names_`; `history_`, arrays with epochs along the first axis and,
    where something happens at every batch, batches along the second; `best_epoch_`, from 0, where
    the validation rows' mean of accuracy minus equalised-odds violation was largest.
    """

    hidden: tuple[int, ...] = (256, 128, 64)
    epochs: int = 20
    batch_size: int = 1024
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    validation_fraction: float = 0.3
    keep: str = "last"
    random_state: Any = None

    @abstractmethod
    def _rule(self) -> AbstractRule:
        """The method with this estimator's settings."""

    def fit(
        self: Made,
        X: Any,
        Y: Any,
        *,
        sensitive_features: Any = None,
        validation: tuple[Any, ...] | None = None,
        after_epoch: Callable[[int, Scores], bool | None] | None = None,
    ) -> Made:
        """The estimator itself, trained on rows `(n, F)` and labels `(n, M)` or `(n,)`.

        Pictures `(n, height, width, channels)` pass three small convolutions first.

        - `sensitive_features`: the group of each row, of two; needed for training only.
        - `validation`: rows, labels and groups to validate on after each epoch. Without them a
          share `validation_fraction` of each group is set aside; with a group of fewer than four
          rows, all rows both train and validate.
        - `after_epoch`: told the number of epochs done and the validation scores; true ends it.
        """
        self._check_settings()
        if Y is None:
            raise InputError("requires y to be passed, but the target y is None; give labels")
        X = self._features(X, reset=True)
        labels = read_labels(Y, len(X))
        groups = read_groups(sensitive_features, len(X))
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        rows, held = self._rows(X, labels, groups, validation, seed)
        trained = train(
            self._rule(), seed, rows, held,
            epochs=self.epochs, batch_size=self.batch_size, after_epoch=after_epoch,
        )  # fmt: skip
        self._keep(labels, groups)
        self.state_ = self._kept(trained)
        self.history_, self.best_epoch_ = trained.history, trained.best_epoch
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The likelier value of each task, `(n, M)`; `(n,)` where Y had one axis."""
        likely = (self.positive_probability(X) > 0.5).astype(int)
        classes = [self.classes_] if self.one_column_ else self.classes_
        columns = [np.asarray(classes[m])[likely[:, m]] for m in range(likely.shape[1])]
        return columns[0] if self.one_column_ else side_by_side(columns)

    def predict_proba(self, X: Any) -> Any:
        """Probabilities `(n, 2)` of each task's two values, a list with one array a task.

        As everywhere in scikit-learn it is the array alone where Y had one axis.
        """
        positive = self.positive_probability(X)
        arrays = [
            np.stack([1 - positive[:, m], positive[:, m]], 1) for m in range(positive.shape[1])
        ]
        return arrays[0] if self.one_column_ else arrays

    def positive_probability(self, X: Any) -> Float[np.ndarray, "n M"]:
        """The probability of each task's second value."""
        check_is_fitted(self, "state_")
        return rule_probabilities(self._rule(), self.state_, self._features(X))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The mean over tasks of the share of rows that are predicted right."""
        predicted = self.predict(X)
        right = np.asarray(y).reshape(len(predicted), -1) == predicted.reshape(len(predicted), -1)
        return float(np.average(right.mean(1), weights=sample_weight))

    def save(self, path: str | Path) -> Path:
        """The file with all that `load_classifier` needs."""
        from evenhand.supervised.classifier_file import save_classifier

        return save_classifier(self, path)

    @classmethod
    def load(cls: type[Made], path: str | Path) -> Made:
        """The classifier of this class that `save` wrote."""
        from evenhand.supervised.classifier_file import load_classifier

        loaded = load_classifier(path)
        if not isinstance(loaded, cls):
            raise InputError(
                f"{path} holds a {type(loaded).__name__}, not a {cls.__name__}; load it as such"
            )
        return loaded

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = True
        return tags

    def _check_settings(self) -> None:
        check_training(self)

    def _rows(
        self, X: np.ndarray, labels: Labels, groups: Groups, validation: Any, seed: int
    ) -> tuple[Batch, Batch]:
        """Rows to train and to validate on."""
        if validation is not None:
            if len(validation) != 3:
                raise InputError("validation needs rows, labels and groups; give a tuple of these")
            held_X, held_Y, held_s = validation
            held_X = self._features(held_X)
            held_labels = read_labels(held_Y, len(held_X), labels).coded
            held_groups = read_groups(held_s, len(held_X), groups).coded
            held = as_batch(held_X, held_labels, held_groups)
            return as_batch(X, labels.coded, groups.coded), held
        return split_rows(X, labels.coded, groups.coded, self.validation_fraction, seed)

    def _kept(self, trained: Trained) -> Any:
        """The state that predicts."""
        return trained.last if self.keep == "last" else trained.best

    def _keep(self, labels: Labels, groups: Groups) -> None:
        self.one_column_ = labels.one_column
        self.classes_ = labels.classes[0] if labels.one_column else labels.classes
        self.groups_, self.task_names_ = groups.values, labels.names

    def _features(self, X: Any, reset: bool = False) -> np.ndarray:
        """Rows in the columns of training, or pictures of its shape in a row each."""
        shape = tuple(getattr(X, "shape", ()))
        picture = shape[1:] if len(shape) == 4 else None
        if reset:
            self.image_shape_ = picture
        elif picture != self.image_shape_:
            raise InputError(
                f"X has rows of shape {shape[1:]}, and training rows were "
                f"{self.image_shape_ or 'rows of a table'}; give the same"
            )
        found = validate_data(self, X, dtype=np.float32, reset=reset, allow_nd=picture is not None)
        return np.asarray(found).reshape(len(found), -1)
