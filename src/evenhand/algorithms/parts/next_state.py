"""A model of the same person's next observed state, a Gaussian for every state and action."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, PRNGKeyArray

from evenhand.algorithms.parts.bisimulation import Samples
from evenhand.algorithms.parts.fitted import Fitted, fitted
from evenhand.algorithms.parts.network import Head, orthogonal_head
from evenhand.algorithms.parts.weighted import weighted_mean
from evenhand.core.errors import unknown_name

SMALLEST_STD, LARGEST_STD = 1e-2, 1.0
PREDICTED = ("score", "state")
ROUNDINGS = ("none", "sample", "mean")


class NextState(eqx.Module):
    """The model's form: what it predicts, and how its likelihood rounds.

    `predicts` is "score", the observed level as a share of the highest, or "state", which adds the
    person's own ratios where they are shown. Neither the group nor the clock belong to it, nor
    what windows show of other people. Omega moves the score alone, and matched people differ in
    their ratios by luck: with "state" this luck is most of J_dyn.

    `rounding` says what prediction the outcome is compared with: the mean ("none"), the mean with
    its score rounded to a level ("mean"), or a draw of the Gaussian rounded likewise ("sample");
    gradients pass straight through. Unrounded draws have the gradient of "none" on average, and
    rounded ones count the error of rounding as spread; a rounded mean cannot say that a score
    moves by half a level on average.
    """

    model_width: int = eqx.field(static=True, default=256)
    predicts: str = eqx.field(static=True, default="score")
    rounding: str = eqx.field(static=True, default="none")

    def __check_init__(self):
        if self.predicts not in PREDICTED:
            raise unknown_name("kind of prediction", self.predicts, PREDICTED)
        if self.rounding not in ROUNDINGS:
            raise unknown_name("rounding", self.rounding, ROUNDINGS)

    def init(self, key: PRNGKeyArray, env: Any) -> Fitted:
        """A model that expects everybody to stay as they are."""
        seen = jax.eval_shape(lambda: self.target(env, jnp.zeros(env.obs_size)))
        num_in = env.obs_size + env.num_actions + env.num_groups
        sizes = (num_in, self.model_width, 2 * seen.shape[0])
        return fitted(orthogonal_head(key, sizes, 0.0))

    def target(self, env: Any, obs: Float[Array, "*B obs"]) -> Float[Array, "*B d"]:
        """What of an observation is predicted."""
        level = env.decode(obs)[1].astype(jnp.float32)[..., None] / (env.num_levels - 1)
        own = env.slices.get("own-ratios")
        if self.predicts == "score" or own is None:
            return level
        return jnp.concatenate([level, obs[..., own]], -1)

    def predict(
        self, env: Any, network: Head, samples: Samples
    ) -> tuple[Float[Array, "*B d"], Float[Array, "*B d"]]:
        """Mean and standard deviation of T(s' | s, a, g); the network gives the mean's change.

        The logarithm of the deviation runs smoothly between its bounds.
        """
        action = jax.nn.one_hot(samples.action, env.num_actions)
        group = jax.nn.one_hot(samples.group, env.num_groups)
        change, spread = jnp.split(
            network(jnp.concatenate([samples.obs, action, group], -1)), 2, -1
        )
        ratio = jnp.log(LARGEST_STD / SMALLEST_STD)
        std = SMALLEST_STD * jnp.exp(ratio * jax.nn.sigmoid(spread))
        return self.target(env, samples.obs) + change, std

    def misfit(
        self, key: PRNGKeyArray, env: Any, network: Head, samples: Samples
    ) -> Float[Array, ""]:
        """Mean of d^2 / 2 + log sigma, with d = (s' - prediction) / sigma."""
        mean, std = self.predict(env, network, samples)
        if self.rounding == "sample":
            mean = mean + std * jr.normal(key, mean.shape)
        if self.rounding != "none":
            mean = to_grid(mean, env.num_levels)
        scaled = (self.target(env, samples.successor) - mean) / std
        return weighted_mean(jnp.mean(0.5 * scaled**2 + jnp.log(std), -1), samples.weight)


def to_grid(state: Float[Array, "*B d"], num_levels: int) -> Float[Array, "*B d"]:
    """The state with its score at the nearest level; gradients pass as if nothing was rounded."""
    score = jnp.clip(state[..., :1], 0.0, 1.0)
    nearest = jnp.round(score * (num_levels - 1)) / (num_levels - 1)
    snapped = jnp.concatenate([nearest, state[..., 1:]], -1)
    return state + jax.lax.stop_gradient(snapped - state)
