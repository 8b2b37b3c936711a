"""Q-learning (Watkins and Dayan 1992) with epsilon-greedy play."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from evenhand.algorithms.parts.action_learner import (
    AbstractActionBatch,
    AbstractActionLearner,
    Decision,
    Mode,
    Runs,
    cumulative,
    drawn,
)
from evenhand.algorithms.parts.action_problem import ActionProblem
from evenhand.core.errors import InputError


@dataclass(frozen=True)
class QLearning(AbstractActionLearner):
    """One update a step, at rate N(s, a)^-`rate_power`; ties of the greedy action are shared.

    A round is exactly fair iff the greedy action is the one best action: the others are equal.
    """

    epsilon: float = 0.1
    rate_power: float = 0.6

    def __post_init__(self) -> None:
        if not 0 <= self.epsilon <= 1 or not 0 < self.rate_power <= 1:
            raise InputError(
                f"epsilon must lie from 0 to 1 and rate_power above 0 up to 1, got {self.epsilon} "
                f"and {self.rate_power}"
            )

    def start(self, problem: ActionProblem, num_runs: int) -> AbstractActionBatch:
        return _QLearningBatch(self, problem, num_runs)


class _QLearningBatch(AbstractActionBatch):
    def __init__(self, learner: QLearning, problem: ActionProblem, num_runs: int):
        shape = (num_runs, problem.num_states, problem.num_actions)
        self.num_known = np.zeros(num_runs, np.int64)
        self._learner, self._discount = learner, problem.discount
        self._q, self._visits = np.zeros(shape), np.zeros(shape)
        self._runs, self._modes = np.arange(num_runs), np.full(num_runs, Mode.planned)

    def act(self, states: Runs, uniforms: Float[np.ndarray, " B"]) -> Decision:
        laws = self._laws(self._q[self._runs, states])
        return Decision(drawn(cumulative(laws), uniforms), laws, self._modes)

    def observe(self, states: Runs, actions: Runs, rewards: np.ndarray, next_states: Runs) -> None:
        at = (self._runs, states, actions)
        self._visits[at] += 1
        target = rewards + self._discount * self._q[self._runs, next_states].max(-1)
        self._q[at] += self._visits[at] ** -self._learner.rate_power * (target - self._q[at])

    def dists(self) -> Float[np.ndarray, "B S A"]:
        return self._laws(self._q)

    def _laws(self, q: Float[np.ndarray, "*B A"]) -> Float[np.ndarray, "*B A"]:
        best = q >= q.max(-1, keepdims=True)
        eps = self._learner.epsilon
        return eps / q.shape[-1] + (1 - eps) * best / best.sum(-1, keepdims=True)
