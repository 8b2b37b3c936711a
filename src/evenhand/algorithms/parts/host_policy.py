"""Somebody else's policy, asked on the host in the middle of a compiled program."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from evenhand.algorithms.parts.epsilon_greedy import EpsilonGreedy
from evenhand.core.errors import InputError
from evenhand.core.policy import AbstractPolicy, CategoricalPolicy, sample_categorical


class HostPolicy(AbstractPolicy):
    """`ask(rows)` gives probabilities `(B, A)` for rows of observations `(B, obs)`.

    It must not use jax: the device that would answer waits for it.
    """

    ask: Callable[[np.ndarray], Any] = eqx.field(static=True)
    num_actions: int = eqx.field(static=True)

    def probs(self, obs: Float[Array, " obs"]) -> Float[Array, " A"]:
        """P(action) of every action."""

        def ask(rows: Any) -> np.ndarray:
            rows = np.asarray(rows)
            found = np.asarray(self.ask(rows.reshape(-1, rows.shape[-1])), np.float32)
            return found.reshape(*rows.shape[:-1], self.num_actions)

        shape = jax.ShapeDtypeStruct((self.num_actions,), jnp.float32)
        return jnp.asarray(jax.pure_callback(ask, shape, obs, vmap_method="expand_dims"))

    def act(self, key, obs):
        return sample_categorical(key, jnp.log(self.probs(obs)))

    def log_prob(self, obs, action):
        return jnp.log(self.probs(obs))[action]


def checked(ask: Callable[[np.ndarray], Any], env: Any) -> Callable[[np.ndarray], Any]:
    """The function, after two rows have been asked about; an error if the answer is of no use."""
    found = np.asarray(ask(np.zeros((2, env.obs_size), np.float32)))
    if found.shape != (2, env.num_actions) or not np.allclose(found.sum(-1), 1.0, atol=1e-3):
        raise InputError(
            f"the function must give probabilities of {env.num_actions} actions for every row; "
            f"for two rows it gave {np.array2string(found, precision=3, threshold=8)}"
        )
    return ask


def certain(policy: AbstractPolicy) -> AbstractPolicy:
    """The policy, with the probabilities of what it does: a greedy one is certain of its best."""
    if isinstance(policy, CategoricalPolicy) and policy.greedy:
        return EpsilonGreedy(policy.network, jnp.float32(0))
    return policy
