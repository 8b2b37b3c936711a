"""Columns of any kind as classes, the way scorecards are built: cuts, common values, "missing"."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import sparse

FEW_VALUES = 12
NUM_CUTS = 9
MAX_VALUES = 20


@dataclass(frozen=True)
class ClassRule:
    """How one column falls into classes: between `cuts`, or one class per common value.

    The last class holds missing values, and for text the values that are not common.
    """

    name: str
    cuts: np.ndarray | None = None
    values: tuple[str, ...] = ()

    @property
    def num_classes(self) -> int:
        """Classes of the column, the last one included."""
        return (len(self.values) if self.cuts is None else len(self.cuts) + 1) + 1

    def classes(self, column: pl.Series) -> np.ndarray:
        """`(n,)` class of each row."""
        last = self.num_classes - 1
        if self.cuts is not None:
            number = _numbers(column)
            return np.where(np.isnan(number), last, np.searchsorted(self.cuts, number, "right"))
        index = {value: k for k, value in enumerate(self.values)}
        text = column.cast(pl.String).to_list()
        return np.array([index.get(value, last) for value in text])


def learn_rules(table: pl.DataFrame) -> tuple[tuple[ClassRule, ...], tuple[str, ...]]:
    """One rule per usable column, and the names of the columns that no rule can use.

    Not used: constant columns, nested types, text that nearly always differs, and whole numbers
    that only count the rows. The rules never look at the outcome.
    """
    rules = [(name, _rule(table[name])) for name in table.columns]
    kept = tuple(rule for _, rule in rules if rule is not None)
    return kept, tuple(name for name, rule in rules if rule is None)


def design(table: pl.DataFrame, rules: tuple[ClassRule, ...]) -> sparse.csr_array:
    """`(n, classes)` zeros and ones: a 1 for the class of every column."""
    offsets = np.cumsum([0] + [rule.num_classes for rule in rules])
    columns = [
        rule.classes(table[rule.name]) + offset
        for rule, offset in zip(rules, offsets[:-1], strict=True)
    ]
    index = np.stack(columns, 1).ravel()
    pointer = np.arange(0, len(index) + 1, len(rules))
    shape = (table.height, int(offsets[-1]))
    return sparse.csr_array((np.ones(len(index)), index, pointer), shape=shape)


def _numbers(column: pl.Series) -> np.ndarray:
    return column.to_physical().cast(pl.Float64).to_numpy()


def _rule(column: pl.Series) -> ClassRule | None:
    dtype, present = column.dtype, column.drop_nulls()
    if dtype.is_nested() or dtype in (pl.Binary, pl.Object, pl.Null) or present.len() == 0:
        return None
    if (dtype.is_numeric() or dtype.is_temporal()) and not _counts_rows(column):
        cuts = _cuts(_numbers(present))
        if len(cuts) == 0 and present.len() == column.len():
            return None
        return ClassRule(column.name, cuts=cuts)
    if dtype.is_numeric() or present.n_unique() > max(MAX_VALUES, column.len() // 2):
        return None
    text = present.cast(pl.String).alias("value")
    common = text.value_counts().sort(["count", "value"], descending=[True, False])
    values = tuple(common["value"].head(MAX_VALUES).sort().to_list())
    if len(values) < 2 and present.len() == column.len():
        return None
    return ClassRule(column.name, values=values)


def _counts_rows(column: pl.Series) -> bool:
    """Whether a column of whole numbers is a row number, which would carry the file's order."""
    whole = column.dtype.is_integer() and column.null_count() == 0
    return whole and column.n_unique() == column.len() and column.is_sorted()


def _cuts(number: np.ndarray) -> np.ndarray:
    """Cuts between few values, or at deciles of many."""
    values = np.unique(number)
    if len(values) <= FEW_VALUES:
        return (values[1:] + values[:-1]) / 2
    cuts = np.unique(np.quantile(number, np.linspace(0, 1, NUM_CUTS + 2)[1:-1]))
    return cuts[cuts > values[0]]
