"""A Q-network whose trunk all tasks share and whose heads give a value for either loss."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from evenhand.supervised.student_network import (
    Dense,
    Heads,
    Scaling,
    draw_dense_layers,
    draw_heads,
)


class QTrunk(eqx.Module):
    """Three affine maps with ReLU, the first two normalised over their units."""

    dense: tuple[Dense, ...]
    scaling: tuple[Scaling, ...]


class QNetwork(eqx.Module):
    """A trunk that all tasks share and two values per task."""

    trunk: QTrunk
    heads: Heads


def draw_q_network(
    rng: np.random.Generator, num_in: int, hidden: tuple[int, ...], num_tasks: int
) -> QNetwork:
    """A Q-network with layers of these widths."""
    trunk = QTrunk(*draw_dense_layers(rng, num_in, hidden))
    return QNetwork(trunk, draw_heads(rng, hidden[-1], num_tasks))


def q_features(trunk: QTrunk, states: Float[Array, "n S"]) -> Float[Array, "n W"]:
    """What the heads see of each state."""
    x = states
    for dense, scaling in zip(trunk.dense, trunk.scaling, strict=False):
        x = dense(x)
        x = (x - jnp.mean(x, 1, keepdims=True)) * jax.lax.rsqrt(jnp.var(x, 1, keepdims=True) + 1e-5)
        x = jax.nn.relu(scaling(x))
    return jax.nn.relu(trunk.dense[-1](x))


def q_values(network: QNetwork, states: Float[Array, "N M S"]) -> Float[Array, "N M 2"]:
    """Q of both losses for every task's state: the shared trunk, then the task's own head."""
    x = q_features(network.trunk, states.reshape(-1, states.shape[-1]))
    x = x.reshape(*states.shape[:2], -1)
    return jnp.einsum("nmw,mwc->nmc", x, network.heads.weight) + network.heads.bias[None]


def q_targets(
    network: QNetwork, next_states: Float[Array, "N M 2 S"], rewards: Float[Array, "N M 2"],
    discount: float,
) -> Float[Array, "N M 2"]:  # fmt: skip
    """R(a) + discount max_a' Q(s'(a), a') for both losses a, without a gradient (equation 6)."""
    later = [jnp.max(q_values(network, next_states[:, :, a]), -1) for a in (0, 1)]
    return jax.lax.stop_gradient(rewards + discount * jnp.stack(later, -1))
