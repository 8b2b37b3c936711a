"""A network that is fitted a few steps at a time, over a whole run."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from evenhand.algorithms.parts.adam import AdamState, adam_init, adam_step
from evenhand.algorithms.parts.network import Head


class Fitted(eqx.Module):
    """A network, and its optimiser's memory of the parameters as one long vector."""

    network: Head
    memory: AdamState


def fitted(network: Head) -> Fitted:
    """A network that has not been fitted yet."""
    return Fitted(network, adam_init(ravel_pytree(network)[0]))


def fit(
    before: Fitted,
    loss: Callable[[Head, Any], Float[Array, ""]],
    inputs: Any,
    num_updates: int,
    rate: Float[Array, ""] | float,
) -> Fitted:
    """The network after Adam's steps down `loss(network, input)`, one for each of the inputs."""
    vector, network_of = ravel_pytree(before.network)

    def body(carry: tuple[Array, AdamState], given: Any):
        grads = jax.grad(lambda vector: loss(network_of(vector), given))(carry[0])
        return adam_step(carry[0], grads, carry[1], rate), None

    (vector, memory), _ = jax.lax.scan(body, (vector, before.memory), inputs, num_updates)
    return Fitted(network_of(vector), memory)
