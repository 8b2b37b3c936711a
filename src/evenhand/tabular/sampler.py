"""The lending stream itself, sampled in numpy: an independent check on the exact frontier.

One applicant a step, drawn from everybody, as the stream is defined; nothing of the reduction to
independent persons that the exact programs rely on is used here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from evenhand.core.errors import InputError
from evenhand.data.population import DENIED, LendingPopulation

_FOLDS = 40


@dataclass(frozen=True)
class Confirmation:
    """Simulated means of profit and disparity with their standard errors."""

    profit: float
    profit_se: float
    disparity: float
    disparity_se: float
    episodes: int


def confirm(
    totals: np.ndarray,
    profit: Callable[[np.ndarray], float],
    disparity: Callable[[np.ndarray], float],
) -> Confirmation:
    """Both numbers of the mean over episodes of `totals` `(E, G, M + S)`, jackknifed for errors.

    The disparity of a mean is biased away from 0 by its own noise: near 0 read it with its error.
    """
    if len(totals) < 2:
        raise InputError(f"confirming needs at least 2 episodes, got {len(totals)}")
    folds = np.array_split(np.arange(len(totals)), min(_FOLDS, len(totals)))
    whole = totals.sum(0)
    rest = [(whole - totals[fold].sum(0)) / (len(totals) - len(fold)) for fold in folds]
    mean, errors = whole / len(totals), []
    for statistic in (profit, disparity):
        left_out = np.array([statistic(part) for part in rest])
        errors.append(float(np.sqrt((len(folds) - 1) * left_out.var())))
    return Confirmation(profit(mean), errors[0], disparity(mean), errors[1], len(totals))


def sample_totals(
    population: LendingPopulation,
    policy: np.ndarray,
    episodes: int,
    steps: int | None = None,
    by_time: bool = False,
    seed: int = 0,
) -> np.ndarray:
    """`(E, G, M + K)` realised sums per group and episode, laid out as `evaluation.totals`.

    `policy` is `(G, K, A)`, or `(G, H, K, A)` with stages counted in a person's visits, or in
    steps where `by_time`. A visit beyond the last stage uses the last stage.
    """
    rng = np.random.default_rng(seed)
    steps = population.episode_steps if steps is None else steps
    stream = Stream(population, policy, episodes, rng)
    for t in range(steps):
        stream.step(t if by_time else None)
    return stream.totals()


class Visit(NamedTuple):
    """One decision in each of E streams; arrays are `(E,)`."""

    person: np.ndarray
    group: np.ndarray
    level: np.ndarray
    visit: np.ndarray
    """How often this person was decided about before."""
    approve_prob: np.ndarray
    profit: np.ndarray
    moved: np.ndarray
    """The person's next level."""
    moved_if_denied: np.ndarray
    """The next level that a denial would have led to, with the same draw of the drift."""


class Stream:
    """`episodes` independent streams, stepped together.

    `policy` as in `sample_totals`, or `(E, G, H, K, A)`: one for each episode.
    """

    def __init__(
        self,
        population: LendingPopulation,
        policy: np.ndarray,
        episodes: int,
        rng: np.random.Generator,
    ) -> None:
        self.population, self.rng = population, rng
        staged = policy[:, None] if policy.ndim == 3 else policy
        approve = staged[..., 1]
        self.approve_prob = np.broadcast_to(approve, (episodes, *approve.shape[-3:]))
        self.group_of = np.repeat(np.arange(population.num_groups), population.population_per_group)
        self.levels = _initial_levels(population, self.group_of, episodes, rng)
        self.visits = np.zeros(self.levels.shape, np.int32)
        self.move_cdf = population.move_law().cumsum(-1)[..., :-1]
        self.sums = np.zeros((episodes, population.num_groups, 5))
        self.episode = np.arange(episodes)

    def step(self, time: int | None = None) -> Visit:
        """Decide about one person in every stream; `time` is the stage, None the person's own."""
        world, episode = self.population, self.episode
        person = self.rng.integers(world.num_people, size=len(episode))
        group, level = self.group_of[person], self.levels[episode, person]
        visit = self.visits[episode, person]
        stage = np.minimum(visit if time is None else time, self.approve_prob.shape[2] - 1)
        chance, outcome, where = self.rng.random((3, len(episode)))
        approve_prob = self.approve_prob[episode, group, stage, level]
        approved = chance < approve_prob
        repays = outcome < world.repay_prob[group, level]
        moved = self._target(np.where(approved, 1 + repays, DENIED), group, level, where)
        profit = np.where(repays, world.reward_repaid, world.reward_default) * approved
        gain = world.potential[moved] - world.potential[level]
        earned = np.stack([profit, gain, approved, repays, approved & repays], -1)
        self.sums[episode, group] += earned
        self.levels[episode, person] = moved
        self.visits[episode, person] += 1
        denied = self._target(DENIED, group, level, where)
        return Visit(person, group, level, visit, approve_prob, profit, moved, denied)

    def _target(
        self, happened: np.ndarray | int, group: np.ndarray, level: np.ndarray, where: np.ndarray
    ) -> np.ndarray:
        # Inverse CDF: a level moves up with the drift, so one uniform is one draw of the drift.
        return (self.move_cdf[happened, group, level] < where[:, None]).sum(-1)

    def totals(self) -> np.ndarray:
        """`(E, G, M + K)` sums so far and people at each level, laid out as `sample_totals`."""
        world = self.population
        ended = np.stack(
            [
                (self.levels[:, self.group_of == g, None] == np.arange(world.num_levels)).sum(1)
                for g in range(world.num_groups)
            ],
            axis=1,
        )
        return np.concatenate([self.sums, ended], axis=-1)


def _initial_levels(
    population: LendingPopulation, group_of: np.ndarray, episodes: int, rng: np.random.Generator
) -> np.ndarray:
    """`(E, people)` first levels: the exact counts, or a draw per person and episode."""
    if population.initial_levels == "exact":
        counts = population.initial_counts()
        levels = [np.repeat(np.arange(population.num_levels), row) for row in counts]
        return np.tile(np.concatenate(levels), (episodes, 1))
    cdf = population.initial.cumsum(1)[:, :-1]
    draws = rng.random((episodes, len(group_of)))
    return (cdf[group_of] < draws[..., None] * population.initial.sum(1)[group_of, None]).sum(-1)
