"""What a policy does under one set of assumptions: the numbers that conclusions are drawn from."""

from dataclasses import dataclass

import numpy as np

from evenhand.experiments.audit.nearest import earns_as_much
from evenhand.experiments.audit.numbers import GroupNumbers, group_numbers
from evenhand.experiments.audit.worlds import World
from evenhand.tabular.decomposition import Decomposition, decompose_pairs
from evenhand.tabular.frontier import Frontier

Pair = tuple[int, int]


@dataclass(frozen=True)
class WorldFacts:
    """One world's numbers."""

    name: str
    why: str
    about: str
    numbers: GroupNumbers
    effects: dict[Pair, Decomposition]
    """Where the difference of gain comes from, for every pair of groups."""
    best_profit: dict[str, float]
    """By criterion: the most that any policy earns with no more disparity."""
    halved: dict[str, bool]
    """By criterion: whether some policy earns no less with half the disparity."""

    @property
    def caused(self) -> np.ndarray:
        """`(G,)` gain per person decided about, compared with approving nobody."""
        first = next(iter(self.effects.values()))
        return first.total - first.spurious

    def short_of_best(self, criterion: str) -> float:
        """What the policy earns less than the best with no more disparity, as a share of that."""
        best = self.best_profit[criterion]
        return max(0.0, best - self.numbers.total_profit) / abs(best) if best else 0.0


def under(
    world: World, steps: int, policy: np.ndarray, criteria: tuple[str, ...]
) -> WorldFacts:
    """The facts of one world; a criterion that is undefined there is left out."""
    mdp = world.population.person(steps)
    numbers = group_numbers(mdp, policy)
    best: dict[str, float] = {}
    halved: dict[str, bool] = {}
    for name in criteria:
        exact = Frontier(world.population, name, steps, keep_policies=False)
        own = numbers.criteria[name]
        if not (np.isfinite(own) and np.isfinite(exact.unconstrained.disparity)):
            continue
        point = exact.point(max(own, exact.least_tolerance))
        best[name] = max(point.profit, numbers.total_profit)
        half = exact.point(own / 2).profit
        halved[name] = own > 1e-9 and earns_as_much(half, numbers.total_profit)
    effects = decompose_pairs(mdp, policy)
    return WorldFacts(world.name, world.why, world.about, numbers, effects, best, halved)
