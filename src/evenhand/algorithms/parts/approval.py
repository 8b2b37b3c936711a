"""What policies with two actions share: they are a probability of approval."""

from abc import abstractmethod

import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float

from evenhand.core.policy import AbstractPolicy


class AbstractApprovalPolicy(AbstractPolicy):
    """Approves (1) or denies (0) with a probability that depends on the observation.

    One uniform number decides, as in `TabularPolicy`: policies that share a key act differently
    only where their probabilities differ.
    """

    @abstractmethod
    def approve_prob(self, obs: Float[Array, " obs"]) -> Float[Array, ""]:
        """P(action = 1) for this observation."""

    def act(self, key, obs):
        return (jr.uniform(key) >= 1.0 - self.approve_prob(obs)).astype(jnp.int32)

    def log_prob(self, obs, action):
        approve = self.approve_prob(obs)
        return jnp.log(jnp.where(action == 1, approve, 1.0 - approve))
