"""Fair-E3 (Jabbari et al. 2017): E3 that plays only what it has shown to be nearly optimal."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from evenhand.algorithms.parts.action_learner import (
    AbstractActionBatch,
    AbstractActionLearner,
    Mode,
    Runs,
)
from evenhand.algorithms.parts.action_problem import ActionProblem
from evenhand.algorithms.parts.e3_constants import horizon_time, theory_constants
from evenhand.algorithms.parts.explore_exploit import ExploreExploitBatch, ExploreRule
from evenhand.algorithms.parts.importance_q import TrajectoryStore
from evenhand.algorithms.parts.mixing_phases import MixingPhases
from evenhand.core.errors import InputError, unknown_name
from evenhand.tabular.restricted import action_mask, q_values

ESTIMATORS = ("certainty-equivalence", "importance-sampling", "oracle")
# Trajectories that the importance-sampling estimator keeps, in numbers, at most.
_LARGEST_STORE = 200_000_000


@dataclass(frozen=True)
class RestrictedE3(AbstractActionLearner):
    """Uniform random trajectories from unknown states; elsewhere plans on nearly optimal actions.

    A state is known after `m_q` trajectories of `horizon` steps that began there (Def. 7; without
    a number, the theory's, with `scale_m1` for the part of Q* and `scale_m2` for the model's). Its
    actions are then those with an estimated value within `mask_slack` * alpha of the best; with
    `freeze` its model and actions never change again. `estimator` makes the values: Q* of the
    empirical model, the paper's reusable trajectories (tiny problems only), or an oracle's.
    From a known state it explores where it can leave with chance `scale_explore` eps / (4 T).
    """

    alpha: float = 0.1
    eps: float = 0.1
    m_q: int | None = None
    scale_m1: float = 1.0
    scale_m2: float = 1.0
    scale_explore: float = 1.0
    horizon: int | None = None
    mixing_time: int | str = 16
    phase_steps: int = 256
    phase_growth: int = 4
    mask_slack: float = 0.5
    estimator: str = "certainty-equivalence"
    freeze: bool = True
    delta: float = 0.1

    def __post_init__(self) -> None:
        if self.estimator not in ESTIMATORS:
            raise unknown_name("estimator of values", self.estimator, ESTIMATORS)
        for name in ("alpha", "eps", "mask_slack", "scale_m1", "scale_m2", "scale_explore"):
            if not getattr(self, name) >= 0:
                raise InputError(f"{name} must be 0 or more, got {getattr(self, name)}")
        for name in ("m_q", "horizon"):
            given = getattr(self, name)
            if given is not None and given < 1:
                raise InputError(f"{name} must be 1 or more, or not given, got {given}")
        self._phases()

    def start(self, problem: ActionProblem, num_runs: int) -> AbstractActionBatch:
        horizon = self.horizon or horizon_time(self.eps, problem.discount)
        rule = ExploreRule(self.eps, self.scale_explore, horizon, self._phases())
        return _RestrictedE3Batch(self, problem, num_runs, rule)

    def trajectories(self, problem: ActionProblem) -> int:
        """How many random trajectories from a state make it known."""
        if self.m_q is not None:
            return self.m_q
        n, k, T = problem.num_states, problem.num_actions, self._phases().at(0)
        asked = theory_constants(n, k, problem.discount, self.eps, self.alpha, T, self.delta)
        return math.ceil(k * max(self.scale_m1 * asked.m_1, self.scale_m2 * asked.m_2, 1 / k))

    def _phases(self) -> MixingPhases:
        return MixingPhases(self.mixing_time, self.phase_steps, self.phase_growth)


class _RestrictedE3Batch(ExploreExploitBatch):
    """`trajectories (B, S)` counts random trajectories that began at each state."""

    def __init__(
        self, learner: RestrictedE3, problem: ActionProblem, num_runs: int, rule: ExploreRule
    ):
        super().__init__(problem, num_runs, rule)
        self.learner, self.num_actions = learner, problem.num_actions
        self.m_q = learner.trajectories(problem)
        self.trajectories = np.zeros((num_runs, problem.num_states), np.int64)
        self._oracle = None
        if learner.estimator == "oracle":
            self._oracle = np.broadcast_to(problem.q_values, self.mask.shape)
        self._uniform = np.full(problem.num_actions, 1 / problem.num_actions)
        self._store = None
        if learner.estimator == "importance-sampling":
            self._store = _store(problem, num_runs, self.m_q, rule.free_steps)

    def free_laws(self) -> Float[np.ndarray, "B S A"]:
        return np.broadcast_to(self._uniform, self.mask.shape)

    def free_step(
        self, states: Runs, uniforms: Float[np.ndarray, " B"]
    ) -> tuple[Runs, Float[np.ndarray, "B A"]]:
        return (uniforms * self.num_actions).astype(np.int64), np.broadcast_to(
            self._uniform, (len(states), self.num_actions)
        )

    def newly_known(
        self, states: Runs, actions: Runs, rewards: np.ndarray
    ) -> tuple[Int[np.ndarray, " b"], Int[np.ndarray, " b"]] | None:
        free = self.mode == Mode.exploring_freely
        if self._store is not None:
            runs, start = self._runs[free], self.start[free]
            number, position = self.trajectories[runs, start], self.rule.free_steps - 1 - self.left
            self._store.add(
                (runs, start, number, position[free]), states[free], actions[free], rewards[free]
            )
        ended = free & (self.left == 0)
        if not ended.any():
            return None
        runs, start = self._runs[ended], self.start[ended]
        self.trajectories[runs, start] += 1
        full = self.trajectories[runs, start] == self.m_q
        return (runs[full], start[full]) if full.any() else None

    def learn(self, runs: Int[np.ndarray, " b"], states: Int[np.ndarray, " b"]) -> None:
        transition, reward = self.counts.transition(runs), self.counts.reward(runs)
        found = self._values(runs, states, transition, reward)
        mask = action_mask(found, self.learner.mask_slack * self.learner.alpha)
        if self.learner.freeze or self._store is not None:
            own = np.arange(len(runs))
            self.mask[runs, states] = mask[own, states]
        else:
            self.mask[runs] = mask
        if self.learner.freeze:
            own = np.arange(len(runs))
            self.transition[runs, states] = transition[own, states]
            self.reward[runs, states] = reward[own, states]
        else:
            self.transition[runs], self.reward[runs] = transition, reward

    def _values(
        self,
        runs: Int[np.ndarray, " b"],
        states: Int[np.ndarray, " b"],
        transition: Float[np.ndarray, "b S A S"],
        reward: Float[np.ndarray, "b S"],
    ) -> Float[np.ndarray, "b S A"]:
        """Estimates of Q*, with importance sampling of the rows of `states` only."""
        if self._oracle is not None:
            return self._oracle[runs]
        if self._store is None:
            return q_values(transition, reward, self.discount)
        found = np.zeros(transition.shape[:-1])
        for i, (run, state) in enumerate(zip(runs, states, strict=True)):
            found[i, state] = self._store.q_values(int(run), int(state), self.discount)
        return found


def _store(problem: ActionProblem, num_runs: int, m_q: int, horizon: int) -> TrajectoryStore:
    if num_runs * problem.num_states * m_q * horizon > _LARGEST_STORE:
        raise InputError(
            f"importance sampling keeps {m_q:,} trajectories of {horizon} steps for each state and "
            "run, which is too much; lower m_q or horizon, or use certainty-equivalence"
        )
    return TrajectoryStore(num_runs, problem.num_states, problem.num_actions, m_q, horizon)
