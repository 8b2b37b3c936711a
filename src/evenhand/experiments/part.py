"""The parts of a run: a method with a seed, trained, evaluated and put into rows."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from evenhand.core.rollout import Evaluation, evaluate
from evenhand.envs.observing import innermost
from evenhand.experiments.config import Experiment
from evenhand.experiments.curve_points import curve_points
from evenhand.experiments.measures import Rows, adjusted_rows, final_rows, group_names
from evenhand.experiments.methods import evaluation_key, is_learner, rule
from evenhand.experiments.progress import Gate, program_key
from evenhand.experiments.training import trainer

_SERIES_POINTS = 100
_MOMENTS = 5


def run_parts(
    experiment: Experiment,
    method: str,
    seeds: Sequence[int],
    world: tuple[Any, Any, Any],
    folder: Path,
    gate: Gate,
    advance: Callable[[int], None],
) -> Iterator[tuple[int, dict[str, Rows]]]:
    """Each seed with its rows: `final`, `curves`, `series` and `distributions`.

    Several seeds of a learner are trained together, in one program.
    """
    env, params, population = world
    if is_learner(method):
        curve = curve_points(experiment, world, gate)
        learner = trainer(experiment, method, (env, params), folder, gate, advance, curve)
        env = learner.world[0]
        for seed, trained in learner.train(seeds):
            counts = {"update": trained.update, "env_steps": trained.env_steps}
            shown = (env, trained.params, population)
            rows = _evaluated(experiment, seed, trained.policy, shown, gate, counts)
            yield seed, rows | {"curves": trained.curves}
            advance(_evaluation_steps(experiment, env))
        return
    for seed in seeds:
        policy, shown_env, params = rule(experiment, method, seed, env, params)
        shown, counts = (shown_env, params, population), {"update": 0, "env_steps": 0}
        yield seed, _evaluated(experiment, seed, policy, shown, gate, counts) | {"curves": []}
        advance(_evaluation_steps(experiment, env))


def _evaluation_steps(experiment: Experiment, env: Any) -> int:
    return experiment.episodes * (experiment.evaluation_steps or env.episode_steps)


def _evaluated(
    experiment: Experiment,
    seed: int,
    policy: Any,
    world: tuple[Any, Any, Any],
    gate: Gate,
    counts: dict[str, int],
) -> dict[str, Rows]:
    """The rows of a policy in fresh episodes; every policy meets the same arrivals in a seed."""
    env, params, population = world
    steps = experiment.evaluation_steps or env.episode_steps
    with gate.first(program_key("evaluate", env, params, policy)):
        found = evaluate(
            evaluation_key(seed), env, params, policy, num_episodes=experiment.episodes, steps=steps
        )
        jax.block_until_ready(found.J)
    # Metrics ask nothing of a wrapper, so wrapped worlds share one compiled program.
    env = innermost(env)
    with gate.first(program_key("measure", env, params, found)):
        final = final_rows(found, env, params, population)
    final += adjusted_rows(env, params, population)
    return {
        "final": [{**counts, **row} for row in final],
        "series": _series(found, group_names(env, population)),
        "distributions": _distributions(found, env, group_names(env, population), steps),
    }


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
