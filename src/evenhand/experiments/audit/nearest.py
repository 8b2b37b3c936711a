"""How far a policy is from the exact frontier, and what the frontier's policies do differently."""

from dataclasses import dataclass, replace

import numpy as np

from evenhand.experiments.audit.numbers import GroupNumbers, group_numbers
from evenhand.tabular.criteria import Rows
from evenhand.tabular.evaluation import occupancy
from evenhand.tabular.frontier import Frontier
from evenhand.tabular.master import Optimum, least_tolerance_goal
from evenhand.tabular.mdp import TabularMDP

# A profit this little below (relative) is the same profit: HiGHS solves to about as much.
_SAME = 1e-9
# The recall gap at a given profit is found by search, up to this.
SEARCH_TOL = 1e-4
_MOST_ROUNDS = 20
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
    line = np.array([[max(p.disparity, 0.0), p.profit] for p in solved if np.isfinite(p.profit)])
    told = own.criteria[exact.criterion], profit
    seen = approvals_by_level(mdp, policy)
    rivals = (
        None if other is None else _rival(mdp, exact.criterion, other, seen, policy)
        for other in (richer, _closer(exact, *told))
    )
    return Distance(exact.criterion, at, profit, *rivals, line=line[np.argsort(line[:, 0])])


def earns_as_much(profit: float, floor: float) -> bool:
    """Whether a profit is at least the floor, but for rounding; False for NaN."""
    return bool(profit >= floor - _SAME * (1 + abs(floor)))


def _closer(exact: Frontier, disparity: float, profit: float) -> np.ndarray | None:
    """The policy of least disparity among those that earn at least `profit`."""
    floor = profit - _SAME * (1 + abs(profit))
    if exact.measure.rows is None:
        return _searched(exact, disparity, floor)
    goal = least_tolerance_goal(_with_floor(exact, floor), exact.objective.shape)
    found: Optimum = exact.reach.maximise(goal)
    return None if found.totals is None else exact.reach.policy(found)


def _with_floor(exact: Frontier, floor: float) -> Rows:
    """The criterion's rows and one more: the profit is at least `floor`."""
    if exact.measure.rows is None:
        raise ValueError(f"{exact.criterion} has no linear rows")
    rows = exact.measure.rows(exact.layout)
    return replace(
        rows,
        y0=np.concatenate([rows.y0, -exact.objective.reshape(1, -1)]),
        z=np.concatenate([rows.z, np.zeros((1, rows.z.shape[1]))]),
        u0=np.append(rows.u0, -floor),
        u1=np.append(rows.u1, 0.0),
    )


def _searched(exact: Frontier, disparity: float, floor: float) -> np.ndarray | None:
    """The same by search: the best profit never falls with the tolerance."""
    low, high = 0.0, disparity
    least, best = exact.point(low), exact.point(high)
    if least.profit >= floor:
        return least.policy
    if not best.profit >= floor:
        return None
    for _ in range(_MOST_ROUNDS):
        # The tangent of a concave line lies above it: it meets the floor just before the line does.
        ahead = (floor - least.profit) / least.dual if least.dual > 0 else np.inf
        near = low + ahead + SEARCH_TOL / 2
        found = exact.point(near if near < high else high - SEARCH_TOL)
        if found.profit >= floor:
            high, best = min(found.tolerance, found.disparity), found
            found = exact.point(max(high - SEARCH_TOL, low))
        if found.profit < floor:
            low, least = found.tolerance, found
        if high - low <= 1.001 * SEARCH_TOL:
            break
    return best.policy


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
    audited: np.ndarray,
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
