"""What a learner of actions is: a law over actions at every state, for many runs at once."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from evenhand.algorithms.parts.action_counts import ActionCounts
from evenhand.algorithms.parts.action_problem import ActionProblem

Runs = Int[np.ndarray, " B"]


class Mode(IntEnum):
    """What a learner is doing in a step."""

    exploring_freely = 0
    """A step of a random trajectory, or of balanced wandering."""
    exploiting = 1
    """The plan for reward in the known states."""
    escaping = 2
    """The plan that leaves the known states."""
    planned = 3
    """A learner without such modes."""


class Decision(NamedTuple):
    """What every run does now: its action, the law it was drawn from, and why."""

    actions: Runs
    laws: Float[np.ndarray, "B A"]
    modes: Runs


class AbstractActionBatch(ABC):
    """A learner at work in B runs, none of which can tell that the others are there.

    `num_known (B,)`: how many states each run knows; 0 for learners that know no such thing.
    """

    num_known: Runs

    @abstractmethod
    def act(self, states: Runs, uniforms: Float[np.ndarray, " B"]) -> Decision:
        """What is done at these states; the action is drawn with one uniform number a run."""

    @abstractmethod
    def observe(self, states: Runs, actions: Runs, rewards: np.ndarray, next_states: Runs) -> None:
        """Learn from one step of every run; a reward is that of the state it was earned in."""

    @abstractmethod
    def dists(self) -> Float[np.ndarray, "B S A"]:
        """What each run would play now at every state, did it stand there; changes nothing."""


class AbstractActionLearner(ABC):
    """A method; its fields are its hyperparameters."""

    @abstractmethod
    def start(self, problem: ActionProblem, num_runs: int) -> AbstractActionBatch:
        """The method at the start of that many runs; of the problem it reads sizes and discount."""


def cumulative(laws: Float[np.ndarray, "*B A"]) -> Float[np.ndarray, "*B A"]:
    """Cumulative laws whose last entry of any probability is exactly 1, to draw from."""
    summed = laws.cumsum(-1)
    return np.where(summed > 1 - 1e-12, 1.0, summed)


def drawn(cumulated: Float[np.ndarray, "B A"], uniforms: Float[np.ndarray, " B"]) -> Runs:
    """The entry that each uniform number in [0, 1) falls on."""
    return (uniforms[:, None] >= cumulated).sum(-1)


# From the counts and the runs to plan for to their laws; and from visits of pairs that made a
# plan due to the visits that make the next one due.
Planner = Callable[[ActionCounts, np.ndarray], np.ndarray]
NextLimit = Callable[[np.ndarray], np.ndarray]


def doubled(visits: np.ndarray) -> np.ndarray:
    """Twice the visits: O(S A log T) plans in T steps."""
    return np.maximum(2 * visits, 1)


def never_again(visits: np.ndarray) -> np.ndarray:
    """A number of visits that nobody reaches."""
    return np.full_like(visits, np.iinfo(np.int64).max)


class PlannedBatch(AbstractActionBatch):
    """A law for every state, planned again when a state and action has been visited often enough.

    Only the runs in which that happened are planned for.
    """

    def __init__(
        self,
        problem: ActionProblem,
        num_runs: int,
        planner: Planner,
        first_limit: int = 1,
        next_limit: NextLimit = doubled,
    ):
        S, A = problem.num_states, problem.num_actions
        self.counts = ActionCounts(num_runs, S, A)
        self.num_known = np.zeros(num_runs, np.int64)
        self._runs, self._planner, self._next_limit = np.arange(num_runs), planner, next_limit
        self._limit = np.full((num_runs, S, A), first_limit, np.int64)
        self._modes = np.full(num_runs, Mode.planned)
        self._law = np.asarray(planner(self.counts, self._runs), float)
        self._cumulative = cumulative(self._law)

    def act(self, states: Runs, uniforms: Float[np.ndarray, " B"]) -> Decision:
        actions = drawn(self._cumulative[self._runs, states], uniforms)
        return Decision(actions, self._law[self._runs, states], self._modes)

    def observe(self, states: Runs, actions: Runs, rewards: np.ndarray, next_states: Runs) -> None:
        self.counts.add(states, actions, rewards, next_states)
        at = (self._runs, states, actions)
        due = self.counts.visits[at] >= self._limit[at]
        if due.any():
            runs = self._runs[due]
            self._limit[runs] = np.maximum(self._limit[runs], self._passed(runs))
            self._law[runs] = self._planner(self.counts, runs)
            self._cumulative[runs] = cumulative(self._law[runs])

    def dists(self) -> Float[np.ndarray, "B S A"]:
        return self._law.copy()

    def _passed(self, runs: np.ndarray) -> np.ndarray:
        """The next limit of every pair that reached its own; 0 for the others."""
        visits = self.counts.visits[runs]
        return np.where(visits >= self._limit[runs], self._next_limit(visits), 0)
