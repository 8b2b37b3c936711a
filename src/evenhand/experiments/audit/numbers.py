"""Exact numbers of a policy by group: approvals, recall, profit, gain, and levels over time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evenhand.tabular.criteria import recall
from evenhand.tabular.evaluation import count_law, staged, state_laws, totals
from evenhand.tabular.lending import layout_of, measures
from evenhand.tabular.mdp import TabularMDP

_MOMENTS, _POINTS = 5, 41


@dataclass(frozen=True)
class GroupNumbers:
    """Expected sums over one episode for every group, `(G,)` each, and what is the same for all."""

    people: np.ndarray
    decisions: np.ndarray
    approvals: np.ndarray
    approval_rate: np.ndarray
    recall: np.ndarray
    default_rate: np.ndarray
    """Of approved applications; NaN where nobody is approved."""
    profit: np.ndarray
    profit_per_decision: np.ndarray
    gain: np.ndarray
    gain_per_person: np.ndarray
    start_score: np.ndarray
    end_score: np.ndarray
    total_profit: float
    criteria: dict[str, float]
    totals: np.ndarray
    """`(G, M + S)`, as the frontier counts."""


def group_numbers(mdp: TabularMDP, policy: np.ndarray) -> GroupNumbers:
    """The numbers of a policy `(G, S, A)` or `(G, H, S, A)` in a person model by visit."""
    layout, reached = layout_of(mdp), totals(mdp, staged(mdp, policy))
    approvals, profit, gain = (
        layout.of(reached, name) for name in ("approved", "profit", "qualification_gain")
    )
    repaid, levels = layout.of(reached, "approved_qualified"), np.arange(mdp.num_states)
    with np.errstate(invalid="ignore", divide="ignore"):
        default_rate = np.where(approvals > 1e-12, 1 - repaid / approvals, np.nan)
    ended = reached[:, len(mdp.signals) :] / mdp.group_size[:, None]
    told = measures(layout, reached)
    return GroupNumbers(
        people=mdp.group_size,
        decisions=layout.visits,
        approvals=approvals,
        approval_rate=approvals / layout.visits,
        recall=recall(layout, reached),
        default_rate=default_rate,
        profit=profit,
        profit_per_decision=profit / layout.visits,
        gain=gain,
        gain_per_person=gain / mdp.group_size,
        start_score=mdp.initial @ levels,
        end_score=ended @ levels,
        total_profit=told.pop("profit"),
        criteria=told,
        totals=reached,
    )


@dataclass(frozen=True)
class Course:
    """A group's people through the episode, counted in decisions about anybody."""

    moments: np.ndarray
    """`(5,)` decisions made so far at the moments of `laws`."""
    laws: np.ndarray
    """`(5, G, S)` law of levels."""
    steps: np.ndarray
    """`(T,)` decisions made so far."""
    mean_score: np.ndarray
    """`(T, G)` in levels."""
    approvals: np.ndarray
    """`(T, G)` expected approvals so far."""


def course(mdp: TabularMDP, policy: np.ndarray, steps: int) -> Course:
    """Levels and approvals over an episode of `steps` decisions, exactly.

    After t decisions a person was decided about k times with the probability of Bin(t, 1 / people),
    whatever was decided, so every moment mixes the laws after 0, 1, ... decisions.
    """
    laws, people = state_laws(mdp, policy), float(mdp.group_size.sum())
    approve = staged(mdp, policy)[..., 1]
    rate = (laws[:, :-1] * approve).sum(-1) * mdp.group_size[:, None]
    at = np.unique(np.linspace(0, steps, _POINTS).round().astype(int))
    moments = np.linspace(0, steps, _MOMENTS).round().astype(int)
    chance = _chances(at, people, laws.shape[1] - 1)
    scores = np.einsum("tk,gks,s->tg", count_law(chance), laws, np.arange(mdp.num_states))
    by_moment = count_law(_chances(moments, people, laws.shape[1] - 1))
    return Course(
        moments=moments,
        laws=np.einsum("tk,gks->tgs", by_moment, laws),
        steps=at,
        mean_score=scores,
        approvals=np.einsum("tk,gk->tg", chance, rate),
    )


def _chances(at: Sequence[int] | np.ndarray, people: float, horizon: int) -> np.ndarray:
    """`(T, H)` P(Bin(t, 1 / people) > k)."""
    from scipy.special import bdtrc

    made = np.asarray(at, np.int64)[:, None]
    visit = np.arange(horizon)[None]
    # Nobody is decided about more often than there were decisions.
    chance = bdtrc(np.minimum(visit, np.maximum(made - 1, 0)), np.maximum(made, 1), 1 / people)
    return np.where(visit < made, chance, 0.0)
