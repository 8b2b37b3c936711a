"""E3 (Kearns and Singh 2002): explicit explore or exploit, with balanced wandering."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from evenhand.algorithms.parts.action_learner import (
    AbstractActionBatch,
    AbstractActionLearner,
    Runs,
)
from evenhand.algorithms.parts.action_problem import ActionProblem
from evenhand.algorithms.parts.explore_exploit import ExploreExploitBatch, ExploreRule
from evenhand.algorithms.parts.mixing_phases import MixingPhases
from evenhand.core.errors import InputError


@dataclass(frozen=True)
class E3(AbstractActionLearner):
    """At unknown states the action tried least; a state is known once each was tried `m` times.

    The rest is RestrictedE3 without a restriction: the same plans, threshold and mixing time.
    """

    m: int = 30
    eps: float = 0.1
    scale_explore: float = 1.0
    mixing_time: int | str = 16
    phase_steps: int = 256
    phase_growth: int = 4

    def __post_init__(self) -> None:
        if self.m < 1:
            raise InputError(f"m must be 1 or more tries of an action, got {self.m}")
        self._phases()

    def start(self, problem: ActionProblem, num_runs: int) -> AbstractActionBatch:
        rule = ExploreRule(self.eps, self.scale_explore, 1, self._phases())
        return _E3Batch(problem, num_runs, rule, self.m)

    def _phases(self) -> MixingPhases:
        return MixingPhases(self.mixing_time, self.phase_steps, self.phase_growth)


class _E3Batch(ExploreExploitBatch):
    def __init__(self, problem: ActionProblem, num_runs: int, rule: ExploreRule, m: int):
        super().__init__(problem, num_runs, rule)
        self._m = m

    def free_laws(self) -> Float[np.ndarray, "B S A"]:
        return self._eye[self.counts.visits.argmin(-1)]

    def free_step(
        self, states: Runs, uniforms: Float[np.ndarray, " B"]
    ) -> tuple[Runs, Float[np.ndarray, "B A"]]:
        actions = self.counts.visits[self._runs, states].argmin(-1)
        return actions, self._eye[actions]

    def newly_known(
        self, states: Runs, actions: Runs, rewards: np.ndarray
    ) -> tuple[Int[np.ndarray, " b"], Int[np.ndarray, " b"]] | None:
        tried = self.counts.visits[self._runs, states].min(-1)
        now = ~self.known[self._runs, states] & (tried >= self._m)
        return (self._runs[now], states[now]) if now.any() else None

    def learn(self, runs: Int[np.ndarray, " b"], states: Int[np.ndarray, " b"]) -> None:
        own = np.arange(len(runs))
        self.transition[runs, states] = self.counts.transition(runs)[own, states]
        self.reward[runs, states] = self.counts.reward(runs)[own, states]
