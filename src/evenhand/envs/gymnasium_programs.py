"""Compiled worlds in the shape that Gymnasium steps them: flat arrays in, one row out."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array

from evenhand.core.environment import AbstractEnvironment
from evenhand.core.errors import InputError

try:
    import gymnasium
except ModuleNotFoundError as missing:
    raise InputError("Gymnasium is not installed; try: pip install 'evenhand[gym]'") from missing

FACTS = ("group", "person", "decision", "label")


class Programs(NamedTuple):
    """Compiled functions of flat lists of arrays: flattening modules would cost as much again."""

    reset: Callable
    step: Callable
    reset_where: Callable


@lru_cache(maxsize=64)
def programs(structure: Any, batched: bool) -> Programs:
    """The compiled world; worlds of equal structure share it.

    What stays on the device between calls is the world's state, its key and its clock, flat.
    """
    carried: list[Any] = []

    def reset(constants: list[Array], seed: Array) -> tuple[list[Array], Array]:
        env, params = jax.tree.unflatten(structure, constants)
        reset_key, run_key = jr.split(jr.key(seed))
        state = env.reset(reset_key, params)
        leaves, tree = jax.tree.flatten((state, jr.key_data(run_key), jnp.int32(0)))
        carried[:] = [tree]
        return leaves, env.observe(state, params)

    def step(constants: list[Array], leaves: list[Array], action: Array):
        env, params = jax.tree.unflatten(structure, constants)
        state, key, time = jax.tree.unflatten(carried[0], leaves)
        step_key = jr.fold_in(jr.wrap_key_data(key), time)
        state, row = _row(env, params, step_key, state, action)
        return jax.tree.leaves((state, key, time + 1)), row

    def reset_where(mask: Array, constants: list[Array], leaves: list[Array], seed: Array):
        fresh, obs = jax.vmap(reset, (None, 0))(constants, seed)

        def choose(new: Array, old: Array) -> Array:
            return jnp.where(mask.reshape(-1, *(1,) * (new.ndim - 1)), new, old)

        return [choose(new, old) for new, old in zip(fresh, leaves, strict=True)], obs

    if batched:
        many_reset, many_step = jax.vmap(reset, (None, 0)), jax.vmap(step, (None, 0, 0))
        return Programs(jax.jit(many_reset), jax.jit(many_step), jax.jit(reset_where))
    return Programs(jax.jit(reset), jax.jit(step), jax.jit(reset_where))


def _row(env: AbstractEnvironment, params: Any, key: Any, state: Any, action: Array):
    """The next state, and all that is told of the step in one row: each array has its price."""
    state, done = env.step(key, state, action, params)
    who = done.outcome
    facts = [done.terminated, who.weight, who.group, who.person, who.decision, who.label]
    facts = jnp.stack([jnp.asarray(fact, jnp.float32) for fact in facts])
    return state, jnp.concatenate([env.observe(state, params), done.rewards, facts])


def spaces(env: AbstractEnvironment) -> tuple[gymnasium.spaces.Box, gymnasium.spaces.Discrete]:
    """Observation and action space."""
    low, high = env.obs_bounds
    return gymnasium.spaces.Box(low, high, dtype=np.float32), gymnasium.spaces.Discrete(
        env.num_actions
    )


def new_seed(generator: np.random.Generator) -> np.uint32:
    """A seed for one episode; what Gymnasium seeds is the generator."""
    return generator.integers(2**32, dtype=np.uint32)
