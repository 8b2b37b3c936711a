"""Generalised advantage estimation."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def gae(
    rewards_t: Float[Array, "T N *X"],
    continues_t: Float[Array, "T N"],
    values_tm1: Float[Array, "T N *X"],
    last_value: Float[Array, "N *X"],
    discount: Float[Array, ""] | float,
    lambda_: Float[Array, ""] | float,
) -> Float[Array, "T N *X"]:
    """Advantages along the stream; `continues_t` is 0 where the world terminated.

    Further axes X hold several rewards, each with a value of its own.

    A_t = delta_t + discount * lambda * c_t * A_{t+1}, with
    delta_t = r_t + discount * c_t * V(s_{t+1}) - V(s_t)  (Schulman et al. 2016, eq. 16).
    """
    continues_t = continues_t.reshape(*continues_t.shape, *(1,) * (rewards_t.ndim - 2))
    values_t = jnp.concatenate([values_tm1[1:], last_value[None]])
    delta_t = rewards_t + discount * continues_t * values_t - values_tm1

    def back(advantage, inputs):
        delta, continues = inputs
        advantage = delta + discount * lambda_ * continues * advantage
        return advantage, advantage

    start = jnp.zeros_like(last_value)
    return jax.lax.scan(back, start, (delta_t, continues_t), reverse=True, unroll=8)[1]
