"""Tables with several targets by the names that studies give them."""

from collections.abc import Callable
from functools import lru_cache

from evenhand.core.errors import unknown_name
from evenhand.supervised.multi_task_table import MultiTaskTable


@lru_cache(maxsize=2)
def table_named(data: str, tasks: tuple[str, ...], rows: int, split_seed: int) -> MultiTaskTable:
    """The table of this name with these tasks, () for all, and at most `rows` people a part.

    `rows` 0 keeps all. People to train and to validate with are told apart by `split_seed`.
    """
    if data not in _LOADERS:
        raise unknown_name("table of several targets", data, _LOADERS)
    table = _LOADERS[data](split_seed)
    chosen = table.subset(tasks) if tasks else table
    return chosen.limited(rows) if rows else chosen


def _acs_massachusetts(seed: int) -> MultiTaskTable:
    from evenhand.supervised import load_acs_massachusetts

    return load_acs_massachusetts(seed=seed)


def _census_income(seed: int) -> MultiTaskTable:
    from evenhand.supervised import load_census_income

    return load_census_income(seed=seed)


_LOADERS: dict[str, Callable[[int], MultiTaskTable]] = {
    "acs-massachusetts": _acs_massachusetts,
    "census-income": _census_income,
}
