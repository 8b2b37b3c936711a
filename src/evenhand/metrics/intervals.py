"""95% intervals over independent repetitions, in numpy.

The units are what was drawn independently: training seeds where there are seeds (episodes of one
trained policy share its luck, so they are averaged first), else evaluation episodes. Units
without data (NaN) are left out, which the returned count of units shows; an interval from fewer
than two units is NaN.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit

from evenhand.core.errors import unknown_name

Statistic = Callable[..., Any]


class Interval(NamedTuple):
    """An estimate, its bounds, and the number of units behind them."""

    estimate: float
    low: float
    high: float
    num_units: int


def unit_means(values: np.ndarray) -> np.ndarray:
    """`(seeds,)` mean over the episodes with data of each seed's row `(seeds, E)`."""
    known = ~np.isnan(values)
    count = known.sum(-1)
    summed = np.where(known, values, 0.0).sum(-1)
    return np.where(count > 0, summed / np.maximum(count, 1), np.nan)


def interval(
    values: np.ndarray,
    confidence: float = 0.95,
    method: str = "t",
    statistic: Statistic = np.mean,
    generator: np.random.Generator | None = None,
    num_resamples: int = 2000,
) -> Interval:
    """The interval for a statistic of the units `values (n,)`.

    - `t`: Student's, for the mean only. The default: with the 5 to 10 units usual here the
      bootstrap's intervals for a mean are too short.
    - `percentile`, `bca`: bootstrap (Efron 1987) of any `statistic(values, axis=-1)`.
    """
    if method not in _METHODS:
        raise unknown_name("interval method", method, _METHODS)
    values = np.asarray(values, float)
    values = values[~np.isnan(values)]
    n = len(values)
    if n == 0:
        return Interval(np.nan, np.nan, np.nan, 0)
    estimate = float(np.mean(values) if method == "t" else statistic(values, axis=-1))
    if n == 1:
        return Interval(estimate, np.nan, np.nan, 1)
    if method == "t":
        low, high = _student(values, confidence)
    else:
        generator = np.random.default_rng(0) if generator is None else generator
        drawn = values[generator.integers(n, size=(num_resamples, n))]
        replicates = statistic(drawn, axis=-1)
        shares = _METHODS[method](values, statistic, replicates, confidence)
        low, high = np.quantile(replicates, shares)
    return Interval(estimate, float(low), float(high), n)


def _student(values: np.ndarray, confidence: float) -> tuple[float, float]:
    n = len(values)
    half = stdtrit(n - 1, (1 + confidence) / 2) * values.std(ddof=1) / np.sqrt(n)
    return float(values.mean() - half), float(values.mean() + half)


def _percentile(
    values: np.ndarray, statistic: Statistic, replicates: np.ndarray, confidence: float
) -> np.ndarray:
    return np.array([1 - confidence, 1 + confidence]) / 2


def _bca(
    values: np.ndarray, statistic: Statistic, replicates: np.ndarray, confidence: float
) -> np.ndarray:
    """Shares of the replicates to cut at: percentile's, corrected for bias and skewness."""
    estimate = statistic(values, axis=-1)
    below = np.mean(replicates < estimate) + 0.5 * np.mean(replicates == estimate)
    bias = ndtri(np.clip(below, 0.5 / len(replicates), 1 - 0.5 / len(replicates)))
    n = len(values)
    left_out = statistic(np.stack([np.delete(values, i) for i in range(n)]), axis=-1)
    away = left_out.mean() - left_out
    spread = (away**2).sum() ** 1.5
    skew = (away**3).sum() / (6 * spread) if spread > 0 else 0.0
    z = bias + ndtri(_percentile(values, statistic, replicates, confidence))
    return ndtr(bias + z / (1 - skew * z))


_METHODS: dict[str, Any] = {"t": _student, "percentile": _percentile, "bca": _bca}


def group_intervals(values: np.ndarray, **options: Any) -> list[Interval]:
    """One interval per column of `values (n, G)`."""
    return [interval(column, **options) for column in np.asarray(values).T]
