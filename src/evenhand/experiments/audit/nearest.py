"""How far a policy is from the exact frontier, and what the frontier's policies do differently."""

from dataclasses import dataclass

import numpy as np

from evenhand.experiments.audit.least import least_disparity
from evenhand.experiments.audit.numbers import GroupNumbers, group_numbers
from evenhand.tabular.evaluation import occupancy
from evenhand.tabular.frontier import Frontier
from evenhand.tabular.mdp import TabularMDP

# A shift of approvals below this is not told.
_TOLD = 0.02


@dataclass(frozen=True)
class Shift:
    """Neighbouring levels of one group that another policy approves more, or less, often."""

    group: int
    first: int
    last: int
    before: float
    after: float
    decisions: float
    """Decisions per episode that come out differently."""


@dataclass(frozen=True)
class Rival:
    """A policy on the frontier beside the audited one."""

    profit: float
    disparity: float
    numbers: GroupNumbers
    approve: np.ndarray
    """`(G, S)` approvals per decision at each level over the episode; NaN where nobody comes."""
    shifts: tuple[Shift, ...]


@dataclass(frozen=True)
class Distance:
    """The audited policy against the frontier of one criterion, policies that count visits."""

    criterion: str
    disparity: float
    profit: float
    richer: Rival | None
    """The best profit at no more disparity; None where the solver found none."""
    closer: Rival | None
    """The least disparity at no less profit."""
    line: np.ndarray
    """`(P, 2)` disparity and profit of frontier points, by rising disparity."""

    @property
    def best_profit(self) -> float:
        return np.nan if self.richer is None else max(self.richer.profit, self.profit)

    @property
    def least_disparity(self) -> float:
        return np.nan if self.closer is None else min(self.closer.disparity, self.disparity)

    @property
    def gap(self) -> float:
        """What could be earned more with no more disparity."""
        return self.best_profit - self.profit

    @property
    def relative_gap(self) -> float:
        """The gap as a share of the best profit there; NaN where that is 0."""
        return self.gap / abs(self.best_profit) if self.best_profit else np.nan


def distance(
    exact: Frontier, mdp: TabularMDP, policy: np.ndarray, own: GroupNumbers, points: int = 9
) -> Distance | None:
    """The distance of one criterion; None where it is undefined here."""
    at, profit = own.criteria[exact.criterion], own.total_profit
    if not (np.isfinite(at) and np.isfinite(exact.unconstrained.disparity)):
        return None
    richer = exact.point(max(at, exact.least_tolerance)).policy
    if exact.measure.rows is None:
        points = max(3, points // 2)
    ends = exact.unconstrained.disparity, exact.least_tolerance
    solved = [exact.point(float(tolerance)) for tolerance in np.linspace(*ends, points)]
    seen = approvals_by_level(mdp, policy)
    rivals = [
        None if other is None else _rival(mdp, exact.criterion, other, seen)
        for other in (richer, least_disparity(exact, at, profit))
    ]
    ends = [(r.disparity, r.profit) for r in rivals if r is not None]
    line = _line([*((p.disparity, p.profit) for p in solved), *ends])
    return Distance(exact.criterion, at, profit, *rivals, line=line)


def _line(points: list[tuple[float, float]]) -> np.ndarray:
    """Frontier points by rising disparity; profit never falls along them."""
    kept = sorted((max(x, 0.0), y) for x, y in points if np.isfinite(x) and np.isfinite(y))
    line = np.array(kept)
    line[:, 1] = np.maximum.accumulate(line[:, 1])
    return line


def approvals_by_level(mdp: TabularMDP, policy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`(G, S)` approvals per decision, and expected decisions, at each level over an episode."""
    visits = occupancy(mdp, policy).sum(1) * mdp.group_size[:, None, None]
    decisions = visits.sum(-1)
    seen = decisions > 1e-9
    return np.where(seen, visits[..., 1] / np.where(seen, decisions, 1.0), np.nan), decisions


def _rival(
    mdp: TabularMDP,
    criterion: str,
    policy: np.ndarray,
    own: tuple[np.ndarray, np.ndarray],
) -> Rival:
    numbers, (approve, decisions) = group_numbers(mdp, policy), approvals_by_level(mdp, policy)
    before = np.where(np.isnan(own[0]), approve, own[0])
    after = np.where(np.isnan(approve), before, approve)
    met = (own[1] + decisions) / 2
    shifts = tuple(
        sorted(_shifts(before, after, met), key=lambda shift: shift.decisions, reverse=True)
    )
    return Rival(numbers.total_profit, numbers.criteria[criterion], numbers, approve, shifts)


def _shifts(before: np.ndarray, after: np.ndarray, met: np.ndarray) -> list[Shift]:
    """Runs of neighbouring levels whose approvals move the same way."""
    found: list[Shift] = []
    way = np.where(np.abs(after - before) > _TOLD, np.sign(after - before), 0.0)
    for g in range(len(way)):
        level = 0
        while level < way.shape[1]:
            last = level
            while last + 1 < way.shape[1] and way[g, last + 1] == way[g, level]:
                last += 1
            part = slice(level, last + 1)
            weight = met[g, part]
            if way[g, level] and weight.sum() > 0:
                ends = (float(np.average(v[g, part], weights=weight)) for v in (before, after))
                moved = float((np.abs(after - before)[g, part] * weight).sum())
                found.append(Shift(g, level, last, *ends, decisions=moved))
            level = last + 1
    return found
