"""A table of the user's own, with several binary targets and a group named by column."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from evenhand.core.errors import InputError, unknown_name
from evenhand.data.loan_file import read_table
from evenhand.supervised.multi_task_table import PARTS, MultiTaskTable
from evenhand.supervised.table_making import VAL_SHARE, Recipe, Task, make_table, split_rows
from evenhand.supervised.user_columns import group_parts, target_values

TEST_SHARE = 0.3
_TARGET, _PROTECTED = "target: ", "protected group"


def load_table(
    table: Any,
    targets: Sequence[str],
    group: str,
    protected: Any = None,
    positive: Mapping[str, Any] | None = None,
    numeric: Sequence[str] | None = None,
    categorical: Sequence[str] | None = None,
    exclude: Sequence[str] = (),
    include_protected: bool = True,
    split: str | None = None,
    test_share: float = TEST_SHARE,
    val_share: float = VAL_SHARE,
    test_seed: int = 0,
    val_seed: int = 0,
) -> MultiTaskTable:
    """The people of `table`: the path of a CSV or parquet file, a polars frame, or a mapping.

    Each target is 0/1, boolean, or any two values of which `positive={"target": value}` names the
    one that counts as 1. The group column has two values, of which `protected` (without it: the
    rarer) is the protected one; with more values `protected` is needed, and everybody else is the
    other group. Inputs are all other columns, numbers standardised and words as indicators, or
    those named in `numeric` and `categorical`, missing ones allowed; `exclude` what gives a target
    away. `split` names a column of train, val and test; without it, `test_share` of the rows test
    and `val_share` of the others validate, drawn from the two seeds.
    """
    rows, name = _frame(table)
    no_inputs = [*targets, *([split] if split else []), *exclude]
    _check_names(rows, targets, [*no_inputs, group, *(numeric or ()), *(categorical or ())], name)
    _check_positive(positive or {}, targets, name)
    dropped = {*no_inputs} | (set() if include_protected else {group})
    inputs = [c for c in rows.columns if c not in dropped]
    kinds = _kinds(rows, inputs, numeric, categorical, dropped, name)
    rows, recipe = _with_answers(rows, kinds, targets, group, protected, positive or {}, name)
    if split:
        return make_table(recipe, *_named_parts(rows, split, name))
    rest, test = split_rows(rows, test_share, test_seed, "test_share")
    return make_table(recipe, *split_rows(rest, val_share, val_seed, "val_share"), test)


def _with_answers(
    rows: pl.DataFrame,
    kinds: tuple[tuple[str, ...], tuple[str, ...]],
    targets: Sequence[str],
    group: str,
    protected: Any,
    positive: Mapping[str, Any],
    name: str,
) -> tuple[pl.DataFrame, Recipe]:
    """The rows with targets and group as booleans, and the recipe that reads them.

    They stand in columns of their own, since the group is an input as well.
    """
    added = [target_values(rows[t], positive.get(t), name).alias(_TARGET + t) for t in targets]
    member, group_names = group_parts(rows[group], protected, name)
    recipe = Recipe(
        name=name,
        source=f"{name}, a table of the user",
        numeric=kinds[0],
        categorical=kinds[1],
        protected=pl.col(_PROTECTED),
        group_column=group,
        group_names=group_names,
        tasks={target: Task(pl.col(_TARGET + target)) for target in targets},
    )
    return rows.with_columns([*added, member.alias(_PROTECTED)]), recipe


def _frame(table: Any) -> tuple[pl.DataFrame, str]:
    """The rows and what to call them."""
    if isinstance(table, str | Path):
        return read_table(table), Path(table).name
    if isinstance(table, pl.DataFrame):
        rows = table
    elif isinstance(table, Mapping):
        rows = pl.DataFrame(dict(table))
    else:
        raise InputError(
            f"the table is a {type(table).__name__}; give a path, a polars frame, or a mapping of "
            "columns (from pandas: frame.to_dict('list'))"
        )
    if rows.height == 0:
        raise InputError("the table has no rows; give people to learn from")
    return rows.with_columns(pl.selectors.float().fill_nan(None)), "table"


def _check_names(
    rows: pl.DataFrame, targets: Sequence[str], named: Sequence[str], name: str
) -> None:
    if isinstance(targets, str) or not targets:
        raise InputError(f"targets = {targets!r} is no list of columns; give at least one, in []")
    for column in named:
        if column not in rows.columns:
            raise InputError(f"{name}: {unknown_name('column', column, rows.columns)}")
    twice = sorted({column for column in named if named.count(column) > 1})
    if twice and set(twice) & set(targets):
        raise InputError(
            f"{name}: {', '.join(twice)} is a target and named once more; a target is no input, "
            "group or other target"
        )


def _check_positive(positive: Mapping[str, Any], targets: Sequence[str], name: str) -> None:
    for column in positive:
        if column not in targets:
            raise InputError(f"{name}: positive: {unknown_name('target', column, targets)}")


def _kinds(
    rows: pl.DataFrame,
    inputs: Sequence[str],
    numeric: Sequence[str] | None,
    categorical: Sequence[str] | None,
    dropped: set[str],
    name: str,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Columns that are numbers and columns that are levels; by type where nothing is said."""
    if numeric is None and categorical is None:
        numbers = [c for c in inputs if rows.schema[c].is_numeric()]
    else:
        inputs = [c for c in (*(numeric or ()), *(categorical or ())) if c not in dropped]
        numbers = [c for c in numeric or () if c not in dropped]
    if not inputs or len(set(inputs)) < len(inputs):
        raise InputError(
            f"{name}: numeric and categorical name {'one input twice' if inputs else 'no input'}; "
            "name each input once"
        )
    for column in inputs:
        dtype = rows.schema[column]
        if dtype.is_nested() or dtype in (pl.Binary, pl.Object):
            raise InputError(f"{name}: column {column!r} holds {dtype}; exclude it")
        if column in numbers and not dtype.is_numeric():
            raise InputError(
                f"{name}: column {column!r} is named in numeric and holds {dtype}; name it in "
                "categorical or convert it"
            )
    return tuple(numbers), tuple(c for c in inputs if c not in numbers)


def _named_parts(rows: pl.DataFrame, split: str, name: str) -> list[pl.DataFrame]:
    words = rows[split].cast(pl.String)
    seen = words.unique().to_list()
    if set(seen) != set(PARTS):
        shown = ", ".join(sorted(map(repr, seen))[:6])
        raise InputError(
            f"{name}: column {split!r} should hold {', '.join(PARTS)} and holds {shown}; rename "
            "its values, or leave split out"
        )
    return [rows.filter(words == part) for part in PARTS]
