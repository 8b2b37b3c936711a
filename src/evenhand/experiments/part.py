"""The parts of a run: a method with a seed, trained, evaluated and put into rows."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax

from evenhand.core.rollout import evaluate
from evenhand.envs.observing import innermost
from evenhand.experiments.config import Experiment
from evenhand.experiments.curve_points import curve_points
from evenhand.experiments.episode_rows import distribution_rows, level_rows, series_rows
from evenhand.experiments.measures import Rows, adjusted_rows, final_rows, group_names
from evenhand.experiments.methods import evaluation_key, is_learner, rule
from evenhand.experiments.progress import Gate, program_key
from evenhand.experiments.training import trainer


def run_parts(
    experiment: Experiment,
    method: str,
    seeds: Sequence[int],
    world: tuple[Any, Any, Any],
    folder: Path,
    gate: Gate,
    advance: Callable[[int], None],
) -> Iterator[tuple[int, dict[str, Rows]]]:
    """Each seed with its rows: `final`, `curves`, `series`, `distributions` and `levels`.

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
    groups = group_names(env, population)
    return {
        "final": [{**counts, **row} for row in final],
        "series": series_rows(found, env, groups),
        "distributions": distribution_rows(found, env, groups, steps),
        "levels": level_rows(found, env, groups),
    }
