"""What a run of a learner with a bound on gaps did, in every episode and in sums."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import ArrayLike

from evenhand.algorithms.parts.gap_learner import FALLBACKS, AbstractGapLearner, Reason
from evenhand.algorithms.parts.gap_problem import ROUNDING, GapProblem
from evenhand.tabular.learning import gaps


@dataclass(frozen=True, eq=False)
class GapRecord:
    """Rows of every episode under the true dynamics; `num_episodes` counts those planned for.

    `J` are expected returns of the policy played, `reason` why it was played (a `Reason`),
    `planned` whether it was planned in this episode, `event` whether the confidence event held
    when it was planned: 1, 0, or -1 for a method without a radius. `visits` are the final ones.
    """

    learner: AbstractGapLearner
    problem: GapProblem
    num_episodes: int
    J: Float[np.ndarray, "K G M"]
    reason: Int[np.ndarray, " K"]
    event: Int[np.ndarray, " K"]
    planned: Bool[np.ndarray, " K"]
    visits: Float[np.ndarray, "G S A"]
    seconds: float

    @cached_property
    def gaps(self) -> Float[np.ndarray, "K M"]:
        """Largest difference of two groups' returns, for each task."""
        return gaps(self.J)

    @cached_property
    def violated(self) -> Bool[np.ndarray, "K M"]:
        """Whether a task's gap was above the tolerance, by more than rounding."""
        return self.gaps > self.problem.tolerance + ROUNDING

    @cached_property
    def violated_under_event(self) -> Bool[np.ndarray, " K"]:
        """Whether a gap that the learner promises to bound was too large though the event held."""
        promised = self.violated & self.learner.promised(self.problem)
        return promised.any(1) & (self.event == 1) & (self.reason != Reason.uncertified)

    @cached_property
    def total(self) -> Float[np.ndarray, " K"]:
        """Sum of the returns of all groups and tasks, the objective."""
        return self.J.sum((1, 2))

    @cached_property
    def regret(self) -> Float[np.ndarray, " K"]:
        """What the optimum within the tolerance has more; NaN if no policy meets the tolerance.

        Negative in episodes that earn more by exceeding the tolerance.
        """
        best = self.problem.optimum.J
        return (np.nan if best is None else best.sum()) - self.total

    @cached_property
    def initial_regret(self) -> Float[np.ndarray, " K"]:
        """What the initial policy has more; negative once learning pays."""
        return self.problem.initial_returns.sum() - self.total

    @cached_property
    def fell_back(self) -> Bool[np.ndarray, " K"]:
        """Whether the initial policy was played for want of a planned one."""
        return np.isin(self.reason, FALLBACKS)

    def count(self, reason: Reason) -> int:
        """Episodes whose policy was played for this reason."""
        return int((self.reason == reason).sum())


def summary(record: GapRecord) -> dict[str, float]:
    """Numbers of a run; `violations[task]` and `final_J[group, task]` are those of a part.

    Rates are per episode. An episode counts as a violation if any task's gap is above the
    tolerance. `event_rate` is NaN for methods without a radius, and guarantees hold for the
    episodes in which the event did: `violations_under_event`, of the tasks that the learner
    bounds, must be 0. Without an episode all
    rates are NaN.
    """
    episodes, tasks = len(record.J), record.problem.mdp.signals
    violated = record.violated.any(1)
    numbers: dict[str, float] = {
        "episodes": episodes,
        "violations": int(violated.sum()),
        "violations_under_event": int(record.violated_under_event.sum()),
        "violation_rate": _mean(violated),
        "last_violation": int(np.flatnonzero(violated)[-1]) + 1 if violated.any() else 0,
        "regret": float(record.regret.sum()),
        "final_regret": _last(record.regret),
        "initial_regret": float(record.initial_regret.sum()),
        "final_return": _last(record.total),
        "fallbacks": int(record.fell_back.sum()),
        "fallback_rate": _mean(record.fell_back),
        "programs": int(record.planned.sum()),
        "event_rate": _mean(record.event[record.event >= 0]),
        "seconds": record.seconds,
        "seconds_per_episode": record.seconds / episodes if episodes else np.nan,
    }
    for reason in (*FALLBACKS, Reason.uncertified):
        numbers[f"episodes_{reason.name}"] = record.count(reason)
    for m, task in enumerate(tasks):
        numbers[f"violations[{task}]"] = int(record.violated[:, m].sum())
        numbers[f"final_gap[{task}]"] = _last(record.gaps[:, m])
        numbers[f"max_gap[{task}]"] = float(record.gaps[:, m].max(initial=-np.inf))
        for g, group in enumerate(record.problem.groups):
            numbers[f"final_J[{group}, {task}]"] = _last(record.J[:, g, m])
    return numbers


def curves(record: GapRecord, num_points: int = 1000) -> dict[str, np.ndarray]:
    """Arrays for figures at about `num_points` episodes, the last one always among them.

    `episode (P,)` counts from 1; `J (P, G, M)`, `gap (P, M)` and `fell_back (P,)` are of that
    episode; `regret`, `initial_regret`, `violations` and `fallbacks` are cumulative over all
    episodes so far, not only over the points, and the two rates divide these by the episodes.
    """
    episodes = len(record.J)
    at = np.unique(np.linspace(0, episodes - 1, min(num_points, episodes)).round().astype(int))
    episode = at + 1
    violations = record.violated.any(1).cumsum()[at]
    fallbacks = record.fell_back.cumsum()[at]
    return {
        "episode": episode,
        "J": record.J[at],
        "gap": record.gaps[at],
        "fell_back": record.fell_back[at],
        "regret": record.regret.cumsum()[at],
        "initial_regret": record.initial_regret.cumsum()[at],
        "violations": violations,
        "violation_rate": violations / episode,
        "fallbacks": fallbacks,
        "fallback_rate": fallbacks / episode,
    }


def _mean(values: ArrayLike) -> float:
    values = np.asarray(values)
    return float(values.mean()) if values.size else np.nan


def _last(values: np.ndarray) -> float:
    return float(values[-1]) if len(values) else np.nan
