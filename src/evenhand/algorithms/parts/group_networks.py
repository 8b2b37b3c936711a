"""Networks of which every group has its own: one set of arrays, with a leading axis of groups."""

from itertools import pairwise
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from evenhand.algorithms.parts.distributions import Categorical, Normal

FIRST_LOG_STD = -0.5
LAST_SCALE = 0.1


class Perceptron(eqx.Module):
    """Two hidden tanh layers and a linear output."""

    weights: tuple[Float[Array, "..."], ...]
    biases: tuple[Float[Array, "..."], ...]

    def __call__(self, x: Float[Array, "*B n"]) -> Float[Array, "*B m"]:
        """The outputs; leading axes of `x` are kept."""
        rows = x.reshape(-1, x.shape[-1])
        last = len(self.weights) - 1
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            rows = rows @ weight + bias[None]
            rows = rows if layer == last else jnp.tanh(rows)
        return rows.reshape(*x.shape[:-1], -1)


def perceptron(key: PRNGKeyArray, sizes: tuple[int, ...], last_scale: float = 1.0) -> Perceptron:
    """A fresh network of these layer sizes, drawn from U(-1, 1) / sqrt(inputs), as torch does.

    The last layer's weights are scaled, and its biases 0, where `last_scale` is not 1.
    """
    shapes = [shape for n, m in pairwise(sizes) for shape in ((n, m), (m,))]
    ends = np.cumsum([np.prod(shape) for shape in shapes]).tolist()
    # One draw for all layers: each draw of its own takes seconds to compile.
    draws = jr.uniform(key, (ends[-1],), minval=-1.0)
    parts = [
        part.reshape(shape) * sizes[layer // 2] ** -0.5
        for layer, (part, shape) in enumerate(zip(jnp.split(draws, ends[:-1]), shapes, strict=True))
    ]
    weights, biases = parts[::2], parts[1::2]
    if last_scale != 1.0:
        weights[-1], biases[-1] = last_scale * weights[-1], jnp.zeros_like(biases[-1])
    return Perceptron(tuple(weights), tuple(biases))


class Actor(eqx.Module):
    """From an observation to a distribution of actions.

    One head for all tasks, or, where `heads` are given (their leaves lead with M), a trunk and
    one network for each task; `task` then says which. Continuous actions have a `log_std`.
    """

    body: Perceptron
    heads: Perceptron | None
    log_std: Float[Array, " A"] | None

    def __call__(
        self, obs: Float[Array, "*B obs"], task: Int[Array, "*B"] | None = None
    ) -> Categorical | Normal:
        """The distribution; leading axes are kept."""
        out = self.body(obs)
        if self.heads is not None and task is not None:
            every = jax.vmap(lambda head: head(jnp.tanh(out)))(self.heads)
            chosen = jax.nn.one_hot(task, every.shape[0], axis=0)
            out = jnp.sum(every * chosen[..., None], 0)
        if self.log_std is None:
            return Categorical(jax.nn.log_softmax(out))
        return Normal(out, jnp.broadcast_to(self.log_std, out.shape))


def fresh_actor(
    key: PRNGKeyArray, obs_size: int, num_out: int, width: int, num_heads: int, continuous: bool
) -> Actor:
    """An actor before its first step; `num_heads` 0 is one head for all tasks."""
    body_key, head_key = jr.split(key)
    log_std = jnp.full(num_out, FIRST_LOG_STD, jnp.float32) if continuous else None
    if not num_heads:
        body = perceptron(body_key, (obs_size, width, width, num_out), LAST_SCALE)
        return Actor(body, None, log_std)
    one = lambda key: perceptron(key, (width, width, width, num_out), LAST_SCALE)  # noqa: E731
    heads = jax.vmap(one)(jr.split(head_key, num_heads))
    return Actor(perceptron(body_key, (obs_size, width, width)), heads, log_std)


def fresh_critics(key: PRNGKeyArray, obs_size: int, width: int, num_tasks: int) -> Perceptron:
    """One value network for each task; leaves lead with M."""
    one = lambda key: perceptron(key, (obs_size, width, width, 1), LAST_SCALE)  # noqa: E731
    return jax.vmap(one)(jr.split(key, num_tasks))


def task_values(critics: Perceptron, obs: Float[Array, "*B obs"]) -> Float[Array, "*B M"]:
    """The value of every task."""
    values = jax.vmap(lambda critic: critic(obs)[..., 0])(critics)
    return jnp.moveaxis(values, 0, -1)


class Scaler(eqx.Module):
    """Running mean and spread of what has been observed."""

    mean: Float[Array, "*G obs"]
    square: Float[Array, "*G obs"]
    """Sum of squared deviations."""
    count: Float[Array, "*G"]

    def __call__(self, obs: Float[Array, "*B obs"], reach: Any) -> Float[Array, "*B obs"]:
        """Observations with mean 0 and standard deviation 1, clipped to `reach`."""
        seen = self.count > 1
        spread = jnp.sqrt(jnp.where(seen, self.square / jnp.maximum(self.count, 1.0), 1.0))
        scaled = (obs - _led(self.mean, obs)) / (_led(spread, obs) + 1e-8)
        return jnp.clip(scaled, -reach, reach)


def fresh_scaler(obs_size: int) -> Scaler:
    """A scaler that has seen nothing: it changes nothing but the reach."""
    return Scaler(jnp.zeros(obs_size), jnp.zeros(obs_size), jnp.zeros(()))


def seen(scaler: Scaler, obs: Float[Array, "B obs"], weight: Float[Array, " B"]) -> Scaler:
    """The scaler after these observations (Chan et al. 1983, the pairwise update)."""
    more = jnp.sum(weight)
    total = scaler.count + more
    share = more / jnp.maximum(total, 1.0)
    mean = weight @ obs / jnp.maximum(more, 1.0)
    off = mean - scaler.mean
    square = scaler.square + weight @ (obs - mean[None]) ** 2 + off**2 * scaler.count * share
    return Scaler(scaler.mean + off * share, square, total)


def _led(row: Float[Array, " obs"], like: Float[Array, "*B obs"]) -> Float[Array, "*C obs"]:
    """The row with as many axes as `like`."""
    return row.reshape((1,) * (like.ndim - 1) + row.shape)
