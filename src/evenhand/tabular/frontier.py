"""The exact frontier of a lending population: the best profit for every tolerated unfairness."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from evenhand.core.errors import InputError, unknown_name
from evenhand.core.solution import RESULTS
from evenhand.data.population import LendingPopulation
from evenhand.tabular.columns import ColumnReach
from evenhand.tabular.criteria import CRITERIA, Criterion, Layout
from evenhand.tabular.frontier_point import FrontierPoint
from evenhand.tabular.lending import POLICY_CLASSES, layout_of, person_model
from evenhand.tabular.master import AbstractReach, Goal, Optimum, least_tolerance_goal
from evenhand.tabular.mdp import TabularMDP
from evenhand.tabular.occupancy_lp import DirectReach
from evenhand.tabular.planning import one_hot
from evenhand.tabular.pricing import Pricer
from evenhand.tabular.recall import RecallProblem, qualified_range, search
from evenhand.tabular.sampler import Confirmation, confirm, sample_totals

# A tolerance this little below what is possible is rounding, not infeasibility.
_ROUNDING = 1e-7
# At the least tolerance of all, what is feasible is so thin that rounding can lose it.
_SLACKS = (0.0, 1e-8, _ROUNDING)
# Above this many variables one direct program is slower than column generation.
_DIRECT_LIMIT = 8_000
_TIME_LIMIT = 4_000_000
_MOST_STEPS = 10_000_000


@dataclass(frozen=True)
class Frontier:
    """The frontier of one population, criterion and policy class; points share their work.

    `method`: "direct" (one program with every stage), "columns" (column generation), or "auto":
    direct for `visit` models of moderate size and linear criteria, columns otherwise. Without
    `keep_policies` points have numbers only, which saves memory at ten thousand steps.
    """

    population: LendingPopulation
    criterion: str = "gain-disparity"
    steps: int | None = None
    policy_class: str = "visit"
    method: str = "auto"
    keep_policies: bool = True

    def __post_init__(self) -> None:
        for kind, name, known in (
            ("criterion", self.criterion, tuple(CRITERIA)),
            ("method", self.method, ("auto", "direct", "columns")),
            ("policy class", self.policy_class, POLICY_CLASSES),
        ):
            if name not in known:
                raise unknown_name(kind, name, known)
        if self.population.num_groups < 2:
            raise InputError(
                f"a frontier compares groups, and {self.population.name!r} has only "
                f"{self.population.groups}; choose at least two"
            )
        if not 1 <= self._num_steps <= _MOST_STEPS:
            raise InputError(
                f"steps must be at least 1 and at most {_MOST_STEPS:,}, got {self._num_steps:,}"
            )
        cells = self.population.num_groups * self.population.num_levels * self._num_steps
        if self.policy_class == "time" and cells > _TIME_LIMIT:
            raise InputError(
                f"{self._num_steps} steps are too many for policy class 'time', whose tables "
                "have an entry per step, group and level; use fewer steps or policy class 'visit'"
            )

    @property
    def _num_steps(self) -> int:
        return self.population.episode_steps if self.steps is None else self.steps

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
        # A search solves many programs, for which the small master pays off sooner.
        small = small and self.measure.rows is not None
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
        pricer, start = Pricer(self.mdp), time.perf_counter()
        best = [pricer.best(g, self.objective[g]) for g in range(self.mdp.num_groups)]
        reached = np.stack([column.totals for column in best])
        profit = float((self.objective * reached).sum())
        optimum = Optimum(RESULTS.successful, profit, profit, reached)
        policy = None
        if self.keep_policies:
            actions = np.stack([column.actions for column in best])
            policy = one_hot(actions, self.mdp.num_actions)
        return self._point(np.inf, optimum, policy, start)

    @cached_property
    def least_tolerance(self) -> float:
        """The smallest tolerance that some policy meets; 0 for recall (approve nobody)."""
        if self.measure.rows is None:
            return 0.0
        goal = least_tolerance_goal(self.measure.rows(self.layout), self.objective.shape)
        found = self.reach.maximise(goal)
        return max(0.0, -found.bound) if found.totals is not None else np.inf

    @property
    def measure(self) -> Criterion:
        return CRITERIA[self.criterion]

    def confirm(self, point: FrontierPoint, episodes: int, seed: int = 0) -> Confirmation:
        """Simulated profit and disparity of a point's policy in the stream, with errors."""
        if point.policy is None:
            raise InputError(
                f"tolerance {point.tolerance} has no policy to simulate; "
                "solve with keep_policies=True, and skip points that no policy meets"
            )
        by_time, world = self.policy_class == "time", self.population
        sampled = sample_totals(world, point.policy, episodes, self.steps, by_time, seed)
        profit = lambda totals: float((self.objective * totals).sum())  # noqa: E731
        return confirm(sampled, profit, lambda totals: self.measure.value(self.layout, totals))

    def point(self, tolerance: float) -> FrontierPoint:
        """The best policy whose criterion is at most `tolerance`, with its price and bound."""
        if not tolerance >= 0:
            raise InputError(f"a tolerance must be 0 or more, got {tolerance}; use inf for none")
        free, start = self.unconstrained, time.perf_counter()
        if free.disparity <= tolerance:
            return replace(free, tolerance=tolerance, seconds=time.perf_counter() - start)
        if tolerance < self.least_tolerance - _ROUNDING:
            return self._infeasible(tolerance, RESULTS.infeasible, start)
        optimum = self._solve(max(tolerance, self.least_tolerance))
        if optimum.totals is None:
            return self._infeasible(tolerance, optimum.result, start)
        policy = self.reach.policy(optimum) if self.keep_policies else None
        return self._point(tolerance, optimum, policy, start)

    def sweep(self, tolerances: Iterable[float]) -> list[FrontierPoint]:
        """A point per tolerance, in the given order."""
        return [self.point(float(tolerance)) for tolerance in tolerances]

    def even_tolerances(self, points: int) -> np.ndarray:
        """`(points,)` tolerances from the unconstrained criterion value down to 0."""
        if not np.isfinite(self.unconstrained.disparity):
            raise InputError(
                f"{self.criterion} is undefined here: a group has no applicant who would repay"
            )
        return np.linspace(self.unconstrained.disparity, 0.0, points)

    def _solve(self, tolerance: float) -> Optimum:
        """The optimum for a tolerance that some policy meets, with its price."""
        if self.measure.rows is None:
            problem = RecallProblem(self.layout, self.objective, tolerance, self._qualified)
            return search(self.reach, problem)
        rows = self.measure.rows(self.layout)
        found = Optimum(RESULTS.infeasible)
        for slack in _SLACKS:
            allowed = tolerance + slack * (1 + tolerance)
            goal = Goal(self.objective, rows, allowed, np.zeros(rows.z.shape[1]))
            found = self.reach.maximise(goal)
            if found.row_dual is not None and found.totals is not None:
                return replace(found, price=rows.price(found.row_dual, found.totals))
        return found

    @cached_property
    def _qualified(self) -> np.ndarray:
        return qualified_range(self.mdp, self.layout)

    def _point(
        self, tolerance: float, optimum: Optimum, policy: np.ndarray | None, start: float
    ) -> FrontierPoint:
        reached = np.asarray(optimum.totals)
        disparity = self.measure.value(self.layout, reached)
        return FrontierPoint.reached(
            tolerance, optimum, disparity, policy, len(self.layout.signals), _since(start)
        )

    def _infeasible(self, tolerance: float, result: RESULTS, start: float) -> FrontierPoint:
        return FrontierPoint.unreachable(tolerance, result, self.least_tolerance, _since(start))


def _since(start: float) -> float:
    return time.perf_counter() - start
