"""Benefit fairness: whether people with about equal benefit fare alike in two groups."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from evenhand.experiments.audit.under import Pair
from evenhand.tabular.benefit import benefit_disparity
from evenhand.tabular.gain_values import gain_values
from evenhand.tabular.mdp import TabularMDP

# The paper's own radius: only exactly equal benefits count.
EXACT_RADIUS = 1e-6


@dataclass(frozen=True)
class Similar:
    """Two groups' people with about equal benefit, at one radius, in the initial law."""

    pair: Pair
    radius: float
    value: float
    """Lambda (Lear & Zhang 2025, sec. 3.5), in which pairs further apart than the radius count
    too, only less."""
    most: float
    """Lambda if one group were always approved and the other never."""
    share: float
    """Mean difference of approval probabilities over pairs within the radius; NaN without any."""
    ahead: float
    """The same with its sign: how much more often the first group is approved."""


def similar(mdp: TabularMDP, policy: np.ndarray, radius: float) -> tuple[Similar, ...]:
    """The comparison of every pair, at `radius` and at the paper's own."""
    found = []
    benefit = gain_values(mdp, policy).benefit
    for pair in combinations(range(mdp.num_groups), 2):
        opposite = np.zeros_like(policy)
        opposite[..., 0] = 1
        opposite[pair[0]] = [0, 1]
        first, second = pair
        apart = policy[first, :, None, 1] - policy[second, None, :, 1]
        people = mdp.initial[first][:, None] * mdp.initial[second]
        distance = np.abs(benefit[first][:, None] - benefit[second])
        for size in dict.fromkeys((radius, EXACT_RADIUS)):
            value, most = (benefit_disparity(mdp, p, size, pair) for p in (policy, opposite))
            weight = np.where(distance <= size, people, 0.0)
            near = weight.sum()
            share, ahead = (
                float((weight * d).sum() / near) if near > 0 else np.nan
                for d in (np.abs(apart), apart)
            )
            found.append(Similar(pair, size, value, most, share, ahead))
    return tuple(found)
