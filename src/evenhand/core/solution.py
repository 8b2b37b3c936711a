"""What every planner and linear program returns, and the messages that go with it."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np


class RESULTS(Enum):
    """How a solver ended; the value says in words what happened and what to try."""

    successful = "Solved."
    infeasible = (
        "No policy meets the constraints. Loosen the tolerance, or check that the groups' "
        "dynamics allow any policy to meet it."
    )
    iteration_limit = (
        "Stopped at the iteration limit before the gap closed. Raise the limit or loosen `tol`."
    )
    numerical = (
        "The solver reported success, but the solution fails its own feasibility check. "
        "Rescale the rewards or solve again from a cold start."
    )
    unbounded = "The objective is unbounded. Check that every state has finite rewards."


@dataclass(frozen=True)
class Solution:
    """An answer with its own certificate.

    `policy` is `(G, S, A)`, or `(G, H, S, A)` where it depends on the stage; `value` the state
    values (or whatever the solver documents); `J` is `(G, M)`, expected return of each signal per
    group; `occupancy` expected visits, shaped like the policy; `stats` holds iterations, gap,
    duals and seconds.
    """

    policy: np.ndarray | None
    value: np.ndarray | None
    J: np.ndarray | None
    occupancy: np.ndarray | None = None
    result: RESULTS = RESULTS.successful
    stats: dict[str, Any] = field(default_factory=dict)
