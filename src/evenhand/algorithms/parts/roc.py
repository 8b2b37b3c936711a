"""Thresholds as points of a curve, and mixtures of two thresholds as the curve's upper hull."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def from_level_up(values: Float[Array, "*axes K"]) -> Float[Array, "*axes thresholds"]:
    """Sum over levels >= k for each threshold k = 0..K; the last, K, holds nobody."""
    summed = jnp.flip(jnp.cumsum(jnp.flip(values, -1), -1), -1)
    return jnp.concatenate([summed, jnp.zeros_like(summed[..., :1])], -1)


def _chords(
    x: Float[Array, " n"], y: Float[Array, " n"], at: Float[Array, ""]
) -> tuple[Float[Array, "n n"], Float[Array, "n n"]]:
    """Height at `at` of the line from each point j to each point i, and the weight of i.

    -inf where the two points do not lie on both sides of `at`.
    """
    high, low = x[:, None], x[None, :]
    run = high - low
    weight = jnp.where(run > 0, (at - low) / jnp.where(run > 0, run, 1.0), 1.0)
    height = weight * y[:, None] + (1 - weight) * y[None, :]
    return jnp.where((high >= at) & (low <= at), height, -jnp.inf), weight


def hull_height(
    x: Float[Array, " n"], y: Float[Array, " n"], at: Float[Array, ""]
) -> Float[Array, ""]:
    """Height at `at` of the upper hull of the points: the best mixture of two of them."""
    return jnp.max(_chords(x, y, at)[0])


def hull_at_points(x: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, " n"]:
    """Height of the upper hull at each of the points; linear in between."""
    return jax.vmap(hull_height, (None, None, 0))(x, y, x)


def hull_mixture(
    x: Float[Array, " n"], y: Float[Array, " n"], at: Float[Array, ""]
) -> tuple[Int[Array, ""], Int[Array, ""], Float[Array, ""]]:
    """Points i and j and the weight of i whose mixture reaches the hull at `at`.

    Of several mixtures equally high the one of the closest points is taken.
    """
    height, weight = _chords(x, y, at)
    scale = 1.0 + jnp.max(jnp.abs(y))
    closest = height - 1e-6 * scale * jnp.abs(x[:, None] - x[None, :])
    best = jnp.argmax(closest)
    i, j = jnp.divmod(best, x.shape[0])
    return i, j, weight[i, j]
