"""UCB value iteration (after Azar, Osband and Munos 2017), discounted: greedy on upper bounds."""

from dataclasses import dataclass

import numpy as np

from evenhand.algorithms.parts.action_counts import ActionCounts
from evenhand.algorithms.parts.action_learner import (
    AbstractActionBatch,
    AbstractActionLearner,
    PlannedBatch,
)
from evenhand.algorithms.parts.action_problem import ActionProblem
from evenhand.algorithms.parts.value_intervals import (
    HoeffdingRadius,
    ValueIntervals,
    check_radius,
)


@dataclass(frozen=True)
class UCBVI(AbstractActionLearner):
    """The action with the highest upper bound on Q*, planned when visits of a pair double.

    `scale` shrinks the radius: at 1 runs of this length hardly leave the optimism they began with.
    """

    scale: float = 0.1
    delta: float = 0.1
    num_steps: int = 100_000

    def __post_init__(self) -> None:
        check_radius(self.scale, self.delta)

    def start(self, problem: ActionProblem, num_runs: int) -> AbstractActionBatch:
        S, A = problem.num_states, problem.num_actions
        radius = HoeffdingRadius(S * A, self.delta, self.scale, self.num_steps)
        bounds = ValueIntervals(radius, problem.discount, (num_runs, S, A))

        def laws(counts: ActionCounts, runs: np.ndarray) -> np.ndarray:
            bounds.tighten(counts, runs, lower=False)
            return np.eye(A)[bounds.upper[runs].argmax(-1)]

        return PlannedBatch(problem, num_runs, laws)
