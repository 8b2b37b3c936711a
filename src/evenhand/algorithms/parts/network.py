"""Small fully connected networks with orthogonal weights."""

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jax.nn.initializers import orthogonal
from jaxtyping import Array, Float, PRNGKeyArray


class TwoHeads(eqx.Module):
    """One hidden tanh layer for each of two heads that share nothing: logits and a value.

    The two hidden layers lie side by side in one matrix (`hidden_in (obs, 2, W)`), so a batch
    takes one product instead of two.
    """

    hidden_in: Float[Array, "obs twoW"]
    hidden_bias: Float[Array, " twoW"]
    policy_out: Float[Array, "W A"]
    policy_bias: Float[Array, " A"]
    value_out: Float[Array, " W"]
    value_bias: Float[Array, ""]

    def __init__(self, key: PRNGKeyArray, obs_size: int, num_actions: int, width: int):
        policy_key, value_key, head_key, critic_key = jr.split(key, 4)
        wide = orthogonal(2**0.5)
        self.hidden_in = jnp.concatenate(
            [wide(policy_key, (obs_size, width)), wide(value_key, (obs_size, width))], 1
        )
        self.hidden_bias = jnp.zeros(2 * width)
        self.policy_out = orthogonal(0.01)(head_key, (width, num_actions))
        self.policy_bias = jnp.zeros(num_actions)
        self.value_out = orthogonal(1.0)(critic_key, (width, 1))[:, 0]
        self.value_bias = jnp.zeros(())

    def __call__(
        self, obs: Float[Array, "*B obs"]
    ) -> tuple[Float[Array, "*B A"], Float[Array, "*B"]]:
        """Logits and value; leading axes are kept."""
        hidden = jnp.tanh(_affine(obs, self.hidden_in, self.hidden_bias))
        width = self.value_out.shape[0]
        logits = _affine(hidden[..., :width], self.policy_out, self.policy_bias)
        value = hidden[..., width:] @ self.value_out + self.value_bias
        return logits, value

    def logits(self, obs: Float[Array, " obs"]) -> Float[Array, " A"]:
        """Logits alone."""
        width = self.value_out.shape[0]
        hidden = jnp.tanh(obs @ self.hidden_in[:, :width] + self.hidden_bias[:width])
        return hidden @ self.policy_out + self.policy_bias


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


class OneHead(eqx.Module):
    """One hidden tanh layer and a linear output, initialised as torch does by default."""

    hidden_in: Float[Array, "obs W"]
    hidden_bias: Float[Array, " W"]
    out: Float[Array, "W A"]
    out_bias: Float[Array, " A"]

    def __init__(self, key: PRNGKeyArray, obs_size: int, num_out: int, width: int):
        in_key, in_bias_key, out_key, out_bias_key = jr.split(key, 4)

        def draw(key: PRNGKeyArray, shape: tuple[int, ...], fan_in: int) -> Array:
            return jr.uniform(key, shape, minval=-(fan_in**-0.5), maxval=fan_in**-0.5)

        self.hidden_in = draw(in_key, (obs_size, width), obs_size)
        self.hidden_bias = draw(in_bias_key, (width,), obs_size)
        self.out = draw(out_key, (width, num_out), width)
        self.out_bias = draw(out_bias_key, (num_out,), width)

    def __call__(self, obs: Float[Array, "*B obs"]) -> Float[Array, "*B A"]:
        """The outputs; leading axes are kept."""
        return jnp.tanh(obs @ self.hidden_in + self.hidden_bias) @ self.out + self.out_bias
