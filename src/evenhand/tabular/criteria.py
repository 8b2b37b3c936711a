"""The unfairness criteria of the exact frontier: their value, and their rows in a linear program.

Every criterion is a statement about `totals` `(G, M + S)`: per group, expected sums of the signals
over an episode, then the expected number of members that end at each level. All are ex ante: the
criterion of expectations, not the expected criterion.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np


@dataclass(frozen=True)
class Layout:
    """What the columns of `totals` mean, and the per-group numbers no policy can change."""

    signals: tuple[str, ...]
    num_states: int
    group_size: np.ndarray
    visits: np.ndarray
    """`(G,)` expected decisions about members of the group in one episode."""

    @property
    def num_groups(self) -> int:
        return len(self.group_size)

    @property
    def width(self) -> int:
        return len(self.signals) + self.num_states

    def of(self, totals: np.ndarray, signal: str) -> np.ndarray:
        """`(G,)` totals of one signal."""
        return totals[:, self.signals.index(signal)]

    def select(self, group: int, signal: str) -> np.ndarray:
        """`(G * width,)` the row that reads one signal of one group out of flattened totals."""
        row = np.zeros((self.num_groups, self.width))
        row[group, self.signals.index(signal)] = 1
        return row.ravel()


@dataclass(frozen=True)
class Rows:
    """Rows (y0 + tolerance * y1) @ totals + z @ extra <= u0 + tolerance * u1; extras bounded."""

    y0: np.ndarray
    z: np.ndarray
    u0: np.ndarray
    u1: np.ndarray
    z_lower: np.ndarray
    z_upper: np.ndarray
    y1: np.ndarray | None = None

    def price(self, dual: np.ndarray, totals: np.ndarray) -> float:
        """Change of the optimum per unit of tolerance, by the envelope theorem."""
        slope = self.u1 if self.y1 is None else self.u1 - self.y1 @ totals.ravel()
        return float(dual @ slope)


@dataclass(frozen=True)
class Criterion:
    """A named number that is 0 where the groups fare alike; `rows` is None where not linear."""

    name: str
    unit: str
    value: Callable[[Layout, np.ndarray], float]
    rows: Callable[[Layout], Rows] | None


def gain_disparity(layout: Layout, totals: np.ndarray) -> float:
    """Largest difference between groups of the expected qualification gain, summed over a group.

    Groups of unequal size are scaled to the mean size first (gain per member times mean size):
    a raw sum would count size itself as advantage. With equal sizes this is the plain sum, as in
    Lear & Zhang 2025.
    """
    return float(np.ptp(layout.of(totals, "qualification_gain") * _gain_scale(layout)))


def approval_gap(layout: Layout, totals: np.ndarray) -> float:
    """Largest difference between groups of expected approvals per decision."""
    return float(np.ptp(layout.of(totals, "approved") / layout.visits))


def score_w1(layout: Layout, totals: np.ndarray) -> float:
    """Largest 1-Wasserstein distance between two groups' expected final score laws, in levels."""
    law = totals[:, len(layout.signals) :] / layout.group_size[:, None]
    cdf = law.cumsum(1)[:, :-1]
    return float(max(np.abs(cdf[g] - cdf[h]).sum() for g, h in _pairs(layout)))


def recall_gap(layout: Layout, totals: np.ndarray) -> float:
    """Largest difference of recall: expected approvals of would-repay applicants over theirs.

    A ratio of expected sums; NaN where a group has no applicant who would repay.
    """
    return float(np.ptp(recall(layout, totals)))


def recall(layout: Layout, totals: np.ndarray) -> np.ndarray:
    """`(G,)` expected approved would-repay applicants over expected would-repay applicants."""
    qualified = layout.of(totals, "qualified")
    approved = layout.of(totals, "approved_qualified")
    seen = qualified > 0
    return np.where(seen, approved / np.where(seen, qualified, 1.0), np.nan)


def _gain_scale(layout: Layout) -> np.ndarray:
    return layout.group_size.mean() / layout.group_size


def _pairs(layout: Layout) -> list[tuple[int, int]]:
    return list(combinations(range(layout.num_groups), 2))


def _spread_rows(layout: Layout, signal: str, scale: np.ndarray) -> Rows:
    """Rows for max - min <= tolerance: every group's value lies in [z, z + tolerance], z free."""
    groups = range(layout.num_groups)
    value = np.stack([layout.select(g, signal) * scale[g] for g in groups])
    size = len(value)
    return Rows(
        y0=np.concatenate([value, -value]),
        z=np.concatenate([-np.ones((size, 1)), np.ones((size, 1))]),
        u0=np.zeros(2 * size),
        u1=np.concatenate([np.ones(size), np.zeros(size)]),
        z_lower=np.array([-np.inf]),
        z_upper=np.array([np.inf]),
    )


def _w1_rows(layout: Layout) -> Rows:
    """Rows for W1 <= tolerance: slacks above |F_g - F_h| at every level, their sum per pair."""
    pairs, cuts = _pairs(layout), layout.num_states - 1
    cdf = np.zeros((layout.num_groups, cuts, layout.num_groups, layout.width))
    for g in range(layout.num_groups):
        for k in range(cuts):
            end = len(layout.signals) + k + 1
            cdf[g, k, g, len(layout.signals) : end] = 1 / layout.group_size[g]
    cdf = cdf.reshape(layout.num_groups, cuts, -1)
    apart = np.concatenate([cdf[g] - cdf[h] for g, h in pairs])
    slack = np.eye(len(apart))
    per_pair = np.repeat(np.eye(len(pairs)), cuts, axis=1)
    tight = np.zeros(2 * len(apart))
    return Rows(
        y0=np.concatenate([apart, -apart, np.zeros((len(pairs), apart.shape[1]))]),
        z=np.concatenate([-slack, -slack, per_pair]),
        u0=np.zeros(len(tight) + len(pairs)),
        u1=np.concatenate([tight, np.ones(len(pairs))]),
        z_lower=np.zeros(len(apart)),
        z_upper=np.full(len(apart), np.inf),
    )


CRITERIA: dict[str, Criterion] = {
    c.name: c
    for c in (
        Criterion(
            "gain-disparity",
            "summed qualification gain",
            gain_disparity,
            lambda layout: _spread_rows(layout, "qualification_gain", _gain_scale(layout)),
        ),
        Criterion(
            "approval-gap",
            "approvals per decision",
            approval_gap,
            lambda layout: _spread_rows(layout, "approved", 1 / layout.visits),
        ),
        Criterion("score-w1", "levels", score_w1, _w1_rows),
        Criterion("recall-gap", "recall", recall_gap, None),
    )
}
