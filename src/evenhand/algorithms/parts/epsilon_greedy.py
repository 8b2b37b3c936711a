"""Exploring by taking any action now and then."""

from typing import Any

import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float

from evenhand.core.policy import AbstractPolicy


class EpsilonGreedy(AbstractPolicy):
    """The best action by `network(obs)`, or with probability `epsilon` any action."""

    network: Any
    epsilon: Float[Array, ""]

    def act(self, key, obs):
        values = self.network(obs)
        draw = jr.uniform(key)
        # Below epsilon, the same number divided by epsilon is uniform again.
        anything = (draw / jnp.maximum(self.epsilon, 1e-6) * values.shape[-1]).astype(jnp.int32)
        anything = jnp.minimum(anything, values.shape[-1] - 1)
        return jnp.where(draw < self.epsilon, anything, jnp.argmax(values).astype(jnp.int32))

    def log_prob(self, obs, action):
        values = self.network(obs)
        best = (action == jnp.argmax(values)).astype(jnp.float32)
        return jnp.log((1 - self.epsilon) * best + self.epsilon / values.shape[-1])
