"""Rows, labels and groups as given by users, checked and coded for training."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from evenhand.core.errors import InputError


@dataclass(frozen=True)
class Labels:
    """Labels of every task as 0 and 1 `(n, M)`, and how to read them back."""

    coded: np.ndarray
    classes: list[np.ndarray]
    names: list[str]
    one_column: bool


@dataclass(frozen=True)
class Groups:
    """The group of every row as 0 or 1 `(n,)`, and the two values in that order."""

    coded: np.ndarray
    values: np.ndarray


def read_labels(Y: Any, num_rows: int, like: Labels | None = None) -> Labels:
    """Labels of one or several binary tasks; with `like`, coded as those are.

    A task is a column of two values of any kind; the larger one, as sorted, is coded 1. Columns of
    a data frame name the tasks.
    """
    named = list(getattr(Y, "columns", ()))
    array = np.asarray(Y)
    if array.ndim not in (1, 2) or array.size == 0:
        raise InputError(
            f"Y must hold a column for each task, got an array of shape {array.shape}; "
            "give one row per person"
        )
    if len(array) != num_rows:
        raise InputError(
            f"X has {num_rows:,} rows and Y {len(array):,}; Found input variables with "
            "inconsistent numbers of samples, give as many"
        )
    one_column = array.ndim == 1
    columns = array.reshape(len(array), -1)
    names = [str(name) for name in named] or [f"task {m + 1}" for m in range(columns.shape[1])]
    if like is not None and len(names) != len(like.names):
        raise InputError(
            f"the validation rows have {len(names)} tasks, the others {len(like.names)}"
        )
    if named and like is not None and names != like.names and set(names) == set(like.names):
        raise InputError(
            f"the validation rows have the tasks in the order {', '.join(names)}, the others "
            f"{', '.join(like.names)}; give the same"
        )
    coded, classes = [], []
    for m, name in enumerate(names):
        known = None if like is None else like.classes[m]
        code, values = _code(columns[:, m], f"{name} of Y", known)
        coded.append(code)
        classes.append(values)
    return Labels(np.stack(coded, 1), classes, names, one_column)


def read_groups(sensitive_features: Any, num_rows: int, like: Groups | None = None) -> Groups:
    """The two groups of rows; with `like`, coded as those are."""
    if sensitive_features is None:
        raise InputError(
            "sensitive_features is missing: training compares two groups; pass "
            "fit(X, Y, sensitive_features=s) with a value per row, such as a person's sex"
        )
    given = np.asarray(sensitive_features)
    if given.ndim == 2 and given.shape[1] == 1:
        given = given[:, 0]
    if given.ndim != 1 or len(given) != num_rows:
        raise InputError(
            f"sensitive_features must have one value for each of the {num_rows:,} rows of X, got "
            f"an array of shape {given.shape}"
        )
    known = None if like is None else like.values
    return Groups(*_code(given, "sensitive_features", known))


def _code(column: np.ndarray, name: str, known: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """The column as 0 and 1, and its two values in this order."""
    if column.dtype == object and any(map(_is_missing, column)):
        raise InputError(f"{name} has missing values; fill them or leave those rows out")
    if column.dtype.kind == "f" and not np.isfinite(column).all():
        raise InputError(f"{name} has values that are NaN or infinity; leave those rows out")
    try:
        values, code = np.unique(column, return_inverse=True)
    except TypeError as error:
        raise InputError(f"{name} mixes kinds of values; give all as text or all as numbers") from (
            error
        )
    if known is not None:
        strange = [value for value in values if value not in known]
        if strange:
            raise InputError(
                f"{name} has the value {_plain(strange[0])!r}, which training rows do not have"
            )
        return (column == known[1]).astype(np.int32), known
    if len(values) != 2:
        raise InputError(_not_two(name, values))
    return code.astype(np.int32), values


def _is_missing(value: Any) -> bool:
    """Whether a value is None, NaN, or one that compares to nothing, as pandas' NA."""
    try:
        return value is None or bool(value != value)
    except TypeError:
        return True


def _plain(value: Any) -> Any:
    """A number or word of numpy as Python writes it; arrays of objects hold the latter."""
    return value.item() if isinstance(value, np.generic) else value


def _not_two(name: str, values: np.ndarray) -> str:
    if len(values) == 1:
        return (
            f"{name} has only one class, {values.tolist()[0]!r}: there is nothing to tell apart; "
            "give rows with two"
        )
    if values.dtype.kind == "f" and (values % 1 != 0).any():
        return (
            f"Unknown label type: {name} is continuous, with {len(values)} values; give two values"
        )
    shown = ", ".join(map(repr, values[:4].tolist())) + ", ..." * (len(values) > 4)
    return (
        f"{name} has {len(values)} values ({shown}); merge values or leave rows out until two are "
        "left. Only binary classification is supported."
    )
