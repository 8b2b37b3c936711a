"""`check_environment`: whether a world keeps the contract that everything else relies on."""

from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from evenhand.core.environment import AbstractEnvironment, Population
from evenhand.core.rollout import Transition, rollout, start
from evenhand.testing.conformance import finite, quick_jit, require, same
from evenhand.testing.purity import check_compilation, check_purity
from evenhand.testing.shapes import check_shapes


class Trial(NamedTuple):
    """Random decisions in N worlds: leaves of `steps` lead with (T, N)."""

    before: Population
    steps: Transition
    next_obs: Array
    after: Population


def check_environment(
    env: AbstractEnvironment,
    params: Any = None,
    *,
    seed: int = 0,
    num_envs: int = 8,
    num_steps: int | None = None,
    deterministic: bool = False,
) -> None:
    """A `ConformanceError` that says what to fix, if the world breaks its contract.

    Runs `num_envs` worlds for `num_steps` (an episode, at most 2,048) random decisions, a few
    times. `deterministic` leaves out the check that different keys
    give different experience. The more often a person applies twice in a row, the more the
    successor is tested: check a small population too.
    """
    params = env.default_params() if params is None else params
    steps = min(env.episode_steps, 2048) if num_steps is None else num_steps
    check_shapes(env, params)
    check_purity(env, params)
    check_compilation(env, params, deterministic)
    run = partial(_trial, env=env, steps=steps, num_envs=num_envs)
    key = jr.key(seed)
    trial = run(key, params=params)
    check_trial(env, trial)
    require(
        same(trial, run(key, params=params)),
        "the same key gave two different experiences: draw every number from the key",
    )
    if env.adjustable:
        check_adjustable(env, params, trial, run(key, params=_adjusted(env, params)))


@quick_jit
def _trial(key: PRNGKeyArray, env: Any, params: Any, steps: int, num_envs: int) -> Trial:
    reset_key, run_key = jr.split(key)
    people = jax.vmap(env.population, (0, None))

    def act(key: PRNGKeyArray, obs: Array) -> Array:
        return jr.randint(key, (), 0, env.num_actions)

    actors = start(reset_key, env, params, num_envs)
    later, seen = rollout(run_key, env, params, act, actors, steps)
    next_obs = jnp.concatenate([seen.obs[1:], later.obs[None]])
    return Trial(people(actors.state, params), seen, next_obs, people(later.state, params))


def check_trial(env: AbstractEnvironment, trial: Trial) -> None:
    """What holds at every step of any experience."""
    steps, outcome = trial.steps, trial.steps.outcome
    require(finite(steps), "a reward, observation or weight is not finite, maybe after the end")
    low, high = env.obs_bounds
    for name, shown in (("obs", steps.obs), ("successor", steps.successor)):
        shown = np.asarray(shown)
        require(
            ((shown >= low - 1e-6) & (shown <= high + 1e-6)).all(),
            f"{name} leaves obs_bounds at position {_worst(shown, low, high)}: widen the bounds "
            "or scale the feature",
        )
    for name, size in (
        ("group", env.num_groups),
        ("person", env.num_people),
        ("decision", env.num_actions),
    ):
        value = np.asarray(getattr(outcome, name))
        require(
            ((value >= 0) & (value < size)).all(),
            f"outcome.{name} must lie in 0..{size - 1}, got {value.min()}..{value.max()}",
        )
    require((np.asarray(outcome.weight) >= 0).all(), "outcome.weight must not be negative")
    ended = np.cumsum(np.asarray(steps.terminated), 0) - np.asarray(steps.terminated) > 0
    require(
        (np.asarray(outcome.weight)[ended] == 0).all(),
        "outcome.weight must be 0 after a termination: nobody is decided on any more",
    )
    _check_people(env, trial)
    _check_identity(env, trial)


def _worst(shown: np.ndarray, low: np.ndarray, high: np.ndarray) -> int:
    beyond = np.maximum(low - shown, shown - high).reshape(-1, shown.shape[-1])
    return int(beyond.max(0).argmax())


def _check_people(env: AbstractEnvironment, trial: Trial) -> None:
    group, weight = np.asarray(trial.before.group), np.asarray(trial.before.weight)
    require(
        finite((trial.before, trial.after)), "a score or weight of the population is not finite"
    )
    require(
        ((group >= 0) & (group < env.num_groups)).all(),
        f"population.group must lie in 0..{env.num_groups - 1}",
    )
    require(same(trial.before.group, trial.after.group), "a person's group must never change")
    require(
        (weight >= 0).all() and (weight.sum(1) > 0).all(),
        "population.weight must not be negative, and somebody must count",
    )


def _check_identity(env: AbstractEnvironment, trial: Trial) -> None:
    """Groups agree everywhere, and a successor is the same person's next observation."""
    outcome = trial.steps.outcome
    counted = np.asarray(outcome.weight) > 0
    group, person = np.asarray(outcome.group), np.asarray(outcome.person)
    world = np.arange(person.shape[1])
    require(
        (np.asarray(trial.before.group)[world, person] == group)[counted].all(),
        "outcome.group is not the person's group in population: number people alike in both",
    )
    for name, shown in (("obs", trial.steps.obs), ("successor", trial.steps.successor)):
        found = np.asarray(env.decode(shown)[0])
        require(
            "group" not in env.slices or (found == group)[counted].all(),
            f"decode({name}) finds another group than outcome.group: show the person decided "
            "about, and for the successor the same one again",
        )
    again = (person[1:] == person[:-1]) & counted[1:] & counted[:-1]
    successor, seen = np.asarray(trial.steps.successor)[:-1], np.asarray(trial.next_obs)[:-1]
    require(
        np.allclose(successor[again], seen[again], atol=1e-5),
        "successor is not what the same person shows on being seen again at once: build it from "
        "the state after the step, for the person just decided about",
    )


def _adjusted(env: AbstractEnvironment, params: Any) -> Any:
    """Params whose adjustable part lies elsewhere within its bounds, another place a group."""
    for name, (low, high) in env.adjustable.items():
        value = np.asarray(_adjustable_field(env, params, name))
        require(
            ((value >= low) & (value <= high)).all(),
            f"adjustable parameter {name!r} = {value} starts outside its bounds ({low}, {high})",
        )
        share = np.linspace(0.15, 0.85, env.num_groups)
        moved = jnp.asarray(low + share * (high - low), jnp.float32)
        params = eqx.tree_at(lambda p, name=name: getattr(p, name), params, moved)
    return params


def _adjustable_field(env: AbstractEnvironment, params: Any, name: str) -> Any:
    value = getattr(params, name, None)
    require(
        value is not None and np.shape(value) == (env.num_groups,),
        f"adjustable names {name!r}, but params has no such field with one number per group",
    )
    return value


def check_adjustable(env: AbstractEnvironment, params: Any, trial: Trial, moved: Trial) -> None:
    """Under the same actions, adjustable numbers change what is seen and nothing that is true."""
    same_truth = [
        same(getattr(trial.steps.outcome, name), getattr(moved.steps.outcome, name))
        for name in ("group", "person", "decision", "label", "weight")
    ]
    same_truth.append(same(trial.steps.rewards[..., 0], moved.steps.rewards[..., 0]))
    same_truth.append(same(trial.after.true_score, moved.after.true_score))
    require(
        all(same_truth),
        f"adjustable parameters {tuple(env.adjustable)} changed a label, a true score, an arrival "
        "or the reward: let them enter observed scores only",
    )
