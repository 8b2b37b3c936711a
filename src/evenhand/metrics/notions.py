"""Three notions of equal treatment of actions, checked on what a learner would have played.

Jabbari, Joseph, Kearns, Morgenstern & Roth (2017) ask of a learner that it never prefers an action
over one that is better in the long run. With Q the optimal values of the true problem and p the
distribution over actions that the learner plays at a state (not the action drawn from it),

    fair                 Q(a) >= Q(a')          implies  p(a) >= p(a')            (Definition 2)
    alpha-choice fair    Q(a) >= Q(a')          implies  p(a) >= p(a') - alpha    (Definition 3)
    alpha-action fair    Q(a) >  Q(a') + alpha  implies  p(a) >= p(a')            (Definition 4)

for all pairs of actions. Each round has two numbers that need no alpha: the smallest alpha at which
it is alpha-choice fair, and the smallest at which it is alpha-action fair. All verdicts follow from
these two.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import ArrayLike

from evenhand.core.errors import InputError
from evenhand.metrics.notions_input import checked_alpha, checked_log, checked_values

# Rounds at a time: their sorted rows stay in the processor's cache.
_BLOCK = 1 << 14


@dataclass(frozen=True)
class ActionFairness:
    """What a log of distributions says about the three notions, round by round.

    `choice (...T)` and `action (...T)` are the smallest alphas of each round, as in the module's
    docstring; `alpha` is the one that verdicts are asked for. Values that differ by `tie` or less
    count as equal, probabilities by `ptol`.
    """

    alpha: float
    choice: Float[np.ndarray, "*T"]
    action: Float[np.ndarray, "*T"]
    tie: float
    ptol: float

    @property
    def fair(self) -> Bool[np.ndarray, "*T"]:
        """Rounds that are fair (Definition 2): 0-choice fair, which is the same."""
        return self.choice == 0

    @property
    def choice_fair(self) -> Bool[np.ndarray, "*T"]:
        """Rounds that are alpha-choice fair (Definition 3)."""
        return self.choice <= self.alpha + self.ptol

    @property
    def action_fair(self) -> Bool[np.ndarray, "*T"]:
        """Rounds that are alpha-action fair (Definition 4)."""
        return self.action <= self.alpha + self.tie

    @property
    def smallest_choice(self) -> float:
        """The smallest alpha at which the whole log is alpha-choice fair; NaN without rounds."""
        return float(self.choice.max()) if self.choice.size else np.nan

    @property
    def smallest_action(self) -> float:
        """The smallest alpha at which the whole log is alpha-action fair; NaN without rounds."""
        return float(self.action.max()) if self.action.size else np.nan


def action_fairness(
    states: ArrayLike,
    probabilities: ArrayLike,
    q_values: ArrayLike,
    alpha: float,
    *,
    tie: float | None = None,
    ptol: float = 1e-12,
) -> ActionFairness:
    """Verdicts and smallest alphas of every round of a log (Jabbari et al. 2017, Defs 2 to 4).

    `states (T,)` are where the learner stood, `probabilities (T, A)` what it would have played
    there, `q_values (S, A)` the optimal values of the TRUE problem. Leading axes are allowed, as
    `(R, T)` and `(R, T, A)` for R runs. `tie` is how far apart equal values may be through
    rounding, 1e-9 times the largest value (or 1) unless given.
    """
    values = checked_values(q_values)
    where, played = checked_log(states, probabilities, values.shape)
    alpha = checked_alpha(alpha)
    tie = default_tie(values) if tie is None else tie
    ranked = _Ranked(values, tie)
    flat_where, flat = where.reshape(-1), played.reshape(-1, values.shape[1])
    choice, action = np.empty(len(flat)), np.empty(len(flat))
    for start in range(0, len(flat), _BLOCK):
        block = slice(start, start + _BLOCK)
        choice[block], action[block] = ranked.profiles(flat_where[block], flat[block], ptol)
    return ActionFairness(
        alpha, choice.reshape(where.shape), action.reshape(where.shape), tie, ptol
    )


def action_fairness_everywhere(
    probabilities: ArrayLike | Callable[[int], ArrayLike],
    q_values: ArrayLike,
    alpha: float,
    **tolerances: Any,
) -> ActionFairness:
    """The same for what the learner would have played in EVERY state, the worst of them per round.

    The notions speak of all states, a log only of those visited. `probabilities (T, S, A)` has a
    table per round; or it is a function from a state to `(A,)`, without side effects, which is
    asked once per state and makes one round.
    """
    values = checked_values(q_values)
    num_states = len(values)
    if callable(probabilities):
        probabilities = np.stack([np.asarray(probabilities(s)) for s in range(num_states)])[None]
    tables = np.asarray(probabilities)
    if tables.ndim < 3 or tables.shape[-2:] != values.shape:
        raise InputError(
            f"probabilities must be (T, S, A) with (S, A) = {values.shape} as in q_values, a table "
            f"per round, got shape {tables.shape}"
        )
    states = np.broadcast_to(np.arange(num_states), tables.shape[:-1])
    found = action_fairness(states, tables, values, alpha, **tolerances)
    choice, action = found.choice.max(-1), found.action.max(-1)
    return ActionFairness(found.alpha, choice, action, found.tie, found.ptol)


def default_tie(q_values: Float[np.ndarray, "S A"]) -> float:
    """1e-9 times the largest value, or 1 where that is more: what exact solvers are good for."""
    return 1e-9 * max(1.0, float(np.abs(q_values).max(initial=0.0)))


class _Ranked:
    """Actions of each state in the order of their values, the worst first.

    In that order the actions that one must not fall behind are a prefix, so that prefix maxima
    of the probabilities say all: A numbers per round, not A * A.
    """

    def __init__(self, values: Float[np.ndarray, "S A"], tie: float) -> None:
        self.tie = tie
        self.order = np.argsort(values, axis=1, kind="stable")
        self.values = np.take_along_axis(values, self.order, 1)
        # Place of the last action that is no better, ties included.
        below = self.values[:, None, :] - self.values[:, :, None] <= tie
        self.last = below.sum(-1) - 1

    def profiles(
        self, states: Int[np.ndarray, " T"], played: Float[np.ndarray, "T A"], ptol: float
    ) -> tuple[Float[np.ndarray, " T"], Float[np.ndarray, " T"]]:
        """(choice, action): the smallest alphas of these rounds."""
        p = np.take_along_axis(played, self.order[states], 1)
        highest = np.maximum.accumulate(p, axis=1)
        behind = (np.take_along_axis(highest, self.last[states], 1) - p).max(1)
        choice = np.where(behind > ptol, behind, 0.0)
        values, action = self.values[states], np.zeros(len(p))
        rounds = np.arange(len(p))
        for place in range(1, p.shape[1]):
            # The worst action played more often than this one is where the maximum first exceeds
            # it; if none does before `place`, the difference is 0.
            worst = (highest[:, :place] <= p[:, place, None] + ptol).sum(1)
            np.maximum(action, values[:, place] - values[rounds, worst], out=action)
        return choice, np.where(action > self.tie, action, 0.0)
