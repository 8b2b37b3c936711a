"""Bounds on Q* from counts, which hold for all states, actions and steps at once."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from evenhand.algorithms.parts.action_counts import ActionCounts
from evenhand.core.errors import InputError

# Sweeps of a bound at each plan. Any number leaves a bound: this many leave a tight one.
_SWEEPS = 60


@dataclass(frozen=True)
class HoeffdingRadius:
    """scale * sqrt(ln(4 n k T / delta) / (2 N)), capped at 1: of means of numbers in [0, 1].

    Twice (two sides, and rewards beside values) for each of n k pairs and at most T numbers of
    visits. `scale` 1 is the theory's; with less the bounds may fail.
    """

    num_pairs: int
    delta: float
    scale: float
    num_steps: int

    def __call__(self, visits: np.ndarray) -> np.ndarray:
        """The radius for each number of visits."""
        weight = math.log(4 * self.num_pairs * self.num_steps / self.delta) / 2
        return np.minimum(self.scale * np.sqrt(weight / np.maximum(visits, 1)), 1.0)


class ValueIntervals:
    """`lower` and `upper (B, S, A)`; with every plan they only come closer.

    Upper: Q <- min(Q, R + b_R + gamma (P V + b / (1 - gamma))) with V = max Q, from Q =
    1 / (1 - gamma). If Q >= Q* and |(P^ - P) V*| <= b / (1 - gamma) then the new one is too; V* is
    one fixed function, so one inequality for each pair and number of visits is enough. Lower alike.
    """

    def __init__(self, radius: HoeffdingRadius, discount: float, shape: tuple[int, int, int]):
        self.lower, self.upper = np.zeros(shape), np.full(shape, 1 / (1 - discount))
        self._radius, self._discount = radius, discount

    def tighten(self, counts: ActionCounts, runs: np.ndarray, lower: bool = True) -> None:
        """Bounds of these runs from all they have seen; the lower ones only if asked for."""
        gamma = self._discount
        reward = counts.reward(runs)[..., None]
        off = self._radius(counts.visits[runs].sum(-1))[..., None]
        spread = gamma * self._radius(counts.visits[runs]) / (1 - gamma)
        move = gamma * counts.transition(runs)
        above = np.minimum(reward + off, 1.0) + spread
        self.upper[runs] = _swept(self.upper[runs], move, above, np.minimum)
        if lower:
            below = np.maximum(reward - off, 0.0) - spread
            self.lower[runs] = _swept(self.lower[runs], move, below, np.maximum)


def _swept(
    values: Float[np.ndarray, "b S A"],
    move: Float[np.ndarray, "b S A S"],
    shifted: Float[np.ndarray, "b S A"],
    closer: np.ufunc,
) -> Float[np.ndarray, "b S A"]:
    for _ in range(_SWEEPS):
        ahead = (move @ values.max(-1)[:, None, :, None])[..., 0]
        values = closer(values, shifted + ahead)
    return values


def check_radius(scale: float, delta: float) -> None:
    """Refuse a scale below 0 or a chance that is none."""
    if not (scale >= 0 and 0 < delta < 1):
        raise InputError(f"scale must be 0 or more and delta between 0 and 1, got {scale}, {delta}")
