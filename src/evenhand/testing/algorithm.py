"""`check_algorithm`: whether a learner keeps the contract of the training loop."""

import io
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from evenhand.core.algorithm import AbstractAlgorithm, TrainState
from evenhand.core.environment import AbstractEnvironment
from evenhand.core.training import train
from evenhand.testing.conformance import finite, quick_jit, require, same, signature


def check_algorithm(
    algorithm: AbstractAlgorithm, env: AbstractEnvironment, params: Any = None, *, seed: int = 0
) -> None:
    """A `ConformanceError` that says what to fix, if the learner breaks its contract.

    Give a tiny learner (a few environments, steps and units): it is compiled three times and
    trained for two updates a few times. Whether it learns is what the probes are for.
    """
    params = env.default_params() if params is None else params
    episode = 2 * algorithm.num_steps
    run = partial(
        train, algorithm=algorithm, env=env, params=params, num_updates=2,
        train_episode_steps=episode,
    )  # fmt: skip
    keys = jr.split(jr.key(seed), 2)
    whole, log = run(keys[0])
    check_counts(algorithm, whole, log)
    check_policy(algorithm, env, params, whole)
    require(
        same(_arrays(whole), _arrays(run(keys[0])[0])),
        "the same key gave two different runs: draw every number from the key",
    )
    require(
        not same(_arrays(whole), _arrays(run(keys[1])[0])),
        "different keys gave the same run: use the key",
    )
    kept: list[TrainState] = []
    pieces, _ = run(
        keys[0], evaluate_every=1, hooks=[lambda state, log, update: kept.append(state)]
    )
    require(
        same(_arrays(whole), _arrays(pieces), tolerance=1e-4),
        "a run cut into pieces differs from the whole: keep everything that lasts in TrainState",
    )
    resumed, _ = run(keys[0], evaluate_every=1, state=_round_trip(kept[0]))
    require(
        same(_arrays(pieces), _arrays(resumed)),
        "a run saved, restored and continued differs: keep everything that lasts in TrainState",
    )
    check_sweep(algorithm, env, params)


def _arrays(state: TrainState) -> Any:
    return eqx.filter(state, eqx.is_array)


def _round_trip(state: TrainState) -> TrainState:
    """The state through a file."""
    file = io.BytesIO()
    eqx.tree_serialise_leaves(file, state)
    file.seek(0)
    return eqx.tree_deserialise_leaves(file, state)


def check_counts(algorithm: AbstractAlgorithm, state: TrainState, log: Any) -> None:
    """Two updates are counted, with all their steps, and logged in finite scalars."""
    collected = 2 * algorithm.num_envs * algorithm.num_steps
    require(int(state.update) == 2, "TrainState.update must count the updates: leave it to train")
    require(
        int(state.env_steps) >= collected,
        f"env_steps is {int(state.env_steps)} after {collected} steps: count what is collected",
    )
    require(finite(eqx.filter(state, eqx.is_array)), "the state is not finite after two updates")
    for name, values in log.items():
        require(
            values.shape == (2,) and np.isfinite(values).all(),
            f"log entry {name!r} must be one finite scalar an update, got {np.asarray(values)}",
        )


def check_policy(
    algorithm: AbstractAlgorithm, env: AbstractEnvironment, params: Any, state: TrainState
) -> None:
    """The policy acts within range, is a distribution, and `deployed` keeps the params' shape."""
    obs = state.actors.obs[0]
    for name, policy in (
        ("policy", algorithm.policy(state)),
        ("behaviour", algorithm.behaviour(state)),
    ):
        action = eqx.filter_jit(policy.act)(jr.key(0), obs)
        require(
            action.shape == () and action.dtype == jnp.int32 and 0 <= int(action) < env.num_actions,
            f"{name}.act must give one int32 in 0..{env.num_actions - 1}, got {action!r}",
        )
        every = jnp.arange(env.num_actions, dtype=jnp.int32)
        log_probs = jax.vmap(policy.log_prob, (None, 0))(obs, every)
        total = float(jnp.exp(log_probs).sum())
        require(
            abs(total - 1) < 1e-3,
            f"{name}: probabilities of all actions add up to {total:.4f}; exp(log_prob) must to 1",
        )
    require(
        signature(algorithm.deployed(state, params)) == signature(params),
        "deployed must give params of the same shapes and dtypes as it was given",
    )


def check_sweep(algorithm: AbstractAlgorithm, env: AbstractEnvironment, params: Any) -> None:
    """Float hyperparameters can be swept by vmap: two equal ones give two equal runs."""
    floats, rest = eqx.partition(algorithm, lambda leaf: isinstance(leaf, float))
    if not jax.tree.leaves(floats):
        return
    pairs = jax.tree.map(lambda value: jnp.full(2, value, jnp.float32), floats)

    def once(floats: Any) -> Any:
        init_key, update_key = jr.split(jr.key(3))
        swept = eqx.combine(floats, rest)
        state = swept.init(init_key, env, params)
        state, log = swept.update(update_key, env, params, state)
        return eqx.filter((state, log), eqx.is_array)

    try:
        both = quick_jit(eqx.filter_vmap(once))(pairs)
    except (TypeError, jax.errors.JAXTypeError) as error:
        require(False, f"hyperparameters cannot be swept by vmap: use no float() or if ({error})")
    first, second = (jax.tree.map(lambda leaf, i=i: leaf[i], both) for i in (0, 1))
    require(same(first, second, tolerance=1e-4), "equal hyperparameters gave unequal runs")
    require(finite(first), "a run under vmap is not finite")
