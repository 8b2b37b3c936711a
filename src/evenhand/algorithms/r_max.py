"""R-max (Brafman and Tennenholtz 2002): what is not known is taken to be the best there is."""

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
from evenhand.core.errors import InputError
from evenhand.tabular.restricted import discounted_plan


@dataclass(frozen=True)
class RMax(AbstractActionLearner):
    """An action tried less than `m` times leads to a state that pays 1 for ever.

    Planned again whenever an action reaches `m` tries.
    """

    m: int = 30

    def __post_init__(self) -> None:
        if self.m < 1:
            raise InputError(f"m must be 1 or more tries of an action, got {self.m}")

    def start(self, problem: ActionProblem, num_runs: int) -> AbstractActionBatch:
        def laws(counts: ActionCounts, runs: np.ndarray) -> np.ndarray:
            transition, reward = optimistic_model(counts, runs, self.m)
            allowed = np.ones(transition.shape[:-1], bool)
            plan = discounted_plan(transition, allowed, reward, problem.discount)
            return np.eye(problem.num_actions)[plan.actions[:, :-1]]

        return PlannedBatch(problem, num_runs, laws, self.m, never_again)


def optimistic_model(
    counts: ActionCounts, runs: np.ndarray, m: int
) -> tuple[np.ndarray, np.ndarray]:
    """Transitions `(b, S + 1, A, S + 1)` and rewards `(b, S + 1)`; the last state pays 1."""
    unknown = counts.visits[runs] < m
    b, S, A = unknown.shape
    transition = np.zeros((b, S + 1, A, S + 1))
    transition[:, :S, :, :S] = counts.transition(runs)
    transition[:, :S][unknown] = np.eye(S + 1)[S]
    transition[:, S, :, S] = 1.0
    reward = np.append(counts.reward(runs), np.ones((b, 1)), -1)
    return transition, reward
