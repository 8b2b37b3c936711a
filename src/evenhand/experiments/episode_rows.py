"""What happens inside the evaluation episodes, as rows of `series`, `distributions`, `levels`."""

from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from evenhand.core.rollout import Evaluation
from evenhand.experiments.decomposition_rows import chance_level, visit_counts, visits_of

Rows = list[dict[str, Any]]
_POINTS = 100
_MOMENTS = 5


def series_rows(found: Evaluation, env: Any, groups: tuple[str, ...]) -> Rows:
    """Sums so far: approvals, recall and mean true score by group, return, difference of gains."""
    outcome = jax.tree.map(np.asarray, found.outcomes)
    num_steps = outcome.group.shape[1]
    at = np.unique(np.linspace(1, num_steps, min(_POINTS, num_steps)).astype(int))
    rows: Rows = []
    for g, group in enumerate(groups):
        member = (outcome.group == g) * outcome.weight
        approved = (member * outcome.decision).cumsum(1)
        qualified = (member * outcome.label).cumsum(1)
        hit = (member * outcome.label * outcome.decision).cumsum(1)
        with np.errstate(invalid="ignore", divide="ignore"):
            recall = hit.mean(0) / qualified.mean(0)
        rows += _at(at, "approvals", group, approved.mean(0))
        rows += _at(at, "recall", group, recall)
        rows += _mean_scores(found, g, group, num_steps)
    for metric, values in _totals(found, env).items():
        rows += _at(at, metric, "", values)
    return rows


def _totals(found: Evaluation, env: Any) -> dict[str, Float[np.ndarray, " T"]]:
    """The return so far and, where people gain, the difference of the groups' gains so far."""
    rewards = np.asarray(found.rewards, float)
    weight, group = (np.asarray(x) for x in (found.outcomes.weight, found.outcomes.group))
    sums = {"return": (weight * rewards[..., 0]).cumsum(1).mean(0)}
    if "qualification_gain" not in env.signals:
        return sums
    gain = weight * rewards[..., env.signals.index("qualification_gain")]
    member = group[..., None] == np.arange(env.num_groups)
    so_far = (member * gain[..., None]).cumsum(1)
    sums["qualification_gain_difference"] = np.ptp(so_far, -1).mean(0)
    if env.num_groups == 2:
        signed = so_far[..., 0] - so_far[..., 1]
        sums["qualification_gain_signed_difference"] = signed.mean(0)
        if len(signed) > 1:
            sums["qualification_gain_noise_floor"] = chance_level(signed)
    return sums


def _at(at: np.ndarray, metric: str, group: str, values: np.ndarray) -> Rows:
    return [
        {"step": int(t), "metric": metric, "group": group, "value": float(values[t - 1])}
        for t in at
    ]


def _mean_scores(found: Evaluation, g: int, group: str, num_steps: int) -> Rows:
    people = jax.tree.map(np.asarray, found.population)
    weight = people.weight * (people.group == g)
    mean = (weight * people.true_score).sum((0, 2)) / weight.sum((0, 2))
    step = np.linspace(0, num_steps, len(mean)).round().astype(int)
    return [
        {"step": int(t), "metric": "mean_score", "group": group, "value": float(v)}
        for t, v in zip(step, mean, strict=True)
    ]


def level_rows(found: Evaluation, env: Any, groups: tuple[str, ...]) -> Rows:
    """Decisions and approvals at each true level, means over episodes; none without levels."""
    if found.outcomes.level is None:
        return []
    counts = visit_counts(visits_of(found), len(groups), env.num_levels)
    made, approved = (x / len(found.J) for x in counts)
    return [
        {"group": group, "level": k, "decisions": float(made[g, k])}
        | {"approvals": float(approved[g, k])}
        for g, group in enumerate(groups)
        for k in range(env.num_levels)
    ]


def distribution_rows(found: Evaluation, env: Any, groups: tuple[str, ...], steps: int) -> Rows:
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
