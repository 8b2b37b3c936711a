"""A lending population as exact problems, and what simple rules achieve in them.

Two classes of policies. `visit`: the decision may use group, level and how often this person came
before. `time`: group, level and the time left. A policy that uses anything else from the history
(its own past, other people's levels) still induces, averaged over a group's members, the visits of
some `time` policy, because who comes next is drawn anew every step: `time` bounds them all.
"""

from dataclasses import replace

import numpy as np

from evenhand.core.errors import InputError, unknown_name
from evenhand.data.population import LendingPopulation
from evenhand.tabular.criteria import CRITERIA, Layout
from evenhand.tabular.evaluation import staged, totals
from evenhand.tabular.mdp import TabularMDP
from evenhand.tabular.planning import one_hot

POLICY_CLASSES = ("visit", "time")


def person_model(
    population: LendingPopulation, steps: int | None = None, policy_class: str = "visit"
) -> TabularMDP:
    """The finite problem of one person per group whose stages are visits or time steps.

    In the `time` model a person is visited with probability 1 / people at every step, so its
    stages stay put with the rest; both models have the same totals for stationary policies.
    """
    if policy_class not in POLICY_CLASSES:
        raise unknown_name("policy class", policy_class, POLICY_CLASSES)
    by_visit = population.person(steps)
    if policy_class == "visit":
        return by_visit
    visited, stay = 1 / population.num_people, np.eye(population.num_levels)[:, None]
    return replace(
        by_visit,
        transition=visited * by_visit.transition + (1 - visited) * stay,
        rewards=visited * by_visit.rewards,
        horizon=population.episode_steps if steps is None else steps,
        stage_weight=None,
    )


def layout_of(mdp: TabularMDP) -> Layout:
    """The layout of `totals` for a person model by visit, where stages are decisions."""
    visits = mdp.group_size * mdp.weights.sum()
    return Layout(mdp.signals, mdp.num_states, mdp.group_size, visits)


def measures(layout: Layout, group_totals: np.ndarray) -> dict[str, float]:
    """Profit (summed over groups) and every criterion's value for these totals `(G, M + S)`."""
    values = {"profit": float(layout.of(group_totals, "profit").sum())}
    return values | {name: c.value(layout, group_totals) for name, c in CRITERIA.items()}


def criterion_values(mdp: TabularMDP, policy: np.ndarray) -> dict[str, float]:
    """Profit and every criterion of a policy `(G, S, A)` or `(G, H, S, A)`, exactly.

    `mdp` is a person model by visit (`population.person(steps)`).
    """
    return measures(layout_of(mdp), totals(mdp, staged(mdp, policy)))


def threshold_policy(mdp: TabularMDP, thresholds: int | tuple[int, ...]) -> np.ndarray:
    """`(G, S, A)` policy that approves from a level index on; one threshold, or one per group."""
    cut = np.broadcast_to(thresholds, (mdp.num_groups,))
    if ((cut < 0) | (cut > mdp.num_states)).any():
        raise InputError(f"thresholds must lie in 0..{mdp.num_states}, got {thresholds}")
    return one_hot((np.arange(mdp.num_states) >= cut[:, None]).astype(int), mdp.num_actions)


def threshold_values(mdp: TabularMDP) -> list[dict[str, float]]:
    """Profit and criteria of approving from level 0, 1, ..., K on (K approves nobody)."""
    rules = range(mdp.num_states + 1)
    return [
        {"threshold": rule} | criterion_values(mdp, threshold_policy(mdp, rule)) for rule in rules
    ]
