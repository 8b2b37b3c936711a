"""Draws of the walk behind `lower_bound` that skip its steps: a draw per run of goings ahead.

A walk that goes ahead with chance q, else back to the first state, is a row of failed runs and one
that arrives. How many fail is geometric, and so is how far each gets, so that a walk over n = 16
states costs thousands of draws, with no state and no matrix anywhere.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from evenhand.core.errors import InputError


@dataclass(frozen=True)
class Walks:
    """The failed runs of W walks over n states, in order.

    `walk (R,)` is whose run it is, rising, and `length (R,)` how many states it visits, the first
    ones, one step each. After a walk's failed runs, n - 1 steps lead to the last state, where it
    stays.
    """

    n: int
    num_walks: int
    walk: Int[np.ndarray, " R"]
    length: Int[np.ndarray, " R"]

    def hitting_times(self) -> Float[np.ndarray, " W"]:
        """Steps of each walk until it stands in the last state."""
        return self._summed(self.length) + self.n - 1

    def mean_deficit(self, deficit: Float[np.ndarray, " S"], steps: int) -> Float[np.ndarray, " W"]:
        """Mean of `deficit`, 0 in the last state, over the first `steps` states of each walk."""
        until = np.concatenate([[0.0], np.cumsum(deficit[:-1])])
        whole = self._ends <= steps
        walk, length = self.walk[whole], self.length[whole]
        left = steps - np.bincount(walk, length, self.num_walks)
        earned = np.bincount(walk, until[length], self.num_walks)
        # The run that `steps` falls into counts up to there; one that arrives, up to the arrival.
        return (earned + until[np.minimum(left, self.n - 1).astype(int)]) / steps

    @cached_property
    def _ends(self) -> Int[np.ndarray, " R"]:
        """The steps of its walk at which each run is over."""
        before = np.concatenate([[0.0], self._summed(self.length).cumsum()[:-1]]).astype(int)
        return np.cumsum(self.length) - before[self.walk]

    def _summed(self, amounts: np.ndarray) -> Float[np.ndarray, " W"]:
        # Of no runs at all numpy counts in whole numbers.
        return np.bincount(self.walk, amounts, self.num_walks).astype(float)


def sample_walks(n: int, chance: float, num_walks: int, generator: np.random.Generator) -> Walks:
    """Independent walks over n states that go ahead with probability `chance`."""
    if n < 2 or num_walks < 1 or not 0 < chance < 1:
        raise InputError(
            f"walks need n of at least 2, one walk or more and a chance between 0 and 1, got {n}, "
            f"{num_walks} and {chance}"
        )
    num_failed = generator.geometric(chance ** (n - 1), num_walks) - 1
    # A failed run visits 1 to n - 1 states: geometric, given that it ends before the last.
    share = generator.random(num_failed.sum()) * (1 - chance ** (n - 1))
    length = 1 + np.floor(np.log1p(-share) / np.log(chance)).astype(int)
    walk = np.repeat(np.arange(num_walks), num_failed)
    return Walks(n, num_walks, walk, np.minimum(length, n - 1))


def sampled_steps(walks: Walks, deficit: Float[np.ndarray, " S"], excess: float) -> int:
    """The first T at which the mean over the walks of `mean_deficit` is at most `excess`.

    What `lower_bound.steps_to_optimality` computes exactly, here with the error of a sample.
    """
    low, high = 0, 1
    while walks.mean_deficit(deficit, high).mean() > excess:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if walks.mean_deficit(deficit, middle).mean() > excess:
            low = middle
        else:
            high = middle
    return high
