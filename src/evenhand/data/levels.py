"""From a score in points to one of K levels, the higher the better."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from evenhand.core.errors import InputError

BINNINGS = ("quantile", "width")


@dataclass(frozen=True)
class Levels:
    """K levels; level k holds the scores in [edge k, edge k + 1), so `score >= edge k` is exact.

    Scores outside the edges belong to the first or the last level.
    """

    edges: np.ndarray

    @property
    def num_levels(self) -> int:
        """K."""
        return len(self.edges) - 1

    def of(self, score: np.ndarray) -> np.ndarray:
        """Level of each score."""
        level = np.searchsorted(self.edges, score, side="right") - 1
        return np.clip(level, 0, self.num_levels - 1)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names such as "580-620", with as few digits as keep the edges apart."""
        texts: list[str] = []
        for digits in range(7):
            texts = [f"{edge:.{digits}f}" for edge in self.edges]
            if len(set(texts)) == len(texts):
                break
        else:
            texts = [repr(edge) for edge in self.edges.tolist()]
        return tuple(f"{a}-{b}" for a, b in pairwise(texts))


def given_levels(edges: tuple[float, ...]) -> Levels:
    """The levels between edges that the user wrote."""
    if len(edges) < 3 or list(edges) != sorted(set(edges)) or not np.isfinite(edges).all():
        raise InputError(f"--edges {edges} must be at least three finite numbers that rise")
    return Levels(np.array(edges, float))


def cut_levels(score: np.ndarray, num_levels: int, binning: str, whole: bool = False) -> Levels:
    """Levels with about equal numbers of people ("quantile") or of equal width ("width").

    `whole` rounds the edges to whole points where that keeps them apart.
    """
    if binning not in BINNINGS:
        raise InputError(f'--binning must be "quantile" or "width", got {binning!r}')
    if not 2 <= num_levels <= 100:
        raise InputError(f"--levels must be between 2 and 100, got {num_levels}")
    if binning == "width":
        edges = np.linspace(score.min(), score.max(), num_levels + 1)
    else:
        edges = np.quantile(score, np.linspace(0, 1, num_levels + 1))
    if whole:
        outward = np.concatenate(
            [[np.floor(edges[0])], np.round(edges[1:-1]), [np.ceil(edges[-1])]]
        )
        edges = outward if (np.diff(outward) > 0).all() else edges
    if not (np.diff(edges) > 0).all():
        raise InputError(
            f"the score has too few different values ({len(np.unique(score))}, some very common) "
            f"for {num_levels} levels by {binning}; lower --levels, use --binning width or give "
            "--edges"
        )
    return Levels(edges)
