"""Means that leave out steps of weight 0."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def weighted_mean(values: Float[Array, " B"], weight: Float[Array, " B"]) -> Float[Array, ""]:
    """Mean of the values that count; 0 where none does."""
    return jnp.sum(values * weight) / jnp.maximum(jnp.sum(weight), 1.0)


def standardise(values: Float[Array, " B"], weight: Float[Array, " B"]) -> Float[Array, " B"]:
    """Values with weighted mean 0 and standard deviation 1."""
    centred = values - weighted_mean(values, weight)
    return centred / (jnp.sqrt(weighted_mean(centred**2, weight)) + 1e-8)
