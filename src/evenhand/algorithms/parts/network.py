"""Small fully connected networks."""

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jax.nn.initializers import orthogonal
from jaxtyping import Array, Float, PRNGKeyArray


class Head(eqx.Module):
    """One hidden tanh layer and a linear output."""

    hidden_in: Float[Array, "obs W"]
    hidden_bias: Float[Array, " W"]
    out: Float[Array, "W A"]
    out_bias: Float[Array, " A"]

    def __call__(self, obs: Float[Array, "*B obs"]) -> Float[Array, "*B A"]:
        """The outputs; leading axes are kept."""
        hidden = jnp.tanh(_affine(obs, self.hidden_in, self.hidden_bias))
        return _affine(hidden, self.out, self.out_bias)


def orthogonal_head(key: PRNGKeyArray, sizes: tuple[int, int, int], out_scale: float) -> Head:
    """A head of (obs, hidden, out) sizes with orthogonal weights and biases of 0."""
    in_key, out_key = jr.split(key)
    num_obs, width, num_out = sizes
    return Head(
        orthogonal(2**0.5)(in_key, (num_obs, width)),
        jnp.zeros(width),
        orthogonal(out_scale)(out_key, (width, num_out)),
        jnp.zeros(num_out),
    )


def uniform_head(key: PRNGKeyArray, sizes: tuple[int, int, int]) -> Head:
    """A head drawn from U(-1, 1) / sqrt(inputs), weights and biases, as torch does by default."""
    keys, (num_obs, width, num_out) = jr.split(key, 4), sizes

    def draw(key: PRNGKeyArray, shape: tuple[int, ...], fan_in: int) -> Array:
        return jr.uniform(key, shape, minval=-(fan_in**-0.5), maxval=fan_in**-0.5)

    return Head(
        draw(keys[0], (num_obs, width), num_obs),
        draw(keys[1], (width,), num_obs),
        draw(keys[2], (width, num_out), width),
        draw(keys[3], (num_out,), width),
    )


class TwoHeads(eqx.Module):
    """Logits and a value from two heads that share nothing."""

    policy: Head
    value: Head

    def __init__(self, key: PRNGKeyArray, obs_size: int, num_actions: int, width: int):
        policy_key, value_key = jr.split(key)
        self.policy = orthogonal_head(policy_key, (obs_size, width, num_actions), 0.01)
        self.value = orthogonal_head(value_key, (obs_size, width, 1), 1.0)

    def __call__(
        self, obs: Float[Array, "*B obs"]
    ) -> tuple[Float[Array, "*B A"], Float[Array, "*B"]]:
        """Logits and value; leading axes are kept."""
        return self.policy(obs), self.value(obs)[..., 0]

    def logits(self, obs: Float[Array, " obs"]) -> Float[Array, " A"]:
        """Logits alone."""
        return self.policy(obs)


def _affine(
    x: Float[Array, "*B n"], weight: Float[Array, "n m"], bias: Float[Array, " m"]
) -> Float[Array, "*B m"]:
    """`x @ weight + bias` for any number of leading axes."""
    return x @ weight + jnp.expand_dims(bias, tuple(range(x.ndim - 1)))


class LogitsOf(eqx.Module):
    """The policy head of a two-headed network, as a function of the observation."""

    network: TwoHeads

    def __call__(self, obs: Float[Array, " obs"]) -> Float[Array, " A"]:
        return self.network.logits(obs)
