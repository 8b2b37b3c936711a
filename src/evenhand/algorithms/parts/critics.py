"""Several value functions at once, each with a trunk of its own, learned beside PPO's."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, PRNGKeyArray

from evenhand.algorithms.parts.adam import AdamState, adam_init, adam_step, clip_by_norm
from evenhand.algorithms.parts.network import orthogonal_head
from evenhand.algorithms.parts.weighted import weighted_mean


class Critics(eqx.Module):
    """C values of an observation: one hidden tanh layer each; all of them are one product."""

    hidden_in: Float[Array, "obs C W"]
    hidden_bias: Float[Array, "C W"]
    out: Float[Array, "C W"]
    out_bias: Float[Array, " C"]

    def __call__(self, obs: Float[Array, "*B obs"]) -> Float[Array, "*B C"]:
        """The values; leading axes are kept."""
        rows = obs.reshape(-1, obs.shape[-1])
        flat = self.hidden_in.reshape(obs.shape[-1], -1)
        hidden = jnp.tanh(rows @ flat + self.hidden_bias.reshape(1, -1))
        hidden = hidden.reshape(-1, *self.out.shape)
        values = jnp.sum(hidden * self.out[None], -1) + self.out_bias[None]
        return values.reshape(*obs.shape[:-1], -1)


def orthogonal_critics(key: PRNGKeyArray, num_critics: int, obs_size: int, width: int) -> Critics:
    """Fresh critics, each as `TwoHeads` starts its value."""
    one = lambda key: orthogonal_head(key, (obs_size, width, 1), 1.0)  # noqa: E731
    heads = jax.vmap(one)(jr.split(key, num_critics))
    return Critics(
        jnp.moveaxis(heads.hidden_in, 0, 1),
        heads.hidden_bias,
        heads.out[..., 0],
        heads.out_bias[..., 0],
    )


class CriticsMemory(eqx.Module):
    """Critics and their optimiser's memory."""

    critics: Critics
    adam: AdamState


def fresh_critics(key: PRNGKeyArray, num_critics: int, obs_size: int, width: int) -> CriticsMemory:
    """Critics before their first step."""
    critics = orthogonal_critics(key, num_critics, obs_size, width)
    return CriticsMemory(critics, adam_init(critics))


def critics_loss(
    critics: Critics,
    obs: Float[Array, "B obs"],
    target: Float[Array, "B C"],
    weight: Float[Array, " B"],
) -> Float[Array, ""]:
    """Half the sum over critics of the mean squared error."""
    return 0.5 * weighted_mean(jnp.sum((critics(obs) - target) ** 2, -1), weight)


def fit_critics(
    memory: CriticsMemory, samples: Any, target: Float[Array, "B C"], rate: Any, max_norm: Any
) -> CriticsMemory:
    """The critics after one step of Adam towards the targets of a minibatch."""
    grads = jax.grad(critics_loss)(memory.critics, samples.obs, target, samples.weight)
    grads = clip_by_norm(grads, max_norm)
    return CriticsMemory(*adam_step(memory.critics, grads, memory.adam, rate, eps=1e-5))
