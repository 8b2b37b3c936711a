"""`check_environment`: whether a world keeps the contract that everything else relies on."""

import random
import re
from functools import partial
from typing import Any, NamedTuple
from unittest import mock

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from evenhand.core.environment import AbstractEnvironment, Population
from evenhand.core.rollout import Transition, rollout, start
from evenhand.testing.conformance import finite, require, same, signature


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

    Runs `num_envs` worlds for `num_steps` (an episode, at most 2,048) random decisions, twice,
    and a few steps without compilation. `deterministic` leaves out the check that different keys
    give different experience. The more often a person applies twice in a row, the more the
    successor is tested: check a small population too.
    """
    params = env.default_params() if params is None else params
    steps = min(env.episode_steps, 2048) if num_steps is None else num_steps
    check_shapes(env, params)
    check_purity(env, params)
    check_compilation(env, params)
    run = partial(_trial, env=env, steps=steps, num_envs=num_envs)
    keys = jr.split(jr.key(seed), 2)
    trial = run(keys[0], params=params)
    check_trial(env, trial)
    require(
        same(trial, run(keys[0], params=params)),
        "the same key gave two different experiences: draw every number from the key",
    )
    require(
        deterministic or not same(trial.steps, run(keys[1], params=params).steps),
        "different keys gave the same experience: use the key, or say deterministic=True",
    )
    if env.adjustable:
        check_adjustable(env, params, trial, run(keys[0], params=_adjusted(env, params)))


def check_shapes(env: AbstractEnvironment, params: Any) -> None:
    """Names, sizes, shapes and dtypes, without running anything."""
    key, action = jr.key(0), jnp.int32(0)
    require(hash(env) is not None, "a world must be hashable: keep numbers in params, not in it")
    state = eqx.filter_eval_shape(env.reset, key, params)
    after, step = eqx.filter_eval_shape(env.step, key, state, action, params)
    obs = eqx.filter_eval_shape(env.observe, state, params)
    people = eqx.filter_eval_shape(env.population, state, params)
    signals, size = env.signals, env.obs_size
    require(len(set(signals)) == len(signals) > 0, f"signals {signals} must be distinct names")
    _expect("step's state", after, state, "return arrays of reset's shapes and dtypes")
    _expect("observe", obs, _floats(size), "obs_size is its length, float32 its dtype")
    _expect("successor", step.successor, obs, "show the same features as observe does")
    _expect("rewards", step.rewards, _floats(len(signals)), f"one float32 for each of {signals}")
    flag = jax.ShapeDtypeStruct((), jnp.bool_)
    _expect("terminated", step.terminated, flag, "return one boolean")
    index, one = jax.ShapeDtypeStruct((), jnp.int32), jax.ShapeDtypeStruct((), jnp.float32)
    outcome = step.outcome
    for name in ("group", "person", "decision", "label"):
        _expect(f"outcome.{name}", getattr(outcome, name), index, "return one int32")
    _expect("outcome.weight", outcome.weight, one, "return one float32")
    whole = jax.ShapeDtypeStruct((env.num_people,), jnp.int32)
    _expect("population.group", people.group, whole, "one int32 for each of num_people")
    for name in ("weight", "true_score", "observed_score"):
        shape = _floats(env.num_people)
        _expect(f"population.{name}", getattr(people, name), shape, "one float32 a person")
    _check_slices(env)


def _floats(size: int) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct((size,), jnp.float32)


def _expect(name: str, got: Any, wanted: Any, remedy: str) -> None:
    got, wanted = signature(got), signature(wanted)
    differing = [(a, b) for a, b in zip(got, wanted, strict=False) if a != b]
    shown = f"got {differing[0][0]}, wanted {differing[0][1]}" if differing else f"got {got}"
    require(got == wanted, f"{name} has the wrong shape or dtype ({shown}): {remedy}")


def _check_slices(env: AbstractEnvironment) -> None:
    covered = sorted(i for part in env.slices.values() for i in range(part.start, part.stop))
    require(
        covered == list(range(env.obs_size)),
        f"slices {env.slices} must cover 0..{env.obs_size - 1} once each",
    )
    low, high = env.obs_bounds
    require(
        low.shape == high.shape == (env.obs_size,) and (low <= high).all(),
        f"obs_bounds must be two arrays of length {env.obs_size}, lowest first",
    )


def check_purity(env: AbstractEnvironment, params: Any) -> None:
    """Nothing but key, state, action and params decides: two traces are the same program.

    The global random generators and the clock are moved between the traces.
    """
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    programs = []
    try:
        for seed, clock in ((1, 1e9), (2, 2e9)):
            np.random.seed(seed)  # noqa: NPY002
            random.seed(seed)
            with mock.patch("time.time", lambda clock=clock: clock):
                life = eqx.filter_make_jaxpr(partial(_life, env))(jr.key(0), params)[0]
            constants = [np.asarray(c).tobytes() for c in life.consts if _is_number(c)]
            programs.append((re.sub(r"0x[0-9a-f]+", "", str(life)), constants))
    finally:
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)
    require(
        programs[0] == programs[1],
        "reset, step or observe depends on the clock, or on numpy's or Python's global random "
        "generator: draw every number from the key with jax.random",
    )


def _is_number(constant: Any) -> bool:
    return not jnp.issubdtype(jnp.asarray(constant).dtype, jax.dtypes.prng_key)


def _life(env: Any, key: PRNGKeyArray, params: Any) -> Any:
    """Everything that a reset and two steps show."""
    reset_key, first_key, second_key = jr.split(key, 3)
    state = env.reset(reset_key, params)
    shown = [env.observe(state, params), env.population(state, params)]
    for step_key, action in ((first_key, 1 % env.num_actions), (second_key, 0)):
        state, step = env.step(step_key, state, jnp.int32(action), params)
        shown += [step, env.observe(state, params), env.population(state, params)]
    return shown


def check_compilation(env: AbstractEnvironment, params: Any) -> None:
    """The same reset and steps plain, compiled and vectorised."""
    keys = jr.split(jr.key(7), 3)
    life = partial(_life, env)
    plain = life(keys[0], params)
    compiled = eqx.filter_jit(life)(keys[0], params)
    many = eqx.filter_jit(eqx.filter_vmap(life, in_axes=(0, None)))(keys, params)
    first = jax.tree.map(lambda leaf: leaf[0], many)
    for name, other in (("jit", compiled), ("vmap", first)):
        require(
            same(plain, other, tolerance=1e-5),
            f"reset and step give something else under {name}: use jax.numpy and no Python "
            "branches on values",
        )


@eqx.filter_jit
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
    require(
        finite(steps), "a reward, observation or weight is not finite, perhaps only after the end"
    )
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
