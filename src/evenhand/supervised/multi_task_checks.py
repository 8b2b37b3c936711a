"""Checks of tables with several targets; every way a table can be wrong has its one sentence."""

import warnings
from collections.abc import Sequence

import numpy as np

from evenhand.core.errors import InputError


class EmptyCellWarning(UserWarning):
    """A task lacks one of its four cells of group and label among the training rows.

    Losses and equalised odds leave such a cell out, so the task's violation is understated.
    """


def checked_names(names: Sequence[str], field: str, table: str) -> tuple[str, ...]:
    """The names as a tuple: at least one, each different."""
    names = tuple(names)
    if not names:
        raise InputError(f"{table} has no {field}; give at least one name")
    seen = set()
    twice = sorted({name for name in names if name in seen or seen.add(name)})
    if twice:
        raise InputError(f"{table} has {field} twice: {', '.join(twice)}; rename them")
    return names


def check_part(
    X: np.ndarray,
    Y: np.ndarray,
    s: np.ndarray,
    where: str,
    num_features: int,
    task_names: tuple[str, ...],
    group_names: tuple[str, ...],
) -> None:
    """Raise where shapes, types or values of one part cannot be used."""
    _check_shapes(X, Y, s, where, num_features, len(task_names))
    if X.dtype == np.float32:
        # A sum is finite where all terms are, up to overflow, and needs no second array.
        if not np.isfinite(X.sum(dtype=np.float64)) and not np.isfinite(X).all():
            raise InputError(f"{where} has inputs that are NaN or infinite; fill or drop them")
    elif X.dtype != np.uint8 or X.ndim != 4:
        raise InputError(
            f"{where} has inputs of type {X.dtype}; give float32 (uint8 is for images alone)"
        )
    for t, task in enumerate(task_names):
        _check_binary(Y[:, t], f"{where}: task {task!r}")
    _check_binary(s, f"{where}: the group")
    for g, group in enumerate(group_names):
        if not (s == g).any():
            raise InputError(
                f"{where} has nobody of group {group!r}; groups can only be compared where both "
                "are present"
            )


def _check_shapes(
    X: np.ndarray, Y: np.ndarray, s: np.ndarray, where: str, num_features: int, num_tasks: int
) -> None:
    if s.ndim != 1 or len(s) == 0:
        raise InputError(f"{where} has groups of shape {s.shape}; give one number per row")
    if X.ndim not in (2, 4) or X.shape[0] != len(s) or X.shape[-1] != num_features:
        raise InputError(
            f"{where} has inputs of shape {X.shape}; {len(s)} rows and {num_features} feature "
            "names need (rows, features), or (rows, height, width, channels)"
        )
    if Y.shape != (len(s), num_tasks):
        raise InputError(
            f"{where} has targets of shape {Y.shape}; {len(s)} rows and {num_tasks} task names "
            f"need {(len(s), num_tasks)}"
        )


def _check_binary(values: np.ndarray, where: str) -> None:
    if values.dtype != np.int8:
        raise InputError(f"{where} has type {values.dtype}; give int8 with values 0 and 1")
    if values.min() < 0 or values.max() > 1:
        raise InputError(
            f"{where} has values from {values.min()} to {values.max()}; give 0 and 1 alone"
        )


def check_training_cells(
    Y: np.ndarray, s: np.ndarray, task_names: tuple[str, ...], group_names: tuple[str, ...]
) -> None:
    """Warn of the tasks that lack a cell of group and label among the training rows."""
    empty = [
        f"{task} = {label} in group {group}"
        for g, group in enumerate(group_names)
        for t, (task, ones) in enumerate(zip(task_names, Y[s == g].sum(0), strict=True))
        for label, count in ((1, ones), (0, (s == g).sum() - ones))
        if count == 0
    ]
    if empty:
        warnings.warn(
            f"no training row has {'; or '.join(empty)}: such a cell is left out of losses and of "
            "equalised odds",
            EmptyCellWarning,
            stacklevel=4,
        )
