"""The least disparity that is possible without earning less."""

from dataclasses import replace

import numpy as np

from evenhand.tabular.criteria import Rows
from evenhand.tabular.frontier import Frontier
from evenhand.tabular.master import Optimum, least_tolerance_goal

# A profit this little below (relative) is the same profit: HiGHS solves to about as much.
_SAME = 1e-9
# The recall gap at a given profit is found by search, up to this.
SEARCH_TOL = 1e-4
_MOST_ROUNDS = 20


def earns_as_much(profit: float, floor: float) -> bool:
    """Whether a profit is at least the floor, but for rounding; False for NaN."""
    return bool(profit >= floor - _SAME * (1 + abs(floor)))


def least_disparity(exact: Frontier, disparity: float, profit: float) -> np.ndarray | None:
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
