"""What the optimistic-pessimistic learner is compared with, on the same problem and record.

Satija et al. (2023) compare with planning on the estimated model as if it were true, with the
initial policy and with the optimum; Song et al. (2025) with the single-task method, here
`OptimisticPessimistic(tasks=("name",))`. `OptimisticPessimistic(tasks=())` has no constraint.
"""

from dataclasses import dataclass

import numpy as np

from evenhand.algorithms.parts.gap_learner import (
    AbstractGapLearner,
    AbstractGapPlanner,
    Plan,
    Reason,
    Replan,
    check_replan,
)
from evenhand.algorithms.parts.gap_problem import GapProblem
from evenhand.algorithms.parts.gap_program import ProgramPlanner, solved_or_initial
from evenhand.core.errors import InputError, unknown_name
from evenhand.tabular.learning import empirical_model


@dataclass(frozen=True)
class CertaintyEquivalent(AbstractGapLearner):
    """The program on the estimated model, taken for the truth: no radius, no bonus, no fallback.

    The predecessor's "MLE". Where no policy meets the tolerance on the estimate, it plays the
    initial policy.
    """

    tasks: tuple[str, ...] | None = None
    replan: Replan = 1

    def __post_init__(self) -> None:
        check_replan(self.replan)

    def planner(self, problem: GapProblem, num_episodes: int) -> AbstractGapPlanner:
        return _PlainPlanner(self, problem)


class _PlainPlanner(ProgramPlanner):
    def plan(self, counts: np.ndarray, initial: np.ndarray, certified: bool = True) -> Plan:
        return solved_or_initial(self.program.solve(empirical_model(counts)), initial)


@dataclass(frozen=True)
class FixedPolicy(AbstractGapLearner):
    """The initial policy, or the optimum within the tolerance, in every episode."""

    which: str = "initial"

    def __post_init__(self) -> None:
        if self.which not in ("initial", "optimum"):
            raise unknown_name("fixed policy", self.which, ("initial", "optimum"))

    def planner(self, problem: GapProblem, num_episodes: int) -> AbstractGapPlanner:
        if self.which == "initial":
            return _FixedPlanner(problem.initial_policy)
        found = problem.optimum
        if found.policy is None:
            raise InputError(
                f"there is no optimum within tolerance={problem.tolerance}: {found.result.value}"
            )
        return _FixedPlanner(found.policy)


class _FixedPlanner(AbstractGapPlanner):
    def __init__(self, policy: np.ndarray) -> None:
        self.policy = policy

    def plan(self, counts: np.ndarray, initial: np.ndarray, certified: bool = True) -> Plan:
        return Plan(self.policy, Reason.fixed)

    def replan(self, certified: bool = True) -> Replan:
        return "never"
