"""Distributions over actions as records of arrays, with what trust regions need of them."""

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int, PRNGKeyArray

from evenhand.algorithms.parts.surrogate import chosen
from evenhand.core.policy import sample_categorical

LOG_2PI = 1.8378770664093453


class Categorical(eqx.Module):
    """One of A actions."""

    log_probs: Float[Array, "*B A"]

    def log_prob(self, action: Int[Array, "*B"]) -> Float[Array, "*B"]:
        """Log-probability of each action."""
        return chosen(self.log_probs, action)

    def sample(self, key: PRNGKeyArray) -> Int[Array, ""]:
        """One action, of a distribution without leading axes."""
        return sample_categorical(key, self.log_probs)

    def kl_from(self, old: "Categorical") -> Float[Array, "*B"]:
        """KL(self || old)."""
        return jnp.sum(jnp.exp(self.log_probs) * (self.log_probs - old.log_probs), -1)

    def entropy(self) -> Float[Array, "*B"]:
        """Entropy in nats."""
        return -jnp.sum(jnp.exp(self.log_probs) * self.log_probs, -1)


class Normal(eqx.Module):
    """Independent normal action dimensions."""

    mean: Float[Array, "*B A"]
    log_std: Float[Array, "*B A"]

    def log_prob(self, action: Float[Array, "*B A"]) -> Float[Array, "*B"]:
        """Log-density of each action."""
        scaled = (action - self.mean) * jnp.exp(-self.log_std)
        return jnp.sum(-0.5 * scaled**2 - self.log_std - 0.5 * LOG_2PI, -1)

    def sample(self, key: PRNGKeyArray) -> Float[Array, "*B A"]:
        """One action for every leading index."""
        return self.mean + jnp.exp(self.log_std) * jr.normal(key, self.mean.shape)

    def kl_from(self, old: "Normal") -> Float[Array, "*B"]:
        """KL(self || old), summed over dimensions."""
        wider = jnp.exp(2 * (self.log_std - old.log_std))
        apart = ((self.mean - old.mean) * jnp.exp(-old.log_std)) ** 2
        return jnp.sum(old.log_std - self.log_std + 0.5 * (wider + apart - 1.0), -1)

    def entropy(self) -> Float[Array, "*B"]:
        """Differential entropy in nats."""
        return jnp.sum(self.log_std + 0.5 * (1.0 + LOG_2PI), -1)
