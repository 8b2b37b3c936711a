"""One point of a frontier."""

from dataclasses import dataclass, field

import numpy as np

from evenhand.core.solution import RESULTS, Solution
from evenhand.tabular.master import Optimum


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
    """`policy`, `J` and the outcome; `stats` has the totals `(G, M + S)`, gap and nodes."""

    @property
    def policy(self) -> np.ndarray | None:
        """`(G, H, S, A)`, stages counted in visits or time steps by policy class."""
        return self.solution.policy

    @classmethod
    def reached(
        cls,
        tolerance: float,
        optimum: Optimum,
        disparity: float,
        policy: np.ndarray | None,
        num_signals: int,
        seconds: float,
    ) -> "FrontierPoint":
        """The point of an optimum whose totals are known."""
        if optimum.totals is None:
            raise ValueError(f"an optimum without totals is no point: {optimum.result.value}")
        bound = max(optimum.bound, optimum.objective)
        stats = {
            "totals": optimum.totals,
            "gap": bound - optimum.objective,
            "num_nodes": optimum.num_nodes,
        }
        J = optimum.totals[:, :num_signals]
        solution = Solution(policy, None, J, None, optimum.result, stats)
        profit, price = optimum.objective, optimum.price
        return cls(tolerance, profit, disparity, price, bound, seconds, solution)

    @classmethod
    def unreachable(
        cls, tolerance: float, result: RESULTS, least_tolerance: float, seconds: float
    ) -> "FrontierPoint":
        """The point of a tolerance that no policy meets, or that the solver could not settle."""
        stats = {"least_tolerance": least_tolerance}
        solution = Solution(None, None, None, None, result, stats)
        return cls(tolerance, np.nan, np.nan, np.nan, np.nan, seconds, solution)
