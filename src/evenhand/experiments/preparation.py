"""Before a run starts: its world, what its methods ask, and how much work there is."""

from typing import Any

import jax
import numpy as np

from evenhand.algorithms.model_text import read_model_text
from evenhand.algorithms.policies import FILES
from evenhand.core.errors import InputError, unknown_name
from evenhand.core.registry import ALGORITHMS, POLICIES
from evenhand.experiments.choose_policy import check_policy
from evenhand.experiments.choose_world import choose_world
from evenhand.experiments.config import Experiment
from evenhand.experiments.exactness import why_not_exact
from evenhand.experiments.folder import EXACT
from evenhand.experiments.limits import check_evaluation
from evenhand.experiments.methods import (
    check_options,
    is_learner,
    learner_world,
    make_algorithm,
    num_updates,
)


def world_of(experiment: Experiment) -> tuple[Any, Any, Any]:
    """The world, its parameters and the numbers it is built from."""
    return choose_world(
        experiment.env,
        experiment.preset,
        experiment.params,
        experiment.groups,
        experiment.settings,
        experiment.features,
    )


def check_methods(experiment: Experiment, world: tuple[Any, Any, Any]) -> None:
    """Try every name and option, so that nothing long starts that cannot end."""
    env, params, population = world
    if env.num_groups < 2:
        raise InputError(
            f"compare is about groups and there is only {population.groups[0]!r}; choose at least "
            "two, or measure one with: evenhand evaluate"
        )
    check_evaluation(env, experiment.episodes, experiment.evaluation_steps)
    check_options(experiment.options, experiment.methods)
    for method in experiment.methods:
        if is_learner(method):
            algorithm = make_algorithm(method, experiment.options, experiment.steps)
            learner_world(algorithm, env)
        else:
            _check_name(method)
            check_policy(method, env, params)
            # Rules read group and level off the observation; this says so where it shows none.
            jax.eval_shape(env.decode, jax.ShapeDtypeStruct((env.obs_size,), np.float32))


def _check_name(method: str) -> None:
    """Suggest learners too where a name is neither theirs nor a policy's."""
    name = method.partition(":")[0].strip()
    written = name.lower().endswith(".csv") or name[:5] == "score" or read_model_text(method)
    if name not in POLICIES and not written:
        raise unknown_name("algorithm or policy", name, {*ALGORITHMS, *POLICIES} - {*FILES})


def part_steps(experiment: Experiment, method: str, env: Any) -> int:
    """Environment steps a part takes, as the unit of progress."""
    if method == EXACT:
        return len(experiment.criteria) * (experiment.steps // 20)
    evaluation = experiment.episodes * (experiment.evaluation_steps or env.episode_steps)
    if not is_learner(method):
        return evaluation
    algorithm = make_algorithm(method, experiment.options, experiment.steps)
    updates = num_updates(algorithm, experiment.steps)
    evaluation *= 1 + experiment.curve_points * experiment.curve_episodes / experiment.episodes
    return round(evaluation) + updates * algorithm.update_steps


def budget(experiment: Experiment, env: Any) -> dict[str, Any]:
    """What every method was allowed, for the manifest."""
    by_hand = ", ".join(experiment.options)
    return {
        "env_steps_per_seed": {m: part_steps(experiment, m, env) for m in experiment.methods},
        "evaluation_episodes_per_seed": experiment.episodes,
        "tuning": f"set by hand: {by_hand}" if by_hand else "none: library defaults",
    }


def describe_world(world: tuple[Any, Any, Any]) -> dict[str, Any]:
    """What the page says about the world and its assumptions."""
    env, params, population = world
    if not hasattr(population, "describe"):
        raise InputError(
            f"{type(env).__name__} has no description to report; compare in Lending-v0, or measure "
            "one policy with: evenhand evaluate"
        )
    adjustable = {name: np.asarray(getattr(params, name)).tolist() for name in env.adjustable}
    more = {"not_exact": why_not_exact(population), "adjustable": adjustable}
    return population.describe() | more
