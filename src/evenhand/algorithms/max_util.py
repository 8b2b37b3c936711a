"""Oracle: one threshold for everybody that earns most from the population as it is now."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from evenhand.algorithms.parts.approval import AbstractApprovalPolicy
from evenhand.algorithms.parts.payoff import payoff_of
from evenhand.algorithms.parts.roc import from_level_up

# As if a millionth of a group stood at every level, so that empty levels are decided on merit
# (ml-fairness-gym adds as much to either label).
SMOOTHING = 1e-6


def population_shares(env: Any) -> np.ndarray:
    """`(G,)` share of each group in the population, hence among applicants."""
    size = np.array(env.population_per_group, np.float32)
    return size / size.sum()


def shares_in(env: Any, obs: Float[Array, " obs"]) -> Float[Array, "G K"]:
    """Feature `level-shares` of an observation."""
    part = env.slices["level-shares"]
    return obs[part].reshape(env.num_groups, env.num_levels)


class MaxUtilThreshold(AbstractApprovalPolicy):
    """Approves from one level up, chosen anew at every decision to maximise the expected reward.

    Maximises sum over groups g and levels x >= k of share(g) share(x | g) r(g, x) over k: the
    reward of the next decision, not the long run. r is the expected reward of an approval at the
    TRUE level, applied to the level that is observed. Where r rises with the level alike in all
    groups, k is break-even and never moves; otherwise it moves with the population.
    **Assumes**: knowledge of r and of everybody's true level (feature `level-shares`).
    **Reference**: the oracle of ml-fairness-gym (D'Amour et al. 2020), without its burn-in.
    """

    gain: Float[Array, "G K"]
    """Expected reward of an approval."""
    share: Float[Array, " G"]
    env: Any = eqx.field(static=True)

    def threshold(self, shares: Float[Array, "G K"]) -> Int[Array, ""]:
        """The best level to approve from, K for nobody; the lowest of equally good ones."""
        mass = self.share[:, None] * (shares + SMOOTHING)
        return jnp.argmax(from_level_up(jnp.sum(mass * self.gain, 0)))

    def approve_prob(self, obs):
        _, level = self.env.decode(obs)
        return (level >= self.threshold(shares_in(self.env, obs))).astype(jnp.float32)


def max_util(env: Any, params: Any, key: Any = None, argument: Any = None) -> MaxUtilThreshold:
    """The oracle for a world that shows `level-shares`."""
    gain = jnp.asarray(payoff_of(params).approve, jnp.float32)
    return MaxUtilThreshold(gain, jnp.asarray(population_shares(env)), env)
