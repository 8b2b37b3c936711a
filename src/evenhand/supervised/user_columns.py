"""Targets and groups in columns of the user: two values each, and which is which."""

from typing import Any

import polars as pl

from evenhand.core.errors import InputError

_SHOWN = 6


def target_values(column: pl.Series, positive: Any, table: str) -> pl.Series:
    """True where the target is 1, or where it has the value `positive`."""
    where = f"{table}: target {column.name!r}"
    words, seen, shown = _levels(column, where)
    if len(seen) != 2:
        raise InputError(
            f"{where} holds {len(seen)} different value(s) ({shown}) and must hold two; cut it in "
            "two beforehand, or leave it out"
        )
    if positive is not None:
        if str(positive) not in seen:
            raise InputError(f"{where} has no value {positive!r}; positive is one of {shown}")
        return words == str(positive)
    if seen not in (["0", "1"], ["false", "true"]):
        raise InputError(
            f"{where} holds {shown}; say which one counts as 1, as in "
            f"positive={{{column.name!r}: {seen[1]!r}}}"
        )
    return words == seen[1]


def group_parts(column: pl.Series, protected: Any, table: str) -> tuple[pl.Series, tuple[str, str]]:
    """True where people are protected, and the names of the other group and of the protected."""
    where = f"{table}: group column {column.name!r}"
    words, seen, shown = _levels(column, where)
    if len(seen) == 1:
        raise InputError(f"{where} holds only {shown}; equalised odds compares two groups")
    if protected is None and len(seen) > 2:
        raise InputError(
            f"{where} holds {len(seen)} values ({shown}); name the one that is protected, as in "
            f"protected={seen[0]!r}, and everybody else is the other group"
        )
    if protected is not None and str(protected) not in seen:
        raise InputError(f"{where} has no value {protected!r}; protected is one of {shown}")
    rarer = min(seen, key=lambda level: (int((words == level).sum()), level))
    chosen = rarer if protected is None else str(protected)
    others = [level for level in seen if level != chosen]
    other = others[0] if len(others) == 1 else f"not {chosen}"
    return words == chosen, (other, chosen)


def _levels(column: pl.Series, where: str) -> tuple[pl.Series, list[str], str]:
    """The column as words, its sorted values, and some of them to show."""
    if column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Object):
        raise InputError(f"{where} holds {column.dtype}; one number or word per row is needed")
    if column.null_count():
        raise InputError(
            f"{where} is missing in {column.null_count()} of {len(column)} rows; drop those rows"
        )
    if column.dtype.is_float() and (column == column.round()).all():
        column = column.cast(pl.Int64)  # so that 1.0 is written 1
    words = column.cast(pl.String).str.strip_chars()
    seen = sorted(words.unique().to_list())
    return (
        words,
        seen,
        ", ".join(map(repr, seen[:_SHOWN])) + (", ..." if len(seen) > _SHOWN else ""),
    )
