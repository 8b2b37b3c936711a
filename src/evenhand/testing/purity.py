"""Whether a world is a pure function of key, state, action and params, compiled or not."""

import random
import re
from functools import partial
from typing import Any
from unittest import mock

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import PRNGKeyArray

from evenhand.core.environment import AbstractEnvironment
from evenhand.testing.conformance import quick_jit, require, same


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
    """Everything that a reset and one step show."""
    reset_key, step_key = jr.split(key)
    state = env.reset(reset_key, params)
    shown = env.observe(state, params), env.population(state, params)
    state, step = env.step(step_key, state, jnp.int32(1 % env.num_actions), params)
    return *shown, step, env.observe(state, params), env.population(state, params)


def check_compilation(env: AbstractEnvironment, params: Any, deterministic: bool = False) -> None:
    """The same reset and step, compiled alone and for many worlds at once; these worlds differ."""
    keys = jr.split(jr.key(7), 16)
    life = partial(_life, env)
    try:
        alone = quick_jit(life)(keys[0], params)
    except jax.errors.JAXTypeError as error:
        require(False, f"reset or step cannot be compiled: no Python branches on values ({error})")
    many = quick_jit(eqx.filter_vmap(life, in_axes=(0, None)))(keys, params)
    first = jax.tree.map(lambda leaf: leaf[0], many)
    require(
        same(alone, first, tolerance=1e-5),
        "reset and step give something else under vmap: use jax.numpy and keys only",
    )
    rolled = jax.tree.map(lambda leaf: jnp.roll(leaf, 1, axis=0), many)
    require(
        deterministic or not same(many, rolled),
        "different keys gave the same experience: use the key, or say deterministic=True",
    )
