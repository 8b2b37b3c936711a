"""The loop of learners with a bound on gaps: plan when due, play one episode per group, count.

    run = GapRun(OptimisticPessimistic(scale=1e-3), problem, num_episodes=20_000, seed=0)
    record = run.advance().record()

A run may stop after any episode, be saved, loaded and continued; it then ends as if it had never
stopped.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from evenhand.algorithms.parts.gap_learner import AbstractGapLearner, Reason, due
from evenhand.algorithms.parts.gap_problem import GapProblem
from evenhand.algorithms.parts.gap_record import GapRecord
from evenhand.algorithms.parts.trajectories import EpisodeSampler, cdf_lists
from evenhand.core.errors import InputError
from evenhand.tabular.learning import confidence_event, policy_returns

# What `event` holds where a plan rests on no radius.
NO_RADIUS = -1


@dataclass
class GapState:
    """Everything a run needs to go on, apart from the learner, the problem and the solver's basis.

    `initial` is the policy to fall back on, `certified` whether its gap is taken as known.
    Per-episode rows are filled up to `episode`: true returns `J`, the `reason` for the policy,
    whether it was planned in this episode, and whether the confidence event held when it was
    planned (1, 0, or -1 without a radius).
    """

    rng: np.random.Generator
    counts: Float[np.ndarray, "G S A S"]
    policy: Float[np.ndarray, "G H S A"]
    initial: Float[np.ndarray, "G H S A"]
    planned_visits: Float[np.ndarray, "G S A"]
    J: Float[np.ndarray, "K G M"]
    reason: Int[np.ndarray, " K"]
    event: Int[np.ndarray, " K"]
    planned: Bool[np.ndarray, " K"]
    episode: int = 0
    planned_at: int = -1
    certified: bool = True
    seconds: float = 0.0


def fresh_state(problem: GapProblem, num_episodes: int, seed: int) -> GapState:
    """The state before the first episode."""
    G, _, S, A = problem.initial_policy.shape
    initial = np.array(problem.initial_policy, np.float64)
    return GapState(
        rng=np.random.default_rng(seed),
        counts=np.zeros((G, S, A, S)),
        policy=initial,
        initial=initial,
        planned_visits=np.zeros((G, S, A)),
        J=np.full((num_episodes, G, len(problem.mdp.signals)), np.nan),
        reason=np.full(num_episodes, Reason.margin, np.int8),
        event=np.full(num_episodes, NO_RADIUS, np.int8),
        planned=np.zeros(num_episodes, bool),
    )


class GapRun:
    """A learner on a problem, one episode after the other; `state` is all that changes."""

    def __init__(
        self,
        learner: AbstractGapLearner,
        problem: GapProblem,
        num_episodes: int,
        seed: int,
        state: GapState | None = None,
    ) -> None:
        if num_episodes < 1:
            raise InputError(f"num_episodes must be 1 or more, got {num_episodes}")
        self.learner, self.problem, self.seed = learner, problem, seed
        self.num_episodes = num_episodes
        self.planner = learner.planner(problem, num_episodes)
        if state is None:
            state = fresh_state(problem, num_episodes, seed)
            state.certified = self.planner.starts_certified
        self.state = state
        self._sampler = EpisodeSampler(problem.mdp)
        self._take(self.state.policy)

    def advance(
        self,
        until: int | None = None,
        progress: Callable[[int, int], None] | None = None,
        progress_every: int = 500,
    ) -> "GapRun":
        """The run itself, after `until` episodes in all (by default, all that were planned).

        `progress(episode, num_episodes)` is called between episodes, where a run can be saved.
        """
        state = self.state
        end = self.num_episodes if until is None else min(until, self.num_episodes)
        while state.episode < end:
            stop = min(end, state.episode - state.episode % progress_every + progress_every)
            start = time.perf_counter()
            while state.episode < stop:
                self._episode()
            state.seconds += time.perf_counter() - start
            if progress is not None:
                progress(state.episode, self.num_episodes)
        return self

    def record(self) -> GapRecord:
        """What happened so far."""
        state, k = self.state, self.state.episode
        return GapRecord(
            learner=self.learner,
            problem=self.problem,
            num_episodes=self.num_episodes,
            J=state.J[:k].copy(),
            reason=state.reason[:k].copy(),
            event=state.event[:k].copy(),
            planned=state.planned[:k].copy(),
            visits=state.counts.sum(-1),
            seconds=state.seconds,
        )

    def _episode(self) -> None:
        state, k = self.state, self.state.episode
        visits = state.counts.sum(-1)
        when = self.planner.replan(state.certified)
        planned = state.planned_at < 0 or due(
            when, k - state.planned_at, visits, state.planned_visits
        )
        if planned:
            self._plan(visits)
        elif k:
            state.reason[k], state.event[k] = state.reason[k - 1], state.event[k - 1]
        self._sampler.play(self._cdf, state.rng, state.counts)
        state.J[k], state.planned[k] = self._J, planned
        state.episode = k + 1

    def _plan(self, visits: np.ndarray) -> None:
        state, k = self.state, self.state.episode
        plan = self.planner.plan(state.counts, state.initial, state.certified)
        state.planned_at, state.planned_visits = k, visits
        state.reason[k] = plan.reason
        if plan.model is not None and plan.radius is not None:
            state.event[k] = confidence_event(plan.model, self.problem.mdp.transition, plan.radius)
        if plan.certified is not None:
            state.initial, state.certified = plan.certified, True
        # The initial policy and a fixed one come back as the same array: nothing to evaluate.
        if plan.policy is not state.policy:
            self._take(plan.policy)

    def _take(self, policy: np.ndarray) -> None:
        mdp = self.problem.mdp
        self.state.policy = policy
        self._cdf = cdf_lists(policy)
        self._J = policy_returns(mdp.transition, mdp.initial, mdp.rewards, policy)
