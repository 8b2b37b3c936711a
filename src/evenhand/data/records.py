"""Loan records, checked: who belongs to which group and whether the loan defaulted."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from evenhand.core.errors import InputError, unknown_name
from evenhand.data.grouping import grouped

MIN_OF_EACH_OUTCOME = 10
_SHOWN = 6


@dataclass(frozen=True)
class RecordOptions:
    """Which columns mean what, and what to do with rows that cannot be used."""

    outcome: str
    group: str
    score: str | None = None
    positive: str | None = None
    """The value of `outcome` that means default; None: 1 or true."""
    cut_points: tuple[float, ...] = ()
    """Where a numeric group column is cut; a value on a cut point belongs above it."""
    complete: tuple[str, ...] = ()
    """Further columns that may not hold missing values."""
    drop_missing: bool = False
    min_group: int = 100
    merge_small: bool = False


@dataclass(frozen=True)
class Records:
    """One loan a row: `group (n,)` indexes `groups`; `features` lacks outcome, group and score."""

    file: str
    groups: tuple[str, ...]
    group: np.ndarray
    defaulted: np.ndarray
    features: pl.DataFrame
    score: np.ndarray | None
    num_rows: int
    """Rows of the file, dropped ones included."""

    @property
    def group_sizes(self) -> np.ndarray:
        """`(G,)` records of each group."""
        return np.bincount(self.group, minlength=len(self.groups))


def check_records(table: pl.DataFrame, options: RecordOptions, file: str) -> Records:
    """The records in a table, or an `InputError` naming file, column and remedy."""
    named = _named_columns(table, options, file)
    rows = _complete_rows(table, [*named, *options.complete], options, file)
    if rows.height < 2 * options.min_group:
        raise InputError(
            f"{file} has {rows.height} usable rows; two groups of at least {options.min_group} "
            f"need {2 * options.min_group} (--min-group sets the minimum)"
        )
    groups, group = grouped(
        rows[options.group], options.cut_points, options.min_group, options.merge_small, file
    )
    return Records(
        file=file,
        groups=groups,
        group=group,
        defaulted=_defaulted(rows[options.outcome], options.positive, file),
        features=rows.drop(named),
        score=_score(rows[options.score], file) if options.score else None,
        num_rows=table.height,
    )


def _named_columns(table: pl.DataFrame, options: RecordOptions, file: str) -> list[str]:
    """Outcome, group and, if given, score, each a different column of single values."""
    named = [options.outcome, options.group, *([options.score] if options.score else [])]
    for name in [*named, *options.complete]:
        if name not in table.columns:
            raise InputError(f"{file}: {unknown_name('column', name, table.columns)}")
    if len(set(named)) < len(named):
        raise InputError(
            f"{file}: outcome, group and score name one column twice ({', '.join(named)}); "
            "give different columns"
        )
    for name in named:
        dtype = table.schema[name]
        if dtype.is_nested() or dtype in (pl.Binary, pl.Object):
            raise InputError(
                f"{file}: column {name!r} holds {dtype}; one number or word per row is needed"
            )
    return named


def _complete_rows(
    table: pl.DataFrame, names: list[str], options: RecordOptions, file: str
) -> pl.DataFrame:
    """The rows without missing values in the named columns, if any may be dropped."""
    blank = [
        pl.col(name).cast(pl.String).str.strip_chars().is_in(["", "inf", "-inf"])
        | pl.col(name).is_null()
        for name in dict.fromkeys(names)
    ]
    counts = table.select(mask.sum() for mask in blank).row(0)
    missing = {name: n for name, n in zip(dict.fromkeys(names), counts, strict=True) if n}
    if not missing:
        return table
    if not options.drop_missing:
        told = ", ".join(f"{n} in {name!r}" for name, n in missing.items())
        raise InputError(
            f"{file} has missing values ({told}) among {table.height} rows; complete them or "
            "leave those rows out with --drop-missing"
        )
    return table.filter(~pl.any_horizontal(mask.fill_null(True) for mask in blank))


def _defaulted(column: pl.Series, positive: str | None, file: str) -> np.ndarray:
    """`(n,)` True where the loan defaulted."""
    if column.dtype.is_float() and (column == column.round()).all():
        column = column.cast(pl.Int64)  # so that 1.0 is written 1
    text = column.cast(pl.String).str.strip_chars()
    seen = sorted(text.unique().to_list())
    shown = ", ".join(map(repr, seen[:_SHOWN])) + (", ..." if len(seen) > _SHOWN else "")
    where = f"{file}: outcome column {column.name!r}"
    if len(seen) == 1:
        raise InputError(f"{where} holds only {shown}; both outcomes are needed")
    if positive is not None:
        if positive not in seen:
            raise InputError(f"{where} has no value {positive!r}; --positive is one of {shown}")
    elif seen in (["0", "1"], ["false", "true"]):
        positive = seen[1]
    else:
        raise InputError(
            f"{where} should hold 0 and 1 and holds {len(seen)} values ({shown}); say which one "
            "means default with --positive VALUE"
        )
    defaulted = (text == positive).to_numpy()
    rarer = min(defaulted.sum(), (~defaulted).sum())
    if rarer < MIN_OF_EACH_OUTCOME:
        raise InputError(
            f"{where} has only {rarer} rows of its rarer outcome; at least {MIN_OF_EACH_OUTCOME} "
            "are needed"
        )
    return defaulted


def _score(column: pl.Series, file: str) -> np.ndarray:
    if not column.dtype.is_numeric():
        raise InputError(
            f"{file}: score column {column.name!r} is not numeric ({column.dtype}); give numbers"
        )
    score = column.cast(pl.Float64).to_numpy()
    if score.min() == score.max():
        raise InputError(
            f"{file}: score column {column.name!r} is {score[0]:g} in every row, so it ranks "
            "nobody; give another column or leave --score out"
        )
    return score
