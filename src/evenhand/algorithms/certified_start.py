"""A learner that finds its own initial policy from data, where nobody can give one.

The papers assume an initial policy whose gaps are known to be small. Without it, some policy has
to be played first, and nothing but that policy's own gap can be promised for those episodes: no
rule of action makes the returns of groups with unknown, different dynamics alike. What data can
do is to end that phase: the first policy whose largest gap is at most the initial gap in every
model that the data allow takes the place of the given one. The confidence event covers all
episodes and all policies at once, so this choice costs no further probability of failure.
"""

from dataclasses import dataclass, field

import numpy as np

from evenhand.algorithms.optimistic_pessimistic import ConservativePlanner, OptimisticPessimistic
from evenhand.algorithms.parts.gap_learner import (
    AbstractGapLearner,
    AbstractGapPlanner,
    Plan,
    Reason,
    Replan,
)
from evenhand.algorithms.parts.gap_problem import GapProblem
from evenhand.tabular.learning import empirical_model, shifted_rewards
from evenhand.tabular.least_gap import LeastGapLP


@dataclass(frozen=True)
class CertifiedStart(AbstractGapLearner):
    """Plays the problem's initial policy until data certify another one, then `learner`.

    The problem's `initial_policy` is only where it starts: its gap may be anything, and should be
    one that is acceptable for a while. `initial_gap` is what a policy is certified for; half the
    tolerance is a good choice, since less takes more data and more leaves less to learn with. The
    search is made by the doubling rule.
    """

    learner: OptimisticPessimistic = field(default_factory=OptimisticPessimistic)

    def promised(self, problem: GapProblem) -> np.ndarray:
        return self.learner.promised(problem)

    def planner(self, problem: GapProblem, num_episodes: int) -> "CertifyingPlanner":
        return CertifyingPlanner(self, problem, num_episodes)


class CertifyingPlanner(AbstractGapPlanner):
    """The search at work; once it has a policy the learner's own planner takes over."""

    starts_certified = False

    def __init__(self, learner: CertifiedStart, problem: GapProblem, num_episodes: int) -> None:
        self.problem = problem
        self.conservative = ConservativePlanner(learner.learner, problem, num_episodes)
        self._least = LeastGapLP(problem.mdp, self.conservative.bounded)

    def plan(self, counts: np.ndarray, initial: np.ndarray, certified: bool) -> Plan:
        if certified:
            return self.conservative.plan(counts, initial)
        model, radius = empirical_model(counts), self.conservative.radius(counts.sum(-1))
        rewards = self.problem.mdp.rewards
        found = self._least.solve(model, *shifted_rewards(rewards, radius, self.conservative.shift))
        # Rounding in the program must not certify more than the data do.
        if found.policy is None or (
            self.conservative.upper_gap(model, radius, found.policy) > self.problem.initial_gap
        ):
            return Plan(initial, Reason.uncertified, model, radius)
        plan = self.conservative.plan(counts, found.policy)
        return plan._replace(certified=found.policy)

    def replan(self, certified: bool) -> Replan:
        return self.conservative.replan() if certified else "doubling"

    def basis(self) -> dict[str, np.ndarray]:
        return self.conservative.basis()

    def restore(self, basis: dict[str, np.ndarray]) -> None:
        self.conservative.restore(basis)
