"""The loop of learners of actions: B runs with seeds of their own, one array operation a step.

    log = run_actions(RestrictedE3(m_q=30), problem, num_steps=30_000, seeds=range(20))

A run is the same whatever other runs are in its batch: its random numbers are its own.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from evenhand.algorithms.parts.action_learner import (
    AbstractActionBatch,
    AbstractActionLearner,
    cumulative,
    drawn,
)
from evenhand.algorithms.parts.action_problem import ActionProblem
from evenhand.core.errors import InputError

# Random numbers are drawn for this many steps at a time; any other number gives the same ones.
_DRAWN_AT_ONCE = 1024
REWARDS = ("bernoulli", "mean")
# Told the step and the laws of every run at every state, before the step is made.
Audit = Callable[[int, np.ndarray], None]


@dataclass(frozen=True)
class ActionLog:
    """What happened in T steps of B runs; `laws` are what actions were drawn from.

    `num_known` counts the states known when the step was made. `seconds` is of all runs together.
    """

    states: Int[np.ndarray, "T B"]
    actions: Int[np.ndarray, "T B"]
    laws: Float[np.ndarray, "T B A"]
    rewards: Float[np.ndarray, "T B"]
    modes: Int[np.ndarray, "T B"]
    num_known: Int[np.ndarray, "T B"]
    seconds: float

    @property
    def num_steps(self) -> int:
        return len(self.states)


def run_actions(
    learner: AbstractActionLearner,
    problem: ActionProblem,
    num_steps: int,
    seeds: Sequence[int],
    rewards: str = "bernoulli",
    advance: Callable[[int], None] = lambda steps: None,
    audit: Audit | None = None,
    audit_every: int = 1,
) -> ActionLog:
    """The log of one run per seed; rewards are drawn as 0 or 1 with their mean, or are the mean.

    `advance` is told how many more steps were made, now and then. `audit` is told what would be
    played in every state, before every `audit_every`-th step; that costs more than the step.
    """
    if num_steps < 1 or not len(seeds):
        raise InputError(f"a log needs steps and seeds, got {num_steps} and {len(seeds)}")
    check_rewards(rewards)
    if audit_every < 1:
        raise InputError(f"audit_every must be 1 step or more, got {audit_every}")
    start = time.perf_counter()
    log = _empty(num_steps, len(seeds), problem.num_actions)
    generators = [np.random.default_rng(seed) for seed in seeds]
    first = np.array([generator.random() for generator in generators])
    batch = learner.start(problem, len(seeds))
    states = drawn(np.broadcast_to(cumulative(problem.initial), (len(seeds), len(problem.initial))),
                   first)  # fmt: skip
    world = _World(problem, rewards == "bernoulli")
    for begin in range(0, num_steps, _DRAWN_AT_ONCE):
        length = min(_DRAWN_AT_ONCE, num_steps - begin)
        noise = np.stack([one.random((length, 3)) for one in generators], -1)
        for t in range(length):
            if audit is not None and (begin + t) % audit_every == 0:
                audit(begin + t, batch.dists())
            states = _step(batch, world, log, begin + t, states, noise[t])
        advance(length)
    return ActionLog(*log, seconds=time.perf_counter() - start)


def check_rewards(rewards: str) -> None:
    """Refuse a way to draw rewards that does not exist."""
    if rewards not in REWARDS:
        raise InputError(f"rewards are drawn as {' or '.join(REWARDS)}, got {rewards!r}")


class _World:
    """The problem as tables to draw from."""

    def __init__(self, problem: ActionProblem, noisy: bool):
        self.cumulative, self.reward = cumulative(problem.transition), problem.reward
        self.noisy = noisy

    def step(self, states: np.ndarray, actions: np.ndarray, noise: np.ndarray) -> tuple:
        mean = self.reward[states]
        return (noise[1] < mean) * 1.0 if self.noisy else mean, drawn(
            self.cumulative[states, actions], noise[0]
        )


def _empty(T: int, B: int, A: int) -> tuple[np.ndarray, ...]:
    return (
        np.empty((T, B), np.int32),
        np.empty((T, B), np.int16),
        np.empty((T, B, A), np.float32),
        np.empty((T, B), np.float32),
        np.empty((T, B), np.int8),
        np.empty((T, B), np.int32),
    )


def _step(
    batch: AbstractActionBatch,
    world: _World,
    log: tuple[np.ndarray, ...],
    t: int,
    states: np.ndarray,
    noise: np.ndarray,
) -> np.ndarray:
    """The next states; what happened goes into row t of the log."""
    known = batch.num_known
    log[5][t] = known
    made = batch.act(states, noise[0])
    rewards, after = world.step(states, made.actions, noise[1:])
    log[0][t], log[1][t], log[2][t] = states, made.actions, made.laws
    log[3][t], log[4][t] = rewards, made.modes
    batch.observe(states, made.actions, rewards, after)
    return after
