"""What a policy does under one set of assumptions: the numbers that conclusions are drawn from."""

from dataclasses import dataclass

import numpy as np

from evenhand.experiments.audit.least import earns_as_much
from evenhand.experiments.audit.numbers import GroupNumbers, group_numbers
from evenhand.experiments.audit.worlds import World
from evenhand.tabular.criteria import CRITERIA
from evenhand.tabular.decomposition import Decomposition, decompose_pairs
from evenhand.tabular.frontier import Frontier
from evenhand.tabular.planning import one_hot

Pair = tuple[int, int]


@dataclass(frozen=True)
class Effects:
    """Where the difference of gain per member between two groups comes from, first minus second.

    The effects of `Decomposition` times the chance of being decided about at all: the paper counts
    only people who are, here everybody counts, so that C is the difference of the gains.
    """

    pair: Pair
    C: float
    DPE: float
    IPE: float
    SPE: float
    paper: Decomposition

    @classmethod
    def per_member(cls, found: Decomposition, met: float) -> "Effects":
        """The effects of a decomposition among people of whom a share `met` is decided about."""
        parts = (met * getattr(found, name) for name in ("C", "DPE", "IPE", "SPE"))
        return cls(found.pair, *parts, paper=found)


@dataclass(frozen=True)
class WorldFacts:
    """One world's numbers."""

    name: str
    why: str
    about: str
    numbers: GroupNumbers
    untouched: np.ndarray
    """`(G,)` gain per person if nobody is approved."""
    effects: dict[Pair, Effects]
    """Where the difference of gain comes from, for every pair of groups."""
    best_profit: dict[str, float]
    """By criterion: the most that any policy earns with no more disparity."""
    halved: dict[str, bool]
    """By criterion: whether some policy earns no less with half the disparity."""

    @property
    def caused(self) -> np.ndarray:
        """`(G,)` gain per person, compared with approving nobody."""
        return self.numbers.gain_per_person - self.untouched

    def short_of_best(self, criterion: str) -> float:
        """What the policy earns less than the best with no more disparity, as a share of that.

        Infinite where the best is to earn nothing and the policy loses.
        """
        best, own = self.best_profit[criterion], self.numbers.total_profit
        if earns_as_much(own, best):
            return 0.0
        return (best - own) / abs(best) if best else np.inf


def under(world: World, steps: int, policy: np.ndarray, criteria: tuple[str, ...]) -> WorldFacts:
    """The facts of one world; a criterion that is undefined there is left out.

    So is the recall gap, which every world would need two searches for: its distance to the
    frontier is told of the world as stated, and does not enter the conclusions.
    """
    mdp = world.population.person(steps)
    numbers = group_numbers(mdp, policy)
    best: dict[str, float] = {}
    halved: dict[str, bool] = {}
    for name in criteria:
        if CRITERIA[name].rows is None:
            continue
        exact = Frontier(world.population, name, steps, keep_policies=False)
        own = numbers.criteria[name]
        if not (np.isfinite(own) and np.isfinite(exact.unconstrained.disparity)):
            continue
        point = exact.point(max(own, exact.least_tolerance))
        if not np.isfinite(point.profit):
            continue  # The solver settled on none.
        best[name] = max(point.profit, numbers.total_profit)
        half = exact.point(own / 2).profit
        halved[name] = own > 1e-9 and earns_as_much(half, numbers.total_profit)
    denied = one_hot(np.zeros(policy.shape[:-1], int), mdp.num_actions)
    met = float(mdp.weights[0])
    effects = {
        pair: Effects.per_member(found, met) for pair, found in decompose_pairs(mdp, policy).items()
    }
    return WorldFacts(
        *(world.name, world.why, world.about, numbers),
        untouched=group_numbers(mdp, denied).gain_per_person,
        effects=effects,
        best_profit=best,
        halved=halved,
    )
