"""Uniform play, which satisfies every one of the notions (Obs. 3) and learns nothing."""

from dataclasses import dataclass

import numpy as np

from evenhand.algorithms.parts.action_counts import ActionCounts
from evenhand.algorithms.parts.action_learner import (
    AbstractActionBatch,
    AbstractActionLearner,
    PlannedBatch,
    never_again,
)
from evenhand.algorithms.parts.action_problem import ActionProblem


@dataclass(frozen=True)
class UniformPlay(AbstractActionLearner):
    """Every action equally often, at every state and for ever."""

    def start(self, problem: ActionProblem, num_runs: int) -> AbstractActionBatch:
        S, A = problem.num_states, problem.num_actions

        def laws(counts: ActionCounts, runs: np.ndarray) -> np.ndarray:
            return np.full((len(runs), S, A), 1 / A)

        return PlannedBatch(problem, num_runs, laws, np.iinfo(np.int64).max, never_again)
