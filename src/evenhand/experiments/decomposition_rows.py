"""Where groups' qualification gains come from, as rows of a seed's evaluation, on the host.

The effects of Lear & Zhang 2025 (the decomposition of C_pi and Proposition 1), in the form in which
each group is followed under its own dynamics. All are means over the persons decided about at
least once, of all episodes together, so comparisons of groups are ex ante (SER).
"""

from math import exp, lgamma, pi, sqrt
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from evenhand.core.rollout import Evaluation
from evenhand.experiments.exactness import why_not_exact
from evenhand.tabular.benefit import apart_at_equal_benefit
from evenhand.tabular.gain_values import GainValues, always, gain_values
from evenhand.tabular.mdp import TabularMDP

Rows = list[dict[str, Any]]
# Two levels' benefits count as equal within about this much: the paper's code, and a wider one.
RADII = {"benefit_disparity": 1e-6, "benefit_disparity_0.02": 0.02}


class Visits(NamedTuple):
    """Decisions that were made: whose, of what group, at what level, and what was decided.

    `person` tells persons of different episodes apart; entries are in the order of time.
    """

    person: np.ndarray
    group: np.ndarray
    level: np.ndarray
    approved: np.ndarray


def visits_of(found: Evaluation) -> Visits:
    """All decisions of an evaluation in a world that has levels."""
    outcome = jax.tree.map(np.asarray, found.outcomes)
    apart = int(outcome.person.max(initial=0)) + 1
    person = outcome.person + apart * np.arange(len(outcome.person))[:, None]
    made = outcome.weight > 0
    approved = outcome.decision[made] == 1
    return Visits(person[made], outcome.group[made], outcome.level[made], approved)


def decomposition_rows(found: Evaluation, population: Any, groups: tuple[str, ...]) -> Rows:
    """Rows of effects and benefit disparity; none where a person has no exact model."""
    if why_not_exact(population) or found.outcomes.level is None:
        return []
    model, visits = population.person(found.rewards.shape[1]), visits_of(found)
    rows: Rows = []
    for name, (by_group, count) in effects(model, visits).items():
        rows += _compared(name, by_group, count, groups, len(found.J))
    rates, law = loan_rates(visits, model.num_groups, model.num_states)
    benefit = _denied(model).benefit
    for name, radius in RADII.items():
        value = benefit_disparity(rates, law, benefit, radius)
        rows.append(_row(name, "", value, len(visits.group) / len(found.J)))
    return rows


def effects(
    model: TabularMDP, visits: Visits
) -> dict[str, tuple[Float[np.ndarray, " G"], Float[np.ndarray, " G"]]]:
    """By metric: each group's mean over its persons (or decisions), and how many there were.

    With x_k the level at a person's k-th decision, d_k that decision (1 approves), Delta the
    benefit and g_0 the gain to be expected if denied:

    - direct: sum_k d_k Delta(x_k). Its expectation is E[V_pi - V_PS].
    - indirect: sum_k g_0(x_k) - V_0(x_1). Its expectation is E[V_PS - V_0].
    - spurious: E[V_0(x_1)] under the group's initial law, exactly; no decision moves it.
    - gain per person: their sum. It has the expectation of the realised gain and less noise.
    """
    groups = model.num_groups
    known = _denied(model)
    baseline, benefit, denied = known.baseline_gain, known.benefit, known.V_0
    _, first = np.unique(visits.person, return_index=True)
    where = visits.group, visits.level
    persons = np.bincount(visits.group[first], minlength=groups).astype(float)
    decisions = np.bincount(visits.group, minlength=groups).astype(float)

    def total(values: np.ndarray, group: np.ndarray = visits.group) -> np.ndarray:
        return np.bincount(group, values, groups)

    with np.errstate(invalid="ignore"):
        direct = total(visits.approved * benefit[where])
        start = total(denied[where][first], visits.group[first])
        indirect = (total(baseline[where]) - start) / persons
        per_visit, direct = direct / decisions, direct / persons
    spurious = (model.initial * denied).sum(1)
    return {
        "gain_per_person": (direct + indirect + spurious, persons),
        "direct_effect": (direct, persons),
        "indirect_effect": (indirect, persons),
        "spurious_effect": (spurious, persons),
        "direct_effect_per_visit": (per_visit, decisions),
    }


def _denied(model: TabularMDP) -> GainValues:
    """V_0, g_0 and Delta, which no policy moves."""
    return gain_values(model, always(model, 0))


def loan_rates(
    visits: Visits, groups: int, levels: int
) -> tuple[Float[np.ndarray, "G K"], Float[np.ndarray, "G K"]]:
    """Approvals per decision at each group and level, NaN without any, and the law of decisions."""
    count, approved = visit_counts(visits, groups, levels)
    with np.errstate(invalid="ignore"):
        return approved / count, count / count.sum(1, keepdims=True)


def visit_counts(
    visits: Visits, groups: int, levels: int
) -> tuple[Float[np.ndarray, "G K"], Float[np.ndarray, "G K"]]:
    """Decisions and approvals at each group and level."""
    cell = visits.group * levels + visits.level
    found = [np.bincount(cell, w, groups * levels) for w in (None, visits.approved)]
    made, approved = (np.asarray(x, float).reshape(groups, levels) for x in found)
    return made, approved


def benefit_disparity(
    rates: Float[np.ndarray, "G K"],
    law: Float[np.ndarray, "G K"],
    benefit: Float[np.ndarray, "G K"],
    radius: float,
) -> float:
    """Lambda: how differently two groups are lent to where a loan would benefit them alike.

    See `tabular.benefit`; of more than two groups the largest over pairs. P is the law of the
    levels decided about. NaN where a group was never decided about.
    """
    if np.isnan(law).any():
        return float("nan")
    rates = np.nan_to_num(rates)  # where nobody was decided about the law is 0
    found = []
    for a in range(len(law)):
        for b in range(a):
            two = [a, b]
            found.append(apart_at_equal_benefit(rates[two], benefit[two], law[two], radius))
    return max(found)


def chance_level(signed: Float[np.ndarray, "E *axes"]) -> Float[np.ndarray, "*axes"]:
    """The mean absolute difference that chance alone makes, from E signed ones.

    E|X| = sd sqrt(2 / pi) for a normal X of mean 0. The sample's spread is too small on average, by
    a factor that is known for normal samples. NaN for fewer than two.
    """
    count = len(signed)
    if count < 2:
        return np.full(signed.shape[1:], np.nan)
    known = sqrt(2 / (count - 1)) * exp(lgamma(count / 2) - lgamma((count - 1) / 2))
    return np.asarray(signed.std(0, ddof=1, dtype=float) / known * sqrt(2 / pi))


def _compared(
    name: str, by_group: np.ndarray, count: np.ndarray, groups: tuple[str, ...], episodes: int
) -> Rows:
    """A row per group, over everybody, and of the differences between groups' means."""
    rows = [_row(name, g, v, n / episodes) for g, v, n in zip(groups, by_group, count, strict=True)]
    everybody = float(np.nansum(by_group * count) / count.sum()) if count.sum() else np.nan
    total = float(count.sum()) / episodes
    rows.append(_row(name, "", everybody, total))
    rows.append(_row(f"{name}_difference", "", np.ptp(by_group), total))
    if len(groups) == 2:
        rows.append(_row(f"{name}_signed_difference", "", by_group[0] - by_group[1], total))
    return rows


def _row(metric: str, group: str, value: float, count: float) -> dict[str, Any]:
    named = {"metric": metric, "signal": "", "group": group}
    return named | {"value": float(value), "count": float(count)}
