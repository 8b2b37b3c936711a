"""Whether what a world returns has the names, sizes and types that it says."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr

from evenhand.core.environment import AbstractEnvironment
from evenhand.testing.conformance import require, signature


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
