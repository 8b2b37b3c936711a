"""Adding scaled terms to an advantage, as advantage shaping does."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from evenhand.algorithms.parts.weighted import standardise


def counted_range(
    values: Float[Array, " B"], weight: Float[Array, " B"]
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Lowest value and spread (highest - lowest) of the samples that count; 0, 0 if none does."""
    counts = weight > 0
    low = jnp.min(jnp.where(counts, values, jnp.inf))
    high = jnp.max(jnp.where(counts, values, -jnp.inf))
    some = jnp.any(counts)
    return jnp.where(some, low, 0.0), jnp.where(some, high - low, 0.0)


def min_max(values: Float[Array, " B"], weight: Float[Array, " B"]) -> Float[Array, " B"]:
    """Values scaled to [0, 1] over the samples that count: (x - min) / (max - min + 1e-8)."""
    low, spread = counted_range(values, weight)
    return jnp.where(weight > 0, (values - low) / (spread + 1e-8), 0.0)


def shaped(
    advantage: Float[Array, " B"],
    weight: Float[Array, " B"],
    *terms: tuple[Float[Array, ""] | float, Float[Array, " B"]],
) -> Float[Array, " B"]:
    """n(advantage) + sum of scale * n(term) over `(scale, term)`, n = `min_max`, standardised.

    Written as advantage + spread * sum(...): the same after standardising, but for the 1e-8 in n,
    and with scales of 0 bit for bit what plain PPO uses.
    """
    _, spread = counted_range(advantage, weight)
    extra = jnp.zeros_like(advantage)
    for scale, values in terms:
        extra += scale * min_max(values, weight)
    return standardise(advantage + spread * extra, weight)
