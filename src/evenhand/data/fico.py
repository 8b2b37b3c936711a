"""TransUnion TransRisk scores by race, as published by the US Federal Reserve in 2007."""

from functools import cache
from importlib import resources

import numpy as np

from evenhand.core.errors import InputError, unknown_name

GROUPS = ("white", "black", "hispanic", "asian")
_GRID = np.arange(0.0, 100.25, 0.5)


@cache
def _table() -> dict[str, tuple[np.ndarray, np.ndarray, int]]:
    """Per group: CDF and default rate on the grid 0, 0.5, ..., 100, and the number of people.

    The file lacks the scores 72.5, 77.5 and 92.5; both curves are interpolated there.
    """
    text = (resources.files("evenhand.data.tables") / "fico_transrisk.csv").read_text()
    rows = [line.split(",") for line in text.splitlines()[1:]]
    table = {}
    for name in GROUPS:
        score, cdf, default, total = (
            np.array([float(row[i]) for row in rows if row[1] == name]) for i in (0, 2, 3, 4)
        )
        table[name] = (
            np.interp(_GRID, score, cdf / 100),
            np.interp(_GRID, score, default / 100),
            int(total[0]),
        )
    return table


def group_totals(groups: tuple[str, ...]) -> np.ndarray:
    """`(G,)` number of people behind each group's published curves."""
    return np.array([_table()[name][2] for name in groups])


def binned(groups: tuple[str, ...], num_levels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Score law `(G, K)`, P(repay) `(G, K)` and the `K + 1` bin edges of equal-width levels.

    Level k holds scores in (edge k, edge k + 1]; its repayment probability is the average of
    1 - default rate over the group's own people in the level.
    """
    for name in groups:
        if name not in GROUPS:
            raise unknown_name("group of the FICO tables", name, GROUPS)
    if not 2 <= num_levels <= 100:
        raise InputError(f"num_levels must be between 2 and 100, got {num_levels}")
    edges = np.linspace(0, 100, num_levels + 1)
    level = np.clip(np.searchsorted(edges, _GRID, side="left") - 1, 0, num_levels - 1)
    law, repay = np.zeros((2, len(groups), num_levels))
    for g, name in enumerate(groups):
        cdf, default, _ = _table()[name]
        mass = np.diff(cdf, prepend=0.0)
        law[g] = np.bincount(level, mass, num_levels)
        repay[g] = np.bincount(level, mass * (1 - default), num_levels) / law[g]
        law[g] /= law[g].sum()
    return law, repay, edges
