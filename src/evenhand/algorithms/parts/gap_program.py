"""A planner whose policy solves a linear program on what was seen: what all of them share."""

from typing import Any

import numpy as np

from evenhand.algorithms.parts.gap_learner import (
    AbstractGapPlanner,
    Plan,
    Reason,
    Replan,
    reason_of,
)
from evenhand.algorithms.parts.gap_problem import GapProblem
from evenhand.core.solution import Solution
from evenhand.tabular.group_fair_lp import GroupFairLP


class ProgramPlanner(AbstractGapPlanner):
    """Holds one program for all plans; the tasks that the learner names are bounded in it.

    The learner has `tasks` and `replan`.
    """

    def __init__(self, learner: Any, problem: GapProblem) -> None:
        self.learner = learner
        self.bounded = problem.chosen(learner.tasks)
        tolerance = np.where(self.bounded, problem.tolerance, np.inf)
        self.program = GroupFairLP(problem.mdp, tolerance)

    def replan(self, certified: bool = True) -> Replan:
        return self.learner.replan

    def basis(self) -> dict[str, np.ndarray]:
        return self.program.solver.basis()

    def restore(self, basis: dict[str, np.ndarray]) -> None:
        self.program.solver.restore(basis)


def solved_or_initial(
    found: Solution,
    initial: np.ndarray,
    model: np.ndarray | None = None,
    radius: np.ndarray | None = None,
) -> Plan:
    """The program's policy, or the initial one with the reason why there is none."""
    if found.policy is None:
        return Plan(initial, reason_of(found.result), model, radius)
    return Plan(found.policy, Reason.planned, model, radius)
