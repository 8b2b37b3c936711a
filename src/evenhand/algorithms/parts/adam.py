"""Adam, as a pure function of gradients and its two moving averages."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


class AdamState(eqx.Module):
    """Moving averages of the gradient and of its square, and beta^t of both."""

    mean: Any
    square: Any
    decay: Float[Array, "2"]


def adam_init(parameters: Any) -> AdamState:
    """The state before the first step; two trees of zeros, since donated memory is not shared."""
    mean, square = (jax.tree.map(jnp.zeros_like, parameters) for _ in range(2))
    return AdamState(mean, square, jnp.ones(2))


def adam_step(
    parameters: Any,
    grads: Any,
    state: AdamState,
    rate: Float[Array, ""] | float,
    eps: float = 1e-8,
    betas: tuple[float, float] = (0.9, 0.999),
) -> tuple[Any, AdamState]:
    """Parameters after one step down (Kingma & Ba 2015, algorithm 1), and the new state."""
    b1, b2 = betas
    mean = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, state.mean, grads)
    square = jax.tree.map(lambda s, g: b2 * s + (1 - b2) * g**2, state.square, grads)
    decay = state.decay * jnp.asarray(betas, jnp.float32)
    unbias = 1 / (1 - decay)

    def move(p: Array, m: Array, s: Array) -> Array:
        return p - rate * (m * unbias[0]) / (jnp.sqrt(s * unbias[1]) + eps)

    return jax.tree.map(move, parameters, mean, square), AdamState(mean, square, decay)


def clip_by_norm(grads: Any, largest: Float[Array, ""] | float) -> Any:
    """The gradients, scaled down together where their joint Euclidean norm exceeds `largest`."""
    norm = jnp.sqrt(sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(grads)))
    scale = jnp.minimum(1.0, largest / jnp.maximum(norm, 1e-12))
    return jax.tree.map(lambda leaf: scale * leaf, grads)
