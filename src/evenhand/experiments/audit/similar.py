"""Benefit fairness: whether people with about equal benefit fare alike in two groups."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from evenhand.experiments.audit.under import Pair
from evenhand.tabular.benefit import benefit_disparity
from evenhand.tabular.mdp import TabularMDP

# The paper's own radius: only exactly equal benefits count.
EXACT_RADIUS = 1e-6


@dataclass(frozen=True)
class Similar:
    """Lambda of two groups at one radius (Lear & Zhang 2025, sec. 3.5), and its largest value."""

    pair: Pair
    radius: float
    value: float
    most: float
    """Lambda if one group were always approved and the other never."""

    @property
    def share(self) -> float:
        """Mean difference of approval probabilities at about equal benefit; NaN without any."""
        return self.value / self.most if self.most > 1e-3 else np.nan


def similar(mdp: TabularMDP, policy: np.ndarray, radius: float) -> tuple[Similar, ...]:
    """Lambda of every pair, at `radius` and at the paper's own."""
    found = []
    for pair in combinations(range(mdp.num_groups), 2):
        opposite = np.zeros_like(policy)
        opposite[..., 0] = 1
        opposite[pair[0]] = [0, 1]
        for size in dict.fromkeys((radius, EXACT_RADIUS)):
            value, most = (benefit_disparity(mdp, p, size, pair) for p in (policy, opposite))
            found.append(Similar(pair, size, value, most))
    return tuple(found)
