"""What plans a policy for every group from counts, and the names of what it may come to."""

from abc import ABC, abstractmethod
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from evenhand.algorithms.parts.gap_problem import GapProblem
from evenhand.core.errors import InputError
from evenhand.core.solution import RESULTS

# A number of episodes, "doubling" or, for what is planned once, "never".
Replan = int | str


class Reason(IntEnum):
    """Why a policy is played; all but the first and the last play the initial one."""

    planned = 0
    """It solves the learner's program."""
    margin = 1
    """The initial policy is not known well enough: it failed the fallback test."""
    infeasible = 2
    """No policy meets the program's constraints on the estimated model."""
    numerical = 3
    """The solver gave no solution that passes its checks."""
    uncertified = 4
    """A start is still being sought: nothing but the starting policy's own gap is known."""
    fixed = 5
    """Nothing is learned."""


FALLBACKS = (Reason.margin, Reason.infeasible, Reason.numerical)


class Plan(NamedTuple):
    """A policy `(G, H, S, A)` and why; the model and radius it rests on, where there is one.

    `certified`: a policy found to keep the initial gap, to fall back on from now on.
    """

    policy: np.ndarray
    reason: Reason
    model: np.ndarray | None = None
    radius: np.ndarray | None = None
    certified: np.ndarray | None = None


class AbstractGapPlanner(ABC):
    """A learner put to work on one problem; it may hold a solver but no other memory.

    `starts_certified`: the problem's initial policy is taken to have the gap it is said to have.
    """

    starts_certified = True

    @abstractmethod
    def plan(self, counts: np.ndarray, initial: np.ndarray, certified: bool) -> Plan:
        """The policy for the coming episodes from the transitions `(G, S, A, S)` seen so far."""

    @abstractmethod
    def replan(self, certified: bool) -> Replan:
        """When to plan again: after so many episodes, or by the doubling rule."""

    def basis(self) -> dict[str, np.ndarray]:
        """Arrays from which the solver goes on as if it had never stopped."""
        return {}

    def restore(self, basis: dict[str, np.ndarray]) -> None:  # noqa: B027 (nothing to restore)
        """Go on from what `basis` gave."""


class AbstractGapLearner(ABC):
    """A method; its fields are its hyperparameters, state and loop live in `gap_run`."""

    def promised(self, problem: GapProblem) -> np.ndarray:
        """`(M,)` tasks whose gap stays within the tolerance while the confidence event holds."""
        return np.zeros(len(problem.mdp.signals), bool)

    @abstractmethod
    def planner(self, problem: GapProblem, num_episodes: int) -> AbstractGapPlanner:
        """The method at work on a problem, for a run of that many episodes."""


def due(replan: Replan, since: int, visits: np.ndarray, planned_visits: np.ndarray) -> bool:
    """True where it is time to plan again, `since` episodes after the last plan.

    Doubling: some state and action has now at least twice the visits it had then, and at least
    one. Each of them can be the reason at most 1 + log2(H K) times, so K episodes need
    O(G S A log(H K)) programs.
    """
    if replan == "never":
        return False
    if isinstance(replan, str):
        return bool((visits >= np.maximum(2 * planned_visits, 1)).any())
    return since >= replan


def check_replan(replan: Replan) -> None:
    """Refuse what is neither a number of episodes nor the doubling rule."""
    if replan != "doubling" and (isinstance(replan, str) or replan < 1):
        raise InputError(
            f"replan must be 'doubling' or a number of episodes of 1 or more, got {replan!r}"
        )


def reason_of(result: RESULTS) -> Reason:
    """Why a program without a solution led to the initial policy."""
    return Reason.infeasible if result is RESULTS.infeasible else Reason.numerical
