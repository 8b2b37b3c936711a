"""A model of the same person's next observed state, a Gaussian for every state and action."""

from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int, PRNGKeyArray

from evenhand.algorithms.parts.bisimulation import Samples
from evenhand.algorithms.parts.fitted import Fitted, fit, fitted
from evenhand.algorithms.parts.network import Head, orthogonal_head
from evenhand.algorithms.parts.weighted import weighted_mean

SMALLEST_STD, LARGEST_STD = 1e-2, 1.0
ROUNDINGS = ("none", "sample", "mean")


def observed_state(env: Any, obs: Float[Array, "*B obs"]) -> Float[Array, "*B d"]:
    """What of an observation the model predicts: the observed level as a share of the highest.

    The person's own ratios follow if they are shown. Neither the group nor the clock belong to
    it, nor what windows show of other people.
    """
    level = env.decode(obs)[1].astype(jnp.float32) / (env.num_levels - 1)
    own = env.slices.get("own-ratios", slice(0, 0))
    return jnp.concatenate([level[..., None], obs[..., own]], -1)


def new_model(key: PRNGKeyArray, env: Any, width: int) -> Fitted:
    """A model that expects everybody to stay as they are, with the geometric mean of the stds."""
    num_out = 2 * jax.eval_shape(lambda: observed_state(env, jnp.zeros(env.obs_size))).shape[0]
    num_in = env.obs_size + env.num_actions + env.num_groups
    return fitted(orthogonal_head(key, (num_in, width, num_out), 0.0))


def predict(
    env: Any,
    network: Head,
    obs: Float[Array, "*B obs"],
    action: Int[Array, "*B"],
    group: Int[Array, "*B"],
) -> tuple[Float[Array, "*B d"], Float[Array, "*B d"]]:
    """Mean and standard deviation of T(s' | s, a, g); the network gives the change of the mean.

    The logarithm of the deviation runs smoothly between its bounds.
    """
    seen = [jax.nn.one_hot(action, env.num_actions), jax.nn.one_hot(group, env.num_groups)]
    change, spread = jnp.split(network(jnp.concatenate([obs, *seen], -1)), 2, -1)
    ratio = jnp.log(LARGEST_STD / SMALLEST_STD)
    std = SMALLEST_STD * jnp.exp(ratio * jax.nn.sigmoid(spread))
    return observed_state(env, obs) + change, std


def to_grid(state: Float[Array, "*B d"], num_levels: int) -> Float[Array, "*B d"]:
    """The state with its score at the nearest level; gradients pass as if nothing was rounded."""
    score = jnp.clip(state[..., :1], 0.0, 1.0)
    nearest = jnp.round(score * (num_levels - 1)) / (num_levels - 1)
    snapped = jnp.concatenate([nearest, state[..., 1:]], -1)
    return state + jax.lax.stop_gradient(snapped - state)


def misfit(
    key: PRNGKeyArray, env: Any, network: Head, samples: Samples, rounding: str
) -> Float[Array, ""]:
    """Mean of d^2 / 2 + log sigma, with d = (s' - prediction) / sigma.

    The prediction is the mean ("none"), the mean with its score rounded to a level ("mean"), or
    a draw of the Gaussian rounded likewise ("sample"), straight through in both cases. Draws
    without rounding have the gradient of "none" on average, and rounded they count the error of
    rounding as spread; a rounded mean cannot say that a score moves by half a level on average.
    """
    mean, std = predict(env, network, samples.obs, samples.action, samples.group)
    if rounding == "sample":
        mean = mean + std * jr.normal(key, mean.shape)
    if rounding != "none":
        mean = to_grid(mean, env.num_levels)
    scaled = (observed_state(env, samples.successor) - mean) / std
    return weighted_mean(jnp.mean(0.5 * scaled**2 + jnp.log(std), -1), samples.weight)


def fit_model(
    key: PRNGKeyArray,
    env: Any,
    model: Fitted,
    samples: Samples,
    num_updates: int,
    batch_size: int,
    rate: Float[Array, ""] | float,
    rounding: str,
) -> Fitted:
    """The model after Adam's steps on minibatches drawn with replacement."""
    draw_key, noise_key = jr.split(key)
    places = jr.randint(draw_key, (num_updates, batch_size), 0, samples.action.shape[0])

    def loss(network: Head, drawn: tuple[Array, PRNGKeyArray]) -> Float[Array, ""]:
        rows = jax.tree.map(lambda x: x[drawn[0]], samples)
        return misfit(drawn[1], env, network, rows, rounding)

    return fit(model, loss, (places, jr.split(noise_key, num_updates)), num_updates, rate)
