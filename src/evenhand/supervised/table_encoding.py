"""From columns to numbers: fitted on training rows alone, in plain numpy and polars.

scikit-learn's transformers would do the same, at the price of an extra dependency for the embedded
tables and, on columns of words, of several times the time.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float, Int

MOST_LEVELS = 64
"""A categorical column with more levels than this is hashed into this many columns."""
_MISSING = "missing"


@dataclass(frozen=True)
class NumericCode:
    """A standardised column: minus the training mean, over the training standard deviation.

    A missing number becomes the training mean, and gets a column that says so where training rows
    miss it too.
    """

    name: str
    mean: float
    scale: float
    marks_missing: bool

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the columns it makes."""
        return (self.name, f"{self.name}={_MISSING}") if self.marks_missing else (self.name,)

    def write(self, column: pl.Series, out: Float[np.ndarray, "N F"]) -> None:
        """Fill the columns of `out`, which are zero, for the rows of `column`."""
        values = column.cast(pl.Float64).to_numpy()
        known = np.isfinite(values)
        out[known, 0] = (values[known] - self.mean) / self.scale
        if self.marks_missing:
            out[~known, 1] = 1.0


@dataclass(frozen=True)
class LevelCode:
    """Indicator columns for the levels seen in training; any other level is all zeros."""

    name: str
    levels: tuple[str, ...]
    place: Int[np.ndarray, " L"]
    """The column of each level; -1 for the reference, whose rows are all zeros too."""
    feature_names: tuple[str, ...]

    def write(self, column: pl.Series, out: Float[np.ndarray, "N F"]) -> None:
        """Fill the columns of `out`, which are zero, for the rows of `column`."""
        codes = _words(column).cast(pl.Enum(self.levels), strict=False).to_physical()
        codes = codes.cast(pl.Int64).fill_null(len(self.levels)).to_numpy()
        places = np.append(self.place, -1)[codes]
        rows = np.flatnonzero(places >= 0)
        out[rows, places[rows]] = 1.0


@dataclass(frozen=True)
class TableEncoder:
    """All columns side by side, in the order in which they were named."""

    codes: tuple[NumericCode | LevelCode, ...]

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of all columns: `age`, or `race=Black`, or `OCCP#17` for a bucket of hashes."""
        return tuple(name for code in self.codes for name in code.feature_names)

    def transform(self, rows: pl.DataFrame) -> Float[np.ndarray, "N F"]:
        """`(N, F)` float32, one row per row of the table."""
        out = np.zeros((rows.height, len(self.feature_names)), np.float32)
        start = 0
        for code in self.codes:
            stop = start + len(code.feature_names)
            code.write(rows[code.name], out[:, start:stop])
            start = stop
        return out


def fit_encoder(
    training: pl.DataFrame, numeric: Sequence[str], categorical: Sequence[str]
) -> TableEncoder:
    """The encoder of these columns, numeric ones first."""
    numbers = (_fit_numeric(training[name]) for name in numeric)
    levels = (_fit_levels(training[name]) for name in categorical)
    return TableEncoder((*numbers, *levels))


def _fit_numeric(column: pl.Series) -> NumericCode:
    values = column.cast(pl.Float64).to_numpy()
    known = values[np.isfinite(values)]
    mean, scale = (known.mean(), known.std()) if len(known) else (0.0, 1.0)
    constant = scale <= 1e-12 * max(abs(mean), 1.0)
    return NumericCode(
        column.name, float(mean), 1.0 if constant else float(scale), len(known) < len(values)
    )


def _fit_levels(column: pl.Series) -> LevelCode:
    """One column per level but the most frequent, or one per bucket where there are too many.

    Leaving the reference out keeps the columns independent, and an unknown level, all zeros, is
    read as the most frequent one.
    """
    name = column.name
    levels = _ordered_levels(column)
    if len(levels) > MOST_LEVELS:
        place = np.array([zlib.crc32(level.encode()) % MOST_LEVELS for level in levels])
        return LevelCode(name, levels, place, tuple(f"{name}#{i}" for i in range(MOST_LEVELS)))
    counts = _words(column).value_counts()
    most = max(counts.rows(), key=lambda row: (row[1], row[0]))[0]
    kept = [level for level in levels if level != most]
    place = np.array([kept.index(level) if level != most else -1 for level in levels])
    return LevelCode(name, levels, place, tuple(f"{name}={level}" for level in kept))


def _words(column: pl.Series) -> pl.Series:
    return column.cast(pl.String).fill_null(_MISSING)


def _ordered_levels(column: pl.Series) -> tuple[str, ...]:
    """The levels as words: numbers in their own order, words in the alphabet's, missing last."""
    seen = column if column.dtype.is_numeric() else column.cast(pl.String)
    words = seen.drop_nulls().unique().sort().cast(pl.String).to_list()
    return (*words, *([_MISSING] if column.null_count() and _MISSING not in words else []))
