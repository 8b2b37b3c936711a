"""What one evaluation says, as rows: every measure of the catalogue, the criteria, and effects."""

from typing import Any

import jax
import numpy as np

from evenhand.core.rollout import Evaluation
from evenhand.experiments.decomposition_rows import chance_level, decomposition_rows
from evenhand.metrics.catalogue import measure
from evenhand.tabular.criteria import CRITERIA, Layout

Rows = list[dict[str, Any]]


def group_names(env: Any, population: Any) -> tuple[str, ...]:
    """The groups' names; their numbers where the world's numbers do not name them."""
    return population.groups if population is not None else tuple(map(str, range(env.num_groups)))


def final_rows(found: Evaluation, env: Any, params: Any, population: Any) -> Rows:
    """A row per measure and group: means over the episodes of one seed, and the criteria."""
    groups = group_names(env, population)
    rows: Rows = []

    def add(metric: str, group: str, values: np.ndarray, count: float) -> None:
        known = values[np.isfinite(values)]
        value = float(known.mean()) if known.size else float("nan")
        row = {"metric": metric, "signal": "", "group": group, "value": value, "count": count}
        rows.append(row)

    for name, measured in measure(found, env, params).items():
        count = measured.count.mean(0)
        for g, group in enumerate(groups):
            add(name, group, measured.by_group[:, g], float(count[g]))
        add(name, "", measured.value, float(count.sum()))
        add(f"{name}_difference", "", measured.difference, float(count.sum()))
        if len(groups) == 2:
            add(f"{name}_signed_difference", "", measured.signed_difference, float(count.sum()))
        if len(groups) == 2 and name == "qualification_gain":
            floor = chance_level(measured.signed_difference)
            add("qualification_gain_noise_floor", "", floor, float(count.sum()))
    rows += decomposition_rows(found, population, groups)
    for name, value in _criteria(found, env).items():
        add(f"criterion:{name}", "", np.array([value]), float(found.J.shape[0]))
    return rows


def _criteria(found: Evaluation, env: Any) -> dict[str, float]:
    """The frontier's criteria of the seed's mean totals, as the frontier defines them."""
    if "qualification_gain" not in env.signals:
        return {}
    outcome = jax.tree.map(np.asarray, found.outcomes)
    episodes, groups = found.J.shape[0], env.num_groups
    member = (outcome.group[..., None] == np.arange(groups)) * outcome.weight[..., None]
    decision, label = outcome.decision[..., None], outcome.label[..., None]
    people = jax.tree.map(lambda x: np.asarray(x)[:, -1], found.population)
    level = np.clip(np.round(people.true_score), 0, env.num_levels - 1).astype(int)
    law = np.zeros((groups, env.num_levels))
    np.add.at(law, (people.group, level), people.weight / episodes)
    returns = np.asarray(found.J, float).mean(0)
    sums = [
        returns[:, env.signals.index("profit")],
        returns[:, env.signals.index("qualification_gain")],
        *((member * x).sum((0, 1)) / episodes for x in (decision, label, decision * label)),
    ]
    signals = ("profit", "qualification_gain", "approved", "qualified", "approved_qualified")
    visits = member.sum((0, 1)) / episodes
    layout = Layout(signals, env.num_levels, law.sum(1), visits)
    totals = np.concatenate([np.stack(sums, 1), law], 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {name: criterion.value(layout, totals) for name, criterion in CRITERIA.items()}


def adjusted_rows(env: Any, params: Any, population: Any) -> Rows:
    """A row `adjusted:NAME` per group for every number that changes only what is observed.

    `params` are those that the method is deployed with, so these are the numbers it has learned;
    under a method that learns none they are the world's own.
    """
    groups = group_names(env, population)
    return [
        {"metric": f"adjusted:{name}", "signal": "", "group": group, "value": float(value)}
        | {"count": 1.0}
        for name in env.adjustable
        for group, value in zip(groups, np.asarray(getattr(params, name)), strict=True)
    ]
