"""Who belongs to which group: the values of a column, or intervals of a number."""

from itertools import pairwise

import numpy as np
import polars as pl

from evenhand.core.errors import InputError

MAX_GROUPS = 12


def grouped(
    column: pl.Series, cut_points: tuple[float, ...], min_group: int, merge_small: bool, file: str
) -> tuple[tuple[str, ...], np.ndarray]:
    """Group names in order and each row's index into them."""
    where = f"{file}: group column {column.name!r}"
    if cut_points:
        names, index = _cut_groups(column, cut_points, where)
    else:
        text = column.cast(pl.String).str.strip_chars().to_numpy().astype(str)
        names, index = np.unique(text, return_inverse=True)
    names, counts = [str(name) for name in names], np.bincount(index, minlength=len(names))
    if merge_small:
        names, index, counts = _merged(names, index, counts < min_group)
    _check_groups(names, counts, min_group, where)
    return tuple(names), index.astype(int)


def _check_groups(names: list[str], counts: np.ndarray, min_group: int, where: str) -> None:
    if len(names) > MAX_GROUPS:
        raise InputError(
            f"{where} holds {len(names)} different values, more than {MAX_GROUPS} groups; cut a "
            "numeric column with --bins (for example --bins 30,45) or merge rare values with "
            "--merge-small"
        )
    small = counts < min_group
    if small.any():
        told = ", ".join(f"{names[g]!r} ({counts[g]})" for g in np.flatnonzero(small))
        raise InputError(
            f"{where} has groups with fewer than {min_group} rows: {told}; merge them "
            "with --merge-small or lower --min-group"
        )
    if len(names) < 2:
        raise InputError(f"{where} holds only the group {names[0]!r}; at least two are needed")


def _merged(
    names: list[str], index: np.ndarray, small: np.ndarray
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """The groups with the small ones put together as "other"."""
    new = ["other" if few else name for name, few in zip(names, small, strict=True)]
    kept = list(dict.fromkeys([*(name for name in new if name != "other"), *new]))
    index = np.array([kept.index(name) for name in new])[index]
    return kept, index, np.bincount(index, minlength=len(kept))


def _cut_groups(
    column: pl.Series, cut_points: tuple[float, ...], where: str
) -> tuple[np.ndarray, np.ndarray]:
    if not column.dtype.is_numeric():
        raise InputError(f"{where} is not numeric, so --bins cannot cut it; leave --bins out")
    if list(cut_points) != sorted(set(cut_points)):
        raise InputError(f"--bins {cut_points} must rise from cut point to cut point")
    texts = [f"{cut:g}" for cut in cut_points]
    middle = [f"{a} to below {b}" for a, b in pairwise(texts)]
    names = np.array([f"below {texts[0]}", *middle, f"{texts[-1]} and above"])
    index = np.searchsorted(cut_points, column.to_numpy(), side="right")
    empty = [str(names[k]) for k in range(len(names)) if not (index == k).any()]
    if empty:
        raise InputError(
            f"{where}: no row is in {', '.join(map(repr, empty))}; move the cut points of --bins "
            f"(values run from {column.min()} to {column.max()})"
        )
    return names, index
