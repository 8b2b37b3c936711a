"""Tables with several targets by the names that studies give them."""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from evenhand.core.errors import InputError, unknown_name
from evenhand.supervised.multi_task_table import MultiTaskTable

BUILT_IN = ("acs-massachusetts", "census-income")
FILES = (".csv", ".parquet")
_FOLDERS = ("acs-pums", "celeba")
_NAMES = (*BUILT_IN, "acs-pums:FOLDER", "celeba:FOLDER", "FILE.csv", "FILE.parquet")


class TableAsked(NamedTuple):
    """Which table a study asks for; see `MultiTaskTrial` for the fields."""

    data: str
    tasks: tuple[str, ...]
    rows: int
    split_seed: int
    group: str
    protected: str
    states: tuple[str, ...]


@lru_cache(maxsize=2)
def table_of(asked: TableAsked) -> MultiTaskTable:
    """The table that is asked for, with its tasks and at most `rows` people a part."""
    _check(asked)
    if asked.data.endswith(FILES):
        return _limited(_user_table(asked), asked)
    table = _named(asked)
    return _limited(table.subset(asked.tasks) if asked.tasks else table, asked)


def _limited(table: MultiTaskTable, asked: TableAsked) -> MultiTaskTable:
    return table.limited(asked.rows) if asked.rows else table


def _named(asked: TableAsked) -> MultiTaskTable:
    from evenhand.supervised import load_acs_massachusetts, load_census_income

    if asked.data == "acs-massachusetts":
        return load_acs_massachusetts(seed=asked.split_seed)
    if asked.data == "census-income":
        return load_census_income(seed=asked.split_seed)
    kind, _, folder = asked.data.partition(":")
    if kind == "acs-pums":
        from evenhand.supervised import load_acs_pums

        return load_acs_pums(Path(folder), states=asked.states or ("MA",), seed=asked.split_seed)
    from evenhand.supervised import load_celeba_attributes

    return load_celeba_attributes(Path(folder), protected=asked.protected or "Male")


def _user_table(asked: TableAsked) -> MultiTaskTable:
    from evenhand.supervised import load_table

    if not asked.tasks or not asked.group:
        raise InputError(
            f"data = {asked.data} needs the columns of the targets and of the group: give "
            "tasks=first,second and group=column (tasks=first=yes where yes counts as 1)"
        )
    named = {name: value for name, _, value in (word.partition("=") for word in asked.tasks)}
    positive = {task: value for task, value in named.items() if value}
    return load_table(
        asked.data, list(named), asked.group, asked.protected or None, positive,
        val_seed=asked.split_seed,
    )  # fmt: skip


def _check(asked: TableAsked) -> None:
    """Raise an `InputError` for an unknown table, or a field that means nothing for a known one."""
    kind, _, folder = asked.data.partition(":")
    of_files = asked.data.endswith(FILES) or (kind in _FOLDERS and folder)
    if not of_files and asked.data not in BUILT_IN:
        raise unknown_name("table with several targets", asked.data, _NAMES)
    fields = {"group": asked.group, "protected": asked.protected, "states": asked.states}
    known = {"acs-pums": ("states",), "celeba": ("protected",)}.get(kind, ())
    known = ("group", "protected") if asked.data.endswith(FILES) else known
    for name, value in fields.items():
        if value and name not in known:
            raise InputError(f"{name} means nothing for data = {asked.data}; leave it out")
