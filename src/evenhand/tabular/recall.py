"""The best profit under a tolerance on recall, by branch and bound over the lowest recall.

Recall is a ratio U / D whose denominator moves with the policy, as approvals move people between
levels. With t the lowest recall, every group must satisfy t D <= U <= (t + tolerance) D: linear for
a fixed t, bilinear otherwise. On an interval of t the products t D are relaxed by their McCormick
envelopes, which is again a linear program and bounds the whole interval from above; intervals are
split until the best policy found is within a relative gap of the largest bound. The bound is
global: no t is skipped. Its error is that of the programs inside (about 1e-8 relative).
"""

import heapq
from dataclasses import dataclass, replace
from itertools import count

import numpy as np

from evenhand.core.errors import InputError
from evenhand.core.solution import RESULTS
from evenhand.tabular.criteria import Layout, Rows, recall, recall_gap
from evenhand.tabular.master import AbstractReach, Goal, Optimum
from evenhand.tabular.mdp import TabularMDP
from evenhand.tabular.pricing import Pricer


@dataclass(frozen=True)
class RecallProblem:
    """A profit `objective (G, M + S)` to maximise with recalls within `tolerance` of each other.

    `qualified (G, 2)` are the least and most would-repay applicants any policy meets per group.
    """

    layout: Layout
    objective: np.ndarray
    tolerance: float
    qualified: np.ndarray

    def goal(self, low: float, high: float) -> Goal:
        """The program whose optimum bounds every policy with its lowest recall in [low, high]."""
        rows = _interval_rows(self.layout, self.qualified, low, high)
        return Goal(self.objective, rows, self.tolerance, np.zeros(rows.z.shape[1]))


def qualified_range(mdp: TabularMDP, layout: Layout) -> np.ndarray:
    """`(G, 2)` least and most would-repay applicants that any policy meets in each group."""
    pricer, ranges = Pricer(mdp), []
    for g in range(layout.num_groups):
        price = layout.select(g, "qualified").reshape(layout.num_groups, -1)[g]
        ranges.append([pricer.best(g, sign * price).totals @ price for sign in (-1.0, 1.0)])
    if not np.min(ranges) > 0:
        raise InputError("recall is undefined: a group may meet no applicant who would repay")
    return np.array(ranges)


def _interval_rows(layout: Layout, qualified: np.ndarray, low: float, high: float) -> Rows:
    """Rows over totals and the extras (t, a product s = t D per group), in units of the most D."""
    blocks = []
    for g, (least, most) in enumerate(qualified):
        D = layout.select(g, "qualified") / most
        U = layout.select(g, "approved_qualified") / most
        s = np.zeros(1 + layout.num_groups)
        s[1 + g] = 1
        t = np.eye(1 + layout.num_groups)[0]
        share = least / most
        blocks += [
            (-U, s, 0.0, 0 * D),
            (U, -s, 0.0, -D),
            (low * D, share * t - s, low * share, 0 * D),
            (high * D, t - s, high, 0 * D),
            (-high * D, s - share * t, -high * share, 0 * D),
            (-low * D, s - t, -low, 0 * D),
        ]
    y0, z, u0, y1 = (np.array(part, float) for part in zip(*blocks, strict=True))
    bounds = np.zeros(z.shape[1]), np.full(z.shape[1], np.inf)
    bounds[0][0], bounds[1][0] = low, high
    return Rows(y0, z, u0, np.zeros(len(u0)), *bounds, y1=y1)


def search(
    reach: AbstractReach, problem: RecallProblem, tol: float = 1e-6, max_nodes: int = 400
) -> Optimum:
    """The best optimum found, with its global bound and the price of tolerance."""
    order, best = count(1), Optimum(RESULTS.infeasible, -np.inf)
    heap = [(-np.inf, 0, 0.0, 1.0)]
    nodes = 0
    while heap and nodes < max_nodes and not _closed(-heap[0][0], best.objective, tol):
        minus_bound, _, low, high = heapq.heappop(heap)
        nodes += 1
        relaxed = reach.maximise(problem.goal(low, high))
        if relaxed.totals is None:
            continue
        at = float(np.clip(recall(problem.layout, relaxed.totals).min(), low, high))
        best = _keep_better(reach, problem, at, best)
        if not 0.1 < (at - low) / (high - low) < 0.9:
            at = (low + high) / 2
        minus_bound = max(minus_bound, -relaxed.bound)
        for part in ((low, at), (at, high)):
            heapq.heappush(heap, (minus_bound, next(order), *part))
    bound = max(-heap[0][0], best.objective) if heap else best.objective
    result = RESULTS.successful if _closed(bound, best.objective, tol) else RESULTS.iteration_limit
    return replace(best, bound=bound, result=result, num_nodes=nodes)


def _closed(bound: float, value: float, tol: float) -> bool:
    return bool(value > -np.inf and bound - value <= tol * max(1.0, abs(value)))


def _keep_better(reach: AbstractReach, problem: RecallProblem, at: float, best: Optimum) -> Optimum:
    """The better of `best` and the optimum with lowest recall exactly `at`."""
    goal = problem.goal(at, at)
    found = reach.maximise(goal)
    if found.totals is None or found.row_dual is None or found.objective <= best.objective:
        return best
    # The rows hold only up to the solver's tolerance; a recall gap beyond that is no solution.
    if recall_gap(problem.layout, found.totals) > problem.tolerance + 1e-6:
        return best
    return replace(found, price=goal.rows.price(found.row_dual, found.totals))
