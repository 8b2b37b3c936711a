"""Confidence intervals for proportions: Wilson, Clopper-Pearson and Goodman's simultaneous ones."""

import numpy as np
from scipy.stats import beta, chi2, norm


def wilson(
    successes: np.ndarray, count: np.ndarray, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Wilson score bounds of a proportion, elementwise; [0, 1] where the count is 0.

    Wilson 1927; recommended for small counts by Brown, Cai & DasGupta 2001.
    """
    return _score_bounds(successes, count, float(norm.ppf((1 + confidence) / 2)) ** 2)


def goodman(counts: np.ndarray, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Simultaneous bounds of the K shares in each row of `counts (..., K)`.

    All K shares of a row lie in their bounds together with about this confidence: Wilson bounds
    at level 1 - alpha / K (Goodman 1965, Bonferroni form).
    """
    counts = np.asarray(counts, float)
    quantile = float(chi2.ppf(1 - (1 - confidence) / counts.shape[-1], 1))
    total = np.broadcast_to(counts.sum(-1, keepdims=True), counts.shape)
    return _score_bounds(counts, total, quantile)


def clopper_pearson(
    successes: np.ndarray, count: np.ndarray, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Exact (conservative) bounds of a proportion, elementwise; [0, 1] where the count is 0."""
    successes, count = np.asarray(successes, float), np.asarray(count, float)
    tail = (1 - confidence) / 2
    low = beta.ppf(tail, successes, count - successes + 1)
    high = beta.ppf(1 - tail, successes + 1, count - successes)
    return np.where(successes > 0, low, 0.0), np.where(successes < count, high, 1.0)


def _score_bounds(
    successes: np.ndarray, count: np.ndarray, z2: float
) -> tuple[np.ndarray, np.ndarray]:
    successes, count = np.asarray(successes, float), np.asarray(count, float)
    n = np.where(count > 0, count, 1.0)
    share = successes / n
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2 * share * (1 - share) / n + z2**2 / (4 * n**2)) / (1 + z2 / n)
    # At 0 and 1 the bound equals the estimate only up to rounding.
    low = np.minimum(np.clip(centre - half, 0, 1), share)
    high = np.maximum(np.clip(centre + half, 0, 1), share)
    return np.where(count > 0, low, 0.0), np.where(count > 0, high, 1.0)
