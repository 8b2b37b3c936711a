"""Optimistic-pessimistic learning with a bound on the gap of every task, in finite problems.

The tabular algorithm of Song et al., "Group Fairness in Multi-Task Reinforcement Learning" (2025,
arXiv 2503.07817), for one task that of Satija et al., "Group Fairness in Reinforcement Learning"
(TMLR 2023): plan on the estimated model among the policies whose gap would be within the
tolerance even if the minuend were underestimated and the subtrahend overestimated as much as the
data allow, with a bonus for what is little known. What is guaranteed, and what is not, stands in
docs/multitask_guarantees.md.
"""

from dataclasses import dataclass

import numpy as np

from evenhand.algorithms.parts.gap_learner import (
    AbstractGapLearner,
    Plan,
    Reason,
    Replan,
    check_replan,
)
from evenhand.algorithms.parts.gap_problem import GapProblem
from evenhand.algorithms.parts.gap_program import ProgramPlanner, solved_or_initial
from evenhand.core.errors import InputError
from evenhand.tabular.learning import (
    ConfidenceRadius,
    confidence_radius,
    empirical_model,
    exploration_bonus,
    largest_gap,
    policy_returns,
    reward_coefficient,
    shifted_rewards,
)


@dataclass(frozen=True)
class OptimisticPessimistic(AbstractGapLearner):
    """Best optimistic policy among those that the data show to be within the tolerance.

    - `scale`: b, multiplies the confidence radius. 1 is the theory; anything less is a choice
      under which violations are possible, and are counted.
    - `failure_prob`: delta, the chance that the confidence event fails at scale 1.
    - `min_visits`: a state and action visited less often counts as unknown whatever the scale. The
      paper has no such rule (0); without it a small scale trusts what was seen once, and exceeds
      the tolerance.
    - `rule`: "paper" or the tighter "hoeffding" radius.
    - `coefficient`: c, weight of the radius in shifted rewards; S H by default.
    - `tasks`: the tasks whose gap is bounded, all by default. One name is the single-task method,
      `()` an optimistic learner without constraint. The objective always counts all tasks.
    - `replan`: solve the program every so many episodes, or by the "doubling" rule.
    """

    scale: float = 1.0
    failure_prob: float = 0.1
    min_visits: int = 5
    rule: str = "paper"
    coefficient: float | None = None
    tasks: tuple[str, ...] | None = None
    replan: Replan = 1

    def __post_init__(self) -> None:
        check_replan(self.replan)
        if not self.scale >= 0:
            raise InputError(f"scale must be 0 or more, got {self.scale}; 1 is the theory's value")
        if self.min_visits < 0:
            raise InputError(f"min_visits must be 0 or more, got {self.min_visits}")
        if not 0 < self.failure_prob < 1:
            raise InputError(
                f"failure_prob must lie between 0 and 1, got {self.failure_prob}; try 0.1"
            )

    def promised(self, problem: GapProblem) -> np.ndarray:
        return problem.chosen(self.tasks)

    def planner(self, problem: GapProblem, num_episodes: int) -> "ConservativePlanner":
        return ConservativePlanner(self, problem, num_episodes)

    def radius(self, problem: GapProblem, num_episodes: int) -> ConfidenceRadius:
        """The radius of a run of that many episodes."""
        groups, horizon, states, actions = problem.initial_policy.shape
        shape = (groups, states, actions)
        return confidence_radius(
            shape, horizon, num_episodes, self.failure_prob, self.scale, self.rule, self.min_visits
        )

    def reward_shift(self, problem: GapProblem) -> float:
        """c, the weight of the radius in shifted rewards."""
        _, horizon, states, _ = problem.initial_policy.shape
        given = self.coefficient
        return reward_coefficient(states, horizon) if given is None else given


class ConservativePlanner(ProgramPlanner):
    """The learner at work: radius, fallback test and program for one problem."""

    def __init__(
        self, learner: OptimisticPessimistic, problem: GapProblem, num_episodes: int
    ) -> None:
        super().__init__(learner, problem)
        self.problem = problem
        self.radius = learner.radius(problem, num_episodes)
        self.shift = learner.reward_shift(problem)
        groups, horizon, _, _ = problem.initial_policy.shape
        slack = problem.slack if self.bounded.any() else np.inf
        self.alpha = exploration_bonus(self.shift, groups, horizon, slack)

    def plan(self, counts: np.ndarray, initial: np.ndarray, certified: bool = True) -> Plan:
        model, radius = empirical_model(counts), self.radius(counts.sum(-1))
        if self.upper_gap(model, radius, initial) > self.problem.fallback_threshold:
            return Plan(initial, Reason.margin, model, radius)
        rewards = self.problem.mdp.rewards
        upper, lower = shifted_rewards(rewards, radius, self.shift)
        bonus = rewards.shape[-1] * self.alpha * radius
        found = self.program.solve(model, upper, lower, bonus)
        return solved_or_initial(found, initial, model, radius)

    def upper_gap(self, model: np.ndarray, radius: np.ndarray, policy: np.ndarray) -> float:
        """The largest gap of a policy on a bounded task that the data allow.

        max over tasks and i != j of J(pi_i; model_i, optimistic) - J(pi_j; model_j, pessimistic).
        """
        mdp = self.problem.mdp
        # One pass for the returns of all tasks and for the expected sum of radii behind them.
        columns = np.concatenate([mdp.rewards[..., self.bounded], radius[..., None]], axis=-1)
        found = policy_returns(model, mdp.initial, columns, policy)
        J, doubt = found[:, :-1], self.shift * found[:, -1:]
        return largest_gap(J + doubt, J - doubt)
