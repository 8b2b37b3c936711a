"""A fitted estimator with scikit-learn's interface, asked by the names of its columns."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from evenhand.algorithms.model_contract import AbstractFileModel, labels_error
from evenhand.algorithms.sklearn_policy import positive_prob
from evenhand.core.errors import InputError


class EstimatorModel(AbstractFileModel):
    """What an estimator wants and answers; `path` is for messages."""

    def __init__(self, path: str, estimator: Any) -> None:
        self.path, self.estimator = path, estimator
        names = getattr(estimator, "feature_names_in_", None)
        self.columns = None if names is None else tuple(map(str, names))
        self.num_columns: int | None = getattr(estimator, "n_features_in_", None)
        self._check_labels()

    def _check_labels(self) -> None:
        classes = np.ravel(getattr(self.estimator, "classes_", [0, 1])).tolist()
        if any(label not in (0, 1) for label in classes):
            raise labels_error(self.path, classes)

    def group_codes(self, groups: tuple[str, ...]) -> list[list[Any]]:
        """Names or indices, as the model's own encoders know them; both where none does.

        Encoders may pass over what they do not know in silence, so they are looked at.
        """
        names, indices = list(groups), list(range(len(groups)))
        certain, possible = self._known_groups()
        for known in [*certain, *possible]:
            as_text = {str(value): value for value in known}
            for codes in (names, indices):
                if all(str(code) in as_text for code in codes):
                    return [[as_text[str(code)] for code in codes]]
        for known in certain:
            unknown = [name for name in names if name not in map(str, known)]
            raise InputError(
                f"{self.path} was fitted on the groups {', '.join(map(str, known))} and does not "
                f"know {', '.join(unknown)}; fit it on all groups, or choose them with --groups"
            )
        return [names, indices] if self.columns is not None else [indices]

    def _known_groups(self) -> tuple[list[list[Any]], list[list[Any]]]:
        """Categories of encoders of the column `group`, and of encoders without column names."""
        certain: list[list[Any]] = []
        possible: list[list[Any]] = []
        for part in _parts(self.estimator):
            categories = getattr(part, "categories_", None)
            if categories is None:
                continue
            names = getattr(part, "feature_names_in_", None)
            if names is None:
                possible += [list(known) for known in categories]
            elif "group" in names:
                certain.append(list(categories[list(names).index("group")]))
        return certain, possible

    def positive(self, columns: dict[str, np.ndarray]) -> np.ndarray:
        """`(n,)` P(label 1), or the predicted label."""
        return positive_prob(self.estimator, self._rows(columns))

    def _rows(self, columns: dict[str, np.ndarray]) -> Any:
        if self.columns is None:
            text = any(values.dtype.kind in "OU" for values in columns.values())
            return np.stack([v.astype(object) if text else v for v in columns.values()], 1)
        import polars as pl  # scikit-learn selects columns of its frames by name

        return pl.DataFrame({name: values.tolist() for name, values in columns.items()})


def _parts(part: Any, depth: int = 0) -> Iterator[Any]:
    """An estimator and the fitted parts inside it: steps, transformers, calibrated models."""
    if isinstance(part, list | tuple):
        for item in part:
            yield from _parts(item, depth)
    elif hasattr(part, "fit") or hasattr(part, "predict"):
        yield part
        if depth < 6:
            for value in list(getattr(part, "__dict__", {}).values()):
                yield from _parts(value, depth + 1)
