"""Boltzmann exploration: better actions more often, in proportion to exp(Q / temperature)."""

from dataclasses import dataclass

import numpy as np

from evenhand.algorithms.parts.action_counts import ActionCounts
from evenhand.algorithms.parts.action_learner import (
    AbstractActionBatch,
    AbstractActionLearner,
    PlannedBatch,
)
from evenhand.algorithms.parts.action_problem import ActionProblem
from evenhand.core.errors import InputError
from evenhand.tabular.restricted import q_values


@dataclass(frozen=True)
class Boltzmann(AbstractActionLearner):
    """On Q* of the empirical model, planned when visits of a pair double.

    On the true Q* this law would be fair: probabilities then follow the order of values.
    """

    temperature: float = 0.1

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise InputError(f"temperature must be positive, got {self.temperature}")

    def start(self, problem: ActionProblem, num_runs: int) -> AbstractActionBatch:
        def laws(counts: ActionCounts, runs: np.ndarray) -> np.ndarray:
            found = q_values(counts.transition(runs), counts.reward(runs), problem.discount)
            weight = np.exp((found - found.max(-1, keepdims=True)) / self.temperature)
            return weight / weight.sum(-1, keepdims=True)

        return PlannedBatch(problem, num_runs, laws)
