"""Play uniformly over what confidence intervals cannot tell apart."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

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
class IntervalCertified(AbstractActionLearner):
    """Uniform over the smallest set of actions that the bounds on Q* allow to be preferred.

    Alpha-action fairness asks p(a) >= p(a') where Q*(a) > Q*(a') + alpha, which may be so as long
    as upper(a) > lower(a') + alpha. With `scale` 1 no round violates it while the bounds hold, with
    probability 1 - delta in all of `num_steps` steps.
    """

    alpha: float = 0.1
    scale: float = 1.0
    delta: float = 0.1
    num_steps: int = 100_000

    def __post_init__(self) -> None:
        check_radius(self.scale, self.delta)

    def start(self, problem: ActionProblem, num_runs: int) -> AbstractActionBatch:
        S, A = problem.num_states, problem.num_actions
        radius = HoeffdingRadius(S * A, self.delta, self.scale, self.num_steps)
        bounds = ValueIntervals(radius, problem.discount, (num_runs, S, A))

        def laws(counts: ActionCounts, runs: np.ndarray) -> np.ndarray:
            bounds.tighten(counts, runs)
            chosen = certified_set(bounds.lower[runs], bounds.upper[runs], self.alpha)
            return chosen / chosen.sum(-1, keepdims=True)

        return PlannedBatch(problem, num_runs, laws)


def certified_set(
    lower: Float[np.ndarray, "*B A"], upper: Float[np.ndarray, "*B A"], alpha: float
) -> Bool[np.ndarray, "*B A"]:
    """The smallest set with the action of the best lower bound over which uniform play is allowed.

    If a' is in the set and upper(a) > lower(a') + alpha, then a is: what may be better by more than
    alpha must not be played less.
    """
    best = lower.max(-1, keepdims=True)
    chosen = lower >= best
    for _ in range(lower.shape[-1]):
        least = np.where(chosen, lower, np.inf).min(-1, keepdims=True)
        chosen = chosen | (upper > least + alpha)
    return chosen
