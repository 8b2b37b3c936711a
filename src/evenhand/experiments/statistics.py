"""Means over seeds with bootstrap intervals. A seed is the unit: episodes of one seed share it.

NaN is "no data": a seed without data is left out and not counted. The intervals are percentile
intervals. With few seeds they are too narrow: for normal data a 95% interval covers the mean about
90% of the time with 10 seeds, 84% with 5 and 73% with 3; with one seed there is none.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evenhand.core.errors import InputError
from evenhand.data.intervals import clopper_pearson

NUM_RESAMPLES = 4_000
# Below this many seeds a page must say that its intervals are too narrow.
FEW_SEEDS = 5


@dataclass(frozen=True)
class Interval:
    """An estimate from `num` seeds and its interval; NaN ends where fewer than two had data."""

    estimate: float
    low: float
    high: float
    num: int

    @property
    def bounded(self) -> bool:
        """Whether there is an interval at all."""
        return bool(np.isfinite(self.low) and np.isfinite(self.high))

    @property
    def excludes_zero(self) -> bool:
        """Whether 0 lies outside the interval; False without one."""
        return self.bounded and (self.low > 0 or self.high < 0)


def iqm(values: np.ndarray, axis: int = -1) -> Any:
    """Interquartile mean: the mean without the floor(n / 4) lowest and as many highest values."""
    ordered = np.sort(values, axis=axis)
    size = values.shape[axis]
    kept = np.arange(size // 4, size - size // 4)
    return np.take(ordered, kept, axis=axis).mean(axis=axis)


def resampled(size: int, generator: np.random.Generator, num_resamples: int) -> np.ndarray:
    """`(num_resamples, size)` indices drawn with replacement."""
    return generator.integers(0, size, (num_resamples, size))


def percentile_interval(
    estimate: float, draws: np.ndarray, num: int, level: float = 0.95
) -> Interval:
    """The interval between the outer quantiles of resampled estimates; none for `num` < 2."""
    if num < 2:
        return Interval(float(estimate), np.nan, np.nan, num)
    tail = (1 - level) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return Interval(float(estimate), float(low), float(high), num)


def bootstrap(
    statistic: Callable[..., Any],
    strata: Sequence[np.ndarray],
    generator: np.random.Generator,
    *,
    level: float = 0.95,
    num_resamples: int = NUM_RESAMPLES,
) -> Interval:
    """A statistic of the pooled values; seeds are resampled within each stratum (Agarwal 2021).

    `statistic(values, axis)` reduces an axis. `num` is the size of the smallest stratum.
    """
    kept = [known(values) for values in strata]
    kept = [values for values in kept if len(values)]
    if not kept:
        return Interval(np.nan, np.nan, np.nan, 0)
    drawn = [v[resampled(len(v), generator, num_resamples)] for v in kept]
    estimate = float(statistic(np.concatenate(kept), axis=-1))
    draws = statistic(np.concatenate(drawn, axis=1), axis=-1)
    return percentile_interval(estimate, draws, min(map(len, kept)), level)


def mean_interval(values: np.ndarray, generator: np.random.Generator) -> Interval:
    """Mean over seeds with its 95% interval."""
    return bootstrap(np.mean, [values], generator)


def share_interval(values: np.ndarray) -> Interval:
    """Share of the seeds that it is so for (1, else 0), with its exact 95% interval.

    Clopper & Pearson 1934. A bootstrap of seeds that are all 0 has no width, whatever their number.
    """
    values = known(values)
    if not np.isin(values, (0, 1)).all():
        raise InputError("an exact interval is of values 0 and 1, such as runs with a violation")
    if not values.size:
        return Interval(np.nan, np.nan, np.nan, 0)
    low, high = clopper_pearson(np.array(values.sum()), np.array(values.size))
    return Interval(float(values.mean()), float(low), float(high), values.size)


def iqm_interval(values: np.ndarray, generator: np.random.Generator) -> Interval:
    """Interquartile mean with its 95% interval; `values` is (seeds,) or (seeds, tasks).

    Seeds are resampled within each task.
    """
    columns = np.atleast_2d(np.asarray(values, float).T)
    return bootstrap(iqm, list(columns), generator)


def paired_difference(a: np.ndarray, b: np.ndarray, generator: np.random.Generator) -> Interval:
    """Mean of a - b over seeds that both have; entry i of each belongs to the same seed.

    A shared seed is the same start and the same arrivals, so what the two share cancels.
    """
    a, b = np.asarray(a, float), np.asarray(b, float)
    if a.shape != b.shape:
        raise ValueError(f"a and b must hold the same seeds, got {a.shape} and {b.shape}")
    return mean_interval(a - b, generator)


def probability_of_improvement(
    a: np.ndarray,
    b: np.ndarray,
    generator: np.random.Generator,
    num_resamples: int = NUM_RESAMPLES,
) -> Interval:
    """P(a run of A exceeds a run of B), ties counting half, over all pairs of seeds.

    Seeds of A and of B are resampled independently.
    """
    a, b = known(a), known(b)
    if not len(a) or not len(b):
        return Interval(np.nan, np.nan, np.nan, 0)
    above = (np.sign(a[:, None] - b[None, :]) + 1) / 2
    rows = _multiplicity(len(a), generator, num_resamples) / len(a)
    columns = _multiplicity(len(b), generator, num_resamples) / len(b)
    draws = np.einsum("ri,ij,rj->r", rows, above, columns)
    return percentile_interval(float(above.mean()), draws, min(len(a), len(b)))


def performance_profile(
    values: np.ndarray,
    thresholds: np.ndarray,
    generator: np.random.Generator,
    num_resamples: int = NUM_RESAMPLES,
) -> np.ndarray:
    """`(3, T)` share of seeds whose value exceeds each threshold: estimate, low, high.

    The ends are NaN with fewer than two seeds, everything is with none.
    """
    values = known(values)
    if not len(values):
        return np.full((3, len(thresholds)), np.nan)
    above = (values[:, None] > np.asarray(thresholds)[None, :]).astype(float)
    share = above.mean(0)
    if len(values) < 2:
        return np.stack([share, np.full_like(share, np.nan), np.full_like(share, np.nan)])
    draws = _multiplicity(len(values), generator, num_resamples) @ above / len(values)
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    return np.stack([share, low, high])


def band(
    values: np.ndarray, generator: np.random.Generator, num_resamples: int = 1_000
) -> np.ndarray:
    """`(3, T)` mean over seeds of a `(seeds, T)` series, and a 95% interval at every point.

    Whole seeds are resampled; a point that a seed lacks (NaN) leaves that seed out there.
    """
    seen = ~np.isnan(values)
    filled = np.where(seen, values, 0.0)
    count = seen.sum(0)
    mean = np.divide(filled.sum(0), count, out=np.full(count.shape, np.nan), where=count > 0)
    if len(values) < 2:
        return np.stack([mean, np.full_like(mean, np.nan), np.full_like(mean, np.nan)])
    times = _multiplicity(len(values), generator, num_resamples)
    weight = times @ seen
    draws = np.divide(times @ filled, weight, out=np.tile(mean, (len(times), 1)), where=weight > 0)
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    ends = np.where(count > 1, [low, high], np.nan)
    return np.concatenate([mean[None], ends])


def known(values: np.ndarray) -> np.ndarray:
    """The values that are not NaN, as one float axis."""
    values = np.asarray(values, float).ravel()
    return values[~np.isnan(values)]


def _multiplicity(size: int, generator: np.random.Generator, num_resamples: int) -> np.ndarray:
    """`(num_resamples, size)` how often each item is drawn; the same law as `resampled`."""
    return generator.multinomial(size, np.full(size, 1 / size), num_resamples).astype(float)
