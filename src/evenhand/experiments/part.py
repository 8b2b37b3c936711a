"""One part of a run: one method with one seed, trained, evaluated and written down."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from evenhand.core.rollout import Evaluation, evaluate
from evenhand.experiments.config import Experiment
from evenhand.experiments.methods import evaluation_key, is_learner, rule, train_method
from evenhand.experiments.progress import Gate
from evenhand.metrics.catalogue import measure
from evenhand.tabular.criteria import CRITERIA, Layout

_SERIES_POINTS = 100
_MOMENTS = 5

Rows = list[dict[str, Any]]


def run_part(
    experiment: Experiment,
    method: str,
    seed: int,
    world: tuple[Any, Any, Any],
    gate: Gate,
    advance: Callable[[int], None],
) -> dict[str, Rows]:
    """The rows of one method and seed: `final`, `curves`, `series` and `distributions`."""
    env, params, population = world
    curves: Rows = []
    updates = env_steps = 0
    if is_learner(method):
        policy, params, curves, state = train_method(
            experiment, method, seed, env, params, gate, advance
        )
        updates, env_steps = int(state.update), int(state.env_steps)
    else:
        policy, env, params = rule(experiment, method, seed, env, params)
    steps = experiment.evaluation_steps or env.episode_steps
    with gate.first(f"evaluate {method}"):
        found = evaluate(
            evaluation_key(seed), env, params, policy, num_episodes=experiment.episodes, steps=steps
        )
        jax.block_until_ready(found.J)
        final = _final(found, env, params, population)
    advance(experiment.episodes * steps)
    final = [{"update": updates, "env_steps": env_steps, **row} for row in final]
    return {
        "final": final,
        "curves": curves,
        "series": _series(found, _groups(env, population)),
        "distributions": _distributions(found, env, _groups(env, population), steps),
    }


def _groups(env: Any, population: Any) -> tuple[str, ...]:
    return population.groups if population is not None else tuple(map(str, range(env.num_groups)))


def _final(found: Evaluation, env: Any, params: Any, population: Any) -> Rows:
    groups, rows = _groups(env, population), []

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


def _series(found: Evaluation, groups: tuple[str, ...]) -> Rows:
    """Cumulative approvals, running recall and mean true score inside the episode."""
    outcome = jax.tree.map(np.asarray, found.outcomes)
    num_steps = outcome.group.shape[1]
    at = np.unique(np.linspace(1, num_steps, min(_SERIES_POINTS, num_steps)).astype(int))
    rows: Rows = []
    for g, group in enumerate(groups):
        member = (outcome.group == g) * outcome.weight
        approved = (member * outcome.decision).cumsum(1)
        qualified = (member * outcome.label).cumsum(1)
        hit = (member * outcome.label * outcome.decision).cumsum(1)
        with np.errstate(invalid="ignore", divide="ignore"):
            recall = hit.mean(0) / qualified.mean(0)
        for metric, values in (("approvals", approved.mean(0)), ("recall", recall)):
            rows += [
                {"step": int(t), "metric": metric, "group": group, "value": float(values[t - 1])}
                for t in at
            ]
        rows += _mean_scores(found, g, group, num_steps)
    return rows


def _mean_scores(found: Evaluation, g: int, group: str, num_steps: int) -> Rows:
    people = jax.tree.map(np.asarray, found.population)
    weight = people.weight * (people.group == g)
    mean = (weight * people.true_score).sum((0, 2)) / weight.sum((0, 2))
    step = np.linspace(0, num_steps, len(mean)).round().astype(int)
    return [
        {"step": int(t), "metric": "mean_score", "group": group, "value": float(v)}
        for t, v in zip(step, mean, strict=True)
    ]


def _distributions(found: Evaluation, env: Any, groups: tuple[str, ...], steps: int) -> Rows:
    """Shares of each true level at a few moments, mean over episodes."""
    people = jax.tree.map(np.asarray, found.population)
    kept = people.group.shape[1]
    rows: Rows = []
    for moment in np.unique(np.linspace(0, kept - 1, min(_MOMENTS, kept)).round().astype(int)):
        level = np.clip(np.round(people.true_score[:, moment]), 0, env.num_levels - 1).astype(int)
        for g, group in enumerate(groups):
            weight = people.weight[:, moment] * (people.group[:, moment] == g)
            law = np.bincount(level.ravel(), weight.ravel(), env.num_levels)
            share = law / max(law.sum(), 1e-12)
            step = round(moment * steps / (kept - 1))
            rows += [
                {"step": step, "group": group, "level": k, "share": float(s)}
                for k, s in enumerate(share)
            ]
    return rows
