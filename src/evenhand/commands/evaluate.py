"""`evenhand evaluate`: what one policy does to each group, measured over whole episodes."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tyro

from evenhand.commands.checks import check_seed, check_steps
from evenhand.core.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from evenhand.metrics.metric import Measurement


@dataclass(frozen=True)
class Evaluate:
    """Run a policy in a world and measure what it does to each group."""

    env: str | None = None
    """The environment; the preset's own by default."""
    preset: str | None = None
    """A named population: gym (default), fico, drift-1, drift-2, drift-3."""
    params: str | None = None
    """A parameter file instead of a preset."""
    groups: str | None = None
    """Comma-separated names of the groups to keep."""
    set: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """Changes to the population, as key=value; repeatable."""
    policy: str = "max-util"
    """approve-all, deny-all, constant:0.5, threshold:3, threshold:3,2 (one level index per group),
    score>=620, max-util, max-util-fitted, equal-opportunity, accuracy-classifier, a .csv file
    with columns group,level,approve, or a fitted model in a .skops, .onnx, .joblib or .pkl file:
    card.skops (approve from probability 0.5 of label 1), 'card.skops>=0.7', 'card.skops<0.2'
    (label 1 is the bad outcome), card.skops:random."""
    allow_pickle: bool = False
    """Load a model from a .joblib or .pkl file. Loading such a file runs any code that was put in
    it, so say this only of files whose maker you trust; .skops and .onnx files need no leave."""
    episodes: int = 5
    """Independent episodes; intervals are over them."""
    steps: int | None = None
    """Decisions per episode; default: the population's own."""
    seed: int = 0
    """Everything random follows from it."""


def run(options: Evaluate) -> dict[str, Any]:
    """Means over episodes of every metric, by group and as a whole, with 95% intervals."""
    from evenhand.algorithms.model_text import allow_pickles

    with allow_pickles(options.allow_pickle):
        return _evaluate(options)


def _evaluate(options: Evaluate) -> dict[str, Any]:
    _check(options)
    from evenhand.algorithms.policies import read_policy
    from evenhand.experiments.choose_world import choose_world, world_id
    from evenhand.experiments.limits import check_evaluation

    read_policy(options.policy)
    started = time.perf_counter()
    env, params, numbers = choose_world(
        options.env, options.preset, options.params, options.groups, options.set
    )
    check_evaluation(env, options.episodes, options.steps)
    measured, notes = _measure(options, env, params)
    return {
        "env": world_id(options.env, options.preset),
        "population": numbers.name,
        "groups": list(numbers.groups),
        "population_per_group": list(numbers.population_per_group),
        "policy": options.policy,
        "episodes": options.episodes,
        "steps": options.steps or env.episode_steps,
        "seed": options.seed,
        "metrics": {name: _row(one) for name, one in measured.items()},
        "notes": notes,
        "assumed": dict(getattr(numbers, "assumed", {})),
        "wall_seconds": time.perf_counter() - started,
    }


def _check(options: Evaluate) -> None:
    if options.episodes < 1:
        raise InputError(f"--episodes must be at least 1, got {options.episodes}")
    # There is no most: how many fit depends on the episodes too, and is checked with the world.
    check_steps(options.steps, most=None)
    check_seed(options.seed)


def _measure(
    options: Evaluate, env: Any, params: Any
) -> "tuple[dict[str, Measurement], list[str]]":
    import jax.random as jr

    from evenhand.core.rollout import evaluate
    from evenhand.experiments.choose_policy import parse_policy, policy_notes
    from evenhand.metrics.catalogue import measure

    # The evaluation's key does not depend on the policy: policies meet the same applicants.
    policy_key, evaluate_key = jr.split(jr.key(options.seed))
    policy, world = parse_policy(options.policy, env, params, policy_key)
    found = evaluate(
        evaluate_key, world, params, policy, num_episodes=options.episodes, steps=options.steps
    )
    # Metrics ask nothing of a wrapper: without it every policy shares one compiled program.
    return measure(found, env, params), policy_notes(options.policy, env)


def _row(measurement: "Measurement") -> dict[str, Any]:
    """Means over the episodes with data, and intervals for the means."""
    import numpy as np

    from evenhand.metrics.intervals import group_intervals, interval, unit_means

    value, difference = interval(measurement.value), interval(measurement.difference)
    by_group = group_intervals(measurement.by_group)
    means = [one.estimate for one in by_group]
    return {
        "by_group": means,
        "by_group_interval": [[one.low, one.high] for one in by_group],
        "value": value.estimate,
        "interval": [value.low, value.high],
        "difference": difference.estimate,
        "difference_interval": [difference.low, difference.high],
        "difference_of_means": float(np.max(means) - np.min(means)),
        "signed_difference": float(unit_means(measurement.signed_difference)),
        "count": measurement.count.mean(0).tolist(),
        "num_units": value.num_units,
    }


def show(result: dict[str, Any], console: "Console") -> None:
    """Print one line per metric: the whole, each group, and their difference."""
    from rich.table import Table

    from evenhand.metrics.catalogue import METRICS

    table = Table(
        title=f"{result['policy']} in {result['env']} ({result['population']}): "
        f"{result['episodes']} episodes of {result['steps']} decisions"
    )
    table.add_column("metric")
    for heading in ("value", "95% interval", *result["groups"], "difference", "unit"):
        table.add_column(heading, justify="right")
    for name, row in result["metrics"].items():
        bounds = "-" if row["num_units"] < 2 else " to ".join(map(_short, row["interval"]))
        groups = map(_short, row["by_group"])
        unit = METRICS[name].unit
        table.add_row(name, _short(row["value"]), bounds, *groups, _short(row["difference"]), unit)
    console.print(table)
    console.print("difference: mean over episodes of largest minus smallest group.", style="dim")
    for note in result["notes"]:
        console.print(f"Note: {note}.", style="yellow")
    for name, why in result["assumed"].items():
        console.print(f"Assumed, not estimated: {name}: {why}.", style="dim")


def _short(value: float) -> str:
    return "-" if value != value else f"{value:.4g}"
