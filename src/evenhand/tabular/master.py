"""The shared frame of the occupancy programs: an objective and rows over group totals.

Both ways of saying which totals are reachable, flow rows of occupancies (`occupancy_lp`) and convex
combinations of known policies (`columns`), plug into the same frame, so that criteria are written
once, over totals.
"""

from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
from scipy import sparse

from evenhand.core.solution import RESULTS
from evenhand.tabular.criteria import Rows
from evenhand.tabular.linear_program import LinearProgram


@dataclass(frozen=True)
class Goal:
    """maximise objective @ totals + z_cost @ extra subject to criterion rows at a tolerance."""

    objective: np.ndarray
    """`(G, M + S)`"""
    rows: Rows
    tolerance: float
    z_cost: np.ndarray

    @property
    def matrix(self) -> np.ndarray:
        y1 = 0.0 if self.rows.y1 is None else self.tolerance * self.rows.y1
        return self.rows.y0 + y1

    @property
    def upper(self) -> np.ndarray:
        return self.rows.u0 + self.tolerance * self.rows.u1


@dataclass(frozen=True)
class Optimum:
    """The best totals `(G, M + S)` for a goal, with an upper bound that no policy can exceed."""

    result: RESULTS
    objective: float = np.nan
    bound: float = np.nan
    totals: np.ndarray | None = None
    extra: np.ndarray | None = None
    row_dual: np.ndarray | None = None
    inner: np.ndarray | None = None
    """The solver's own variables, from which it builds the policy."""
    price: float = 0.0
    """What one more unit of tolerance would earn."""
    num_nodes: int = 0
    """Intervals searched, where the criterion needs a search."""


@runtime_checkable
class AbstractReach(Protocol):
    """Something that knows which totals are reachable, and by which policy."""

    def maximise(self, goal: Goal) -> Optimum: ...

    def policy(self, optimum: Optimum) -> np.ndarray: ...

    @property
    def stats(self) -> dict[str, int]: ...


def assemble(
    goal: Goal,
    link: Any,
    offset: np.ndarray,
    inner: Any,
    inner_value: np.ndarray,
) -> LinearProgram:
    """The program over (totals, extra, v >= 0) with totals = offset + link @ v, inner @ v = value.

    Rows: criterion, one link per total, inner. The dual of a link row is what one more unit of
    that total would be worth.
    """
    num_totals = goal.objective.size
    matrix: Any = sparse.bmat(
        [
            [sparse.csc_matrix(goal.matrix), sparse.csc_matrix(goal.rows.z), None],
            [sparse.identity(num_totals), None, -link],
            [None, None, inner],
        ],
        format="csc",
    )
    equal, own = np.concatenate([offset, inner_value]), link.shape[1]
    free = np.full(num_totals, np.inf)
    return LinearProgram(
        cost=np.concatenate([goal.objective.ravel(), goal.z_cost, np.zeros(own)]),
        matrix=matrix,
        row_lower=np.concatenate([np.full(len(goal.upper), -np.inf), equal]),
        row_upper=np.concatenate([goal.upper, equal]),
        lower=np.concatenate([-free, goal.rows.z_lower, np.zeros(own)]),
        upper=np.concatenate([free, goal.rows.z_upper, np.full(own, np.inf)]),
    )


def least_tolerance_goal(rows: Rows, shape: tuple[int, ...]) -> Goal:
    """The goal whose optimum is minus the smallest tolerance that any policy meets.

    Only for rows whose tolerance stands on the right-hand side: it becomes one more extra variable.
    """
    widened = replace(
        rows,
        z=np.concatenate([rows.z, -rows.u1[:, None]], axis=1),
        z_lower=np.append(rows.z_lower, 0.0),
        z_upper=np.append(rows.z_upper, np.inf),
    )
    return Goal(np.zeros(shape), widened, 0.0, np.append(np.zeros(rows.z.shape[1]), -1.0))
