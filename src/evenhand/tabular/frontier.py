"""The exact frontier of a lending population: the best profit for every tolerated unfairness."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from evenhand.core.errors import InputError, unknown_name
from evenhand.core.solution import RESULTS, Solution
from evenhand.data.population import LendingPopulation
from evenhand.tabular.columns import ColumnReach
from evenhand.tabular.criteria import CRITERIA, Criterion, Layout
from evenhand.tabular.lending import layout_of, person_model
from evenhand.tabular.master import AbstractReach, Goal, Optimum, least_tolerance_goal
from evenhand.tabular.mdp import TabularMDP
from evenhand.tabular.occupancy_lp import DirectReach
from evenhand.tabular.planning import one_hot
from evenhand.tabular.pricing import Pricer
from evenhand.tabular.recall import RecallProblem, search

# A tolerance this little below what is possible is rounding, not infeasibility.
_ROUNDING = 1e-7
# Above this many variables one direct program is slower than column generation.
_DIRECT_LIMIT = 8_000


@dataclass(frozen=True)
class FrontierPoint:
    """The best policy for one tolerance.

    `disparity` is the criterion it reaches; `dual` what one more unit of tolerance would earn;
    `bound` a profit that no policy of the class exceeds. NaN where no policy meets the tolerance.
    """

    tolerance: float
    profit: float
    disparity: float
    dual: float
    bound: float
    seconds: float
    solution: Solution = field(repr=False)

    @property
    def policy(self) -> np.ndarray | None:
        """`(G, H, S, A)`, stages counted in visits or time steps by policy class."""
        return self.solution.policy


@dataclass(frozen=True)
class Frontier:
    """The frontier of one population, criterion and policy class; points share their work.

    `method`: "direct" (one program with every stage), "columns" (column generation), or "auto":
    direct for `visit` models of moderate size, columns otherwise.
    """

    population: LendingPopulation
    criterion: str = "gain-disparity"
    steps: int | None = None
    policy_class: str = "visit"
    method: str = "auto"

    def __post_init__(self) -> None:
        if self.criterion not in CRITERIA:
            raise unknown_name("criterion", self.criterion, CRITERIA)
        if self.method not in ("auto", "direct", "columns"):
            raise unknown_name("method", self.method, ("auto", "direct", "columns"))
        if self.population.num_groups < 2:
            raise InputError(
                f"a frontier compares groups, and {self.population.name!r} has only "
                f"{self.population.groups}; choose at least two"
            )
        if self.steps is not None and self.steps < 1:
            raise InputError(f"steps must be at least 1, got {self.steps}")

    @cached_property
    def mdp(self) -> TabularMDP:
        return person_model(self.population, self.steps, self.policy_class)

    @cached_property
    def layout(self) -> Layout:
        return layout_of(self.population.person(self.steps))

    @cached_property
    def reach(self) -> AbstractReach:
        size = self.mdp.num_groups * len(self.mdp.weights) * self.mdp.num_states
        small = size * self.mdp.num_actions <= _DIRECT_LIMIT and self.policy_class == "visit"
        direct = self.method == "direct" or (self.method == "auto" and small)
        return DirectReach(self.mdp) if direct else ColumnReach(self.mdp)

    @cached_property
    def objective(self) -> np.ndarray:
        """`(G, M + S)` profit of every group, as an objective over totals."""
        groups = range(self.mdp.num_groups)
        rows = sum(self.layout.select(g, "profit") for g in groups)
        return np.reshape(rows, (self.mdp.num_groups, -1))

    @cached_property
    def unconstrained(self) -> FrontierPoint:
        """The point without a tolerance, by backward induction."""
        start, pricer = time.perf_counter(), Pricer(self.mdp)
        best = [pricer.best(g, self.objective[g]) for g in range(self.mdp.num_groups)]
        reached = np.stack([column.totals for column in best])
        profit = float((self.objective * reached).sum())
        optimum = Optimum(RESULTS.successful, profit, profit, reached)
        policy = one_hot(np.stack([column.actions for column in best]), self.mdp.num_actions)
        return self._point(np.inf, optimum, 0.0, policy, start)

    @cached_property
    def least_tolerance(self) -> float:
        """The smallest tolerance that some policy meets; 0 for recall (approve nobody)."""
        if self._measure.rows is None:
            return 0.0
        goal = least_tolerance_goal(self._measure.rows(self.layout), self.objective.shape)
        found = self.reach.maximise(goal)
        return max(0.0, -found.bound) if found.totals is not None else np.inf

    @property
    def _measure(self) -> Criterion:
        return CRITERIA[self.criterion]

    def point(self, tolerance: float) -> FrontierPoint:
        """The best policy whose criterion is at most `tolerance`, with its price and bound."""
        start = time.perf_counter()
        if not tolerance >= 0:
            raise InputError(f"a tolerance must be 0 or more, got {tolerance}; use inf for none")
        free = self.unconstrained
        if free.disparity <= tolerance:
            return replace(free, tolerance=tolerance, seconds=time.perf_counter() - start)
        if tolerance < self.least_tolerance - _ROUNDING:
            return self._infeasible(tolerance, RESULTS.infeasible, start)
        optimum, dual, nodes = self._solve(max(tolerance, self.least_tolerance))
        if optimum.totals is None:
            return self._infeasible(tolerance, optimum.result, start)
        point = self._point(tolerance, optimum, dual, self.reach.policy(optimum), start)
        return point if nodes == 0 else _with_stats(point, {"num_nodes": nodes})

    def sweep(self, tolerances: Iterable[float]) -> list[FrontierPoint]:
        """A point per tolerance, in the given order."""
        return [self.point(float(tolerance)) for tolerance in tolerances]

    def even_tolerances(self, points: int) -> np.ndarray:
        """`(points,)` tolerances from the unconstrained criterion value down to 0."""
        return np.linspace(self.unconstrained.disparity, 0.0, points)

    def _solve(self, tolerance: float) -> tuple[Optimum, float, int]:
        """The optimum, the price of a unit of tolerance, and branch-and-bound nodes (recall)."""
        if self._measure.rows is None:
            problem = RecallProblem(self.layout, self.objective, tolerance, self._qualified)
            return search(self.reach, problem)
        rows = self._measure.rows(self.layout)
        goal = Goal(self.objective, rows, tolerance, np.zeros(rows.z.shape[1]))
        found = self.reach.maximise(goal)
        if found.row_dual is None or found.totals is None:
            return found, np.nan, 0
        return found, rows.price(found.row_dual, found.totals), 0

    @cached_property
    def _qualified(self) -> np.ndarray:
        """`(G, 2)` least and most would-repay applicants any policy meets in each group."""
        pricer, ranges = Pricer(self.mdp), []
        for g in range(self.mdp.num_groups):
            price = self.layout.select(g, "qualified").reshape(self.objective.shape)[g]
            ends = [pricer.best(g, sign * price).totals @ price for sign in (-1.0, 1.0)]
            ranges.append(ends)
        if not np.min(ranges) > 0:
            raise InputError("recall is undefined: a group has nobody who would repay")
        return np.array(ranges)

    def _point(
        self,
        tolerance: float,
        optimum: Optimum,
        dual: float,
        policy: np.ndarray,
        start: float,
    ) -> FrontierPoint:
        reached = optimum.totals
        if reached is None:
            return self._infeasible(tolerance, optimum.result, start)
        disparity = self._measure.value(self.layout, reached)
        J = reached[:, : len(self.layout.signals)]
        stats = {"totals": reached, "gap": optimum.bound - optimum.objective}
        solution = Solution(policy, None, J, None, optimum.result, stats)
        seconds = time.perf_counter() - start
        profit, bound = optimum.objective, max(optimum.bound, optimum.objective)
        return FrontierPoint(tolerance, profit, disparity, dual, bound, seconds, solution)

    def _infeasible(self, tolerance: float, result: RESULTS, start: float) -> FrontierPoint:
        stats = {"least_tolerance": self.least_tolerance}
        solution = Solution(None, None, None, None, result, stats)
        seconds = time.perf_counter() - start
        return FrontierPoint(tolerance, np.nan, np.nan, np.nan, np.nan, seconds, solution)


def _with_stats(point: FrontierPoint, more: dict[str, int]) -> FrontierPoint:
    return replace(point, solution=replace(point.solution, stats=point.solution.stats | more))
