"""From a method's name to an algorithm or a policy, and the keys they run with."""

import math
import re
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import Any

import jax
import jax.random as jr

from evenhand.core.algorithm import AbstractAlgorithm
from evenhand.core.errors import InputError, unknown_name
from evenhand.core.registry import ALGORITHMS, load
from evenhand.data.choose import parse_settings
from evenhand.envs.observing import showing
from evenhand.experiments.choose_policy import parse_policy
from evenhand.experiments.config import Experiment
from evenhand.experiments.variants import base_method, variant_values

_SHARES = ("discount", "visit_discount", "gae_lambda", "first_epsilon", "last_epsilon")
_MAY_BE_ZERO = ("learning_starts", "exploration_steps")
_LARGE = 2**31 - 1


def is_learner(method: str) -> bool:
    """Whether a method's name is that of a registered algorithm, or of a variant of one."""
    return base_method(method) in ALGORITHMS


# Cached, so that threads find it made: parsing in several threads at once fails in Python 3.11.
@cache
def make_algorithm(method: str, options: tuple[str, ...], steps: int) -> AbstractAlgorithm:
    """The algorithm with its `method.field=value` options, set up for a budget of steps.

    What a variant says itself comes before its algorithm's options. A method made of parts (a
    learner inside another, a term of PPO) takes the options of its parts by their bare names.
    """
    try:
        algorithm = load("algorithm", ALGORITHMS, base_method(method))()
        algorithm = _with_options(algorithm, _chosen(method, options, known_options(algorithm)))
    except (TypeError, ValueError, ZeroDivisionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{method}: {error}") from error
    return algorithm.for_budget(num_updates(algorithm, steps))


def _chosen(method: str, options: tuple[str, ...], known: dict[str, Any]) -> dict[str, Any]:
    """The checked options of a method by field, those of a variant before its algorithm's."""
    base, chosen = base_method(method), {}
    for key, value in parse_settings(options, "--option").items():
        owner, _, name = key.partition(".")
        if owner == base:
            if name not in known:
                raise unknown_name(f"option of {base}", name, known)
            chosen[name] = _checked(f"--option {key}", value, known[name])
    for name, value in variant_values(method).items():
        if name not in known:
            raise InputError(f"{method}: {unknown_name(f'option of {base}', name, known)}")
        chosen[name] = _checked(f"{method}: {name}", value, known[name])
    return chosen


def known_options(part: Any) -> dict[str, Any]:
    """Every hyperparameter with its present value: a method's own first, then its parts'."""
    values = {f.name: getattr(part, f.name) for f in fields(part)}
    own = {name: value for name, value in values.items() if not is_dataclass(value)}
    for value in values.values():
        if is_dataclass(value):
            own = known_options(value) | own
    return own


def _with_options(part: Any, chosen: dict[str, Any]) -> Any:
    """The method with these hyperparameters, each set where its name is first found."""
    values = {f.name: getattr(part, f.name) for f in fields(part)}
    changes = {n: v for n, v in chosen.items() if n in values and not is_dataclass(values[n])}
    rest = {name: value for name, value in chosen.items() if name not in changes}
    inner = {
        name: _with_options(value, {n: v for n, v in rest.items() if n in known_options(value)})
        for name, value in values.items()
        if is_dataclass(value)
    }
    return replace(part, **changes, **inner) if chosen else part


def learner_world(algorithm: AbstractAlgorithm, env: Any) -> Any:
    """The world, showing also what the method reads."""
    return showing(env, algorithm.reads)


def _checked(said: str, value: Any, default: Any) -> Any:
    """The value of an option, if it is of the kind of its default; `said` ends with its name."""
    name = re.split(r"[. ]", said)[-1]
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise InputError(f"{said} is true or false, got {value!r}")
    elif isinstance(default, float):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        top = 1.0 if name in _SHARES else math.inf
        if not number or not math.isfinite(value) or not 0 <= value <= top:
            most = "" if math.isinf(top) else " and at most 1"
            raise InputError(f"{said} takes a number of at least 0{most}, got {value!r}")
        return float(value)
    elif isinstance(default, int | None):
        least = 0 if name in _MAY_BE_ZERO else 1
        if type(value) is not int or not least <= value <= _LARGE:
            raise InputError(f"{said} takes a whole number from {least}, got {value!r}")
    return value


def check_options(options: tuple[str, ...], methods: tuple[str, ...]) -> None:
    """Raise an `InputError` for an option that would change nothing."""
    learners = {base_method(method) for method in methods if is_learner(method)}
    for key in parse_settings(options, "--option"):
        owner, _, name = key.partition(".")
        if not name:
            raise InputError(f"--option takes algorithm.field=value, got {key!r}")
        if owner not in ALGORITHMS:
            raise unknown_name("algorithm", owner, ALGORITHMS)
        if owner not in learners:
            raise InputError(
                f"--option {key} is for {owner}, which is not run; add it to --algorithms"
            )


def num_updates(algorithm: AbstractAlgorithm, steps: int) -> int:
    """Updates that spend a budget of environment steps, rounded up."""
    return -(-steps // algorithm.update_steps)


def training_episode(env: Any, algorithm: AbstractAlgorithm) -> int:
    """Training episode: the world's own length, rounded up to whole rollouts."""
    return -(-env.episode_steps // algorithm.num_steps) * algorithm.num_steps


def train_key(seed: int) -> jax.Array:
    """The key of a seed's training; evaluation uses another stream of the same seed."""
    return jr.fold_in(jr.key(seed), 0)


def evaluation_key(seed: int) -> jax.Array:
    """The key of a seed's evaluation, the same for every method: comparisons are paired."""
    return jr.fold_in(jr.key(seed), 1)


def curve_key(seed: int) -> jax.Array:
    """The key of a seed's evaluations during training."""
    return jr.fold_in(jr.key(seed), 2)


def rule(
    experiment: Experiment, method: str, seed: int, env: Any, params: Any
) -> tuple[Any, Any, Any]:
    """Policy, world and params of a rule that is not trained by interaction."""
    policy, env = parse_policy(method, env, params, train_key(seed))
    return policy, env, params
