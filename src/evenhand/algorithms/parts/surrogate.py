"""The pieces of PPO's loss, as pure functions of arrays."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from evenhand.algorithms.parts.weighted import weighted_mean


def chosen(values: Float[Array, "*B A"], action: Int[Array, "*B"]) -> Float[Array, "*B"]:
    """The entry of each action: a product with a one-hot row, whose gradient is no scatter."""
    return jnp.sum(values * jax.nn.one_hot(action, values.shape[-1]), -1)


def kl_divergence(
    old_log_probs: Float[Array, "*B A"], log_probs: Float[Array, "*B A"]
) -> Float[Array, "*B"]:
    """KL(old || new) over all actions, per sample."""
    return jnp.sum(jnp.exp(old_log_probs) * (old_log_probs - log_probs), -1)


def clipped_surrogate(
    log_ratio: Float[Array, " B"],
    advantage: Float[Array, " B"],
    clip: Float[Array, ""] | float,
    weight: Float[Array, " B"],
) -> Float[Array, ""]:
    """The clipped policy loss, to be minimised (Schulman et al. 2017, eq. 7)."""
    ratio = jnp.exp(log_ratio)
    clipped = jnp.clip(ratio, 1 - clip, 1 + clip)
    return -weighted_mean(jnp.minimum(ratio * advantage, clipped * advantage), weight)


def clipped_value_loss(
    value: Float[Array, " B"],
    old_value: Float[Array, " B"],
    target: Float[Array, " B"],
    clip: Float[Array, ""] | float,
    weight: Float[Array, " B"],
) -> Float[Array, ""]:
    """Half the worse of the plain and the clipped squared error, as CleanRL has it."""
    near = old_value + jnp.clip(value - old_value, -clip, clip)
    return 0.5 * weighted_mean(jnp.maximum((value - target) ** 2, (near - target) ** 2), weight)
