"""What a cross-section does identify: where each group's scores lie and how each level repays."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import isotonic_regression

from evenhand.data.intervals import goodman, wilson


@dataclass(frozen=True)
class LevelEstimate:
    """Proportions per group and level with bounds; `filled` cells had no records of their own."""

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    count: np.ndarray
    filled: np.ndarray


def tally(group: np.ndarray, level: np.ndarray, num_groups: int, num_levels: int) -> np.ndarray:
    """`(G, K)` number of records of each group at each level."""
    cell = group * num_levels + level
    return np.bincount(cell, minlength=num_groups * num_levels).reshape(num_groups, num_levels)


def level_shares(count: np.ndarray, confidence: float) -> LevelEstimate:
    """The law of the levels in each group, with Goodman's simultaneous bounds."""
    value = count / count.sum(1, keepdims=True)
    low, high = goodman(count, confidence)
    return LevelEstimate(value, low, high, count, np.zeros(count.shape, bool))


def repayment(
    repaid: np.ndarray, count: np.ndarray, confidence: float, monotone: bool
) -> LevelEstimate:
    """P(repay | group, level) from `(G, K)` counts, with Wilson bounds.

    A cell without records takes the rate of its level over all groups (or, if nobody is at that
    level, the straight line between the neighbouring levels), has the bounds [0, 1] and is marked
    as filled. With `monotone`, each group's rates are the isotonic fit weighted by counts, the
    bounds are those of the pooled blocks of levels, and empty cells lie on the line between the
    group's own neighbours.
    """
    if monotone:
        fits = [_monotone_row(*row, confidence) for row in zip(repaid, count, strict=True)]
        value, low, high = (np.stack(part) for part in zip(*fits, strict=True))
    else:
        pooled = _interpolate(repaid.sum(0), count.sum(0))
        value = np.where(count > 0, repaid / np.maximum(count, 1), pooled)
        low, high = wilson(repaid, count, confidence)
    return LevelEstimate(value, low, high, count, count == 0)


def _interpolate(repaid: np.ndarray, count: np.ndarray) -> np.ndarray:
    """`(K,)` rates, straight lines over levels without records, constant beyond the last one."""
    level, seen = np.arange(len(count)), count > 0
    return np.interp(level, level[seen], repaid[seen] / count[seen])


def _monotone_row(
    repaid: np.ndarray, count: np.ndarray, confidence: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The isotonic rates of one group and the Wilson bounds of each pooled block."""
    level, seen = np.arange(len(count)), count > 0
    k, n = repaid[seen].astype(float), count[seen].astype(float)
    blocks = isotonic_regression(k / n, weights=n).blocks
    sizes, starts = np.diff(blocks), blocks[:-1]
    k, n = (
        np.repeat(np.add.reduceat(k, starts), sizes),
        np.repeat(np.add.reduceat(n, starts), sizes),
    )
    value = np.interp(level, level[seen], k / n)
    low, high = np.zeros(len(count)), np.ones(len(count))
    low[seen], high[seen] = wilson(k, n, confidence)
    return value, low, high
