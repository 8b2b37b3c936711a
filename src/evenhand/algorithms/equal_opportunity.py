"""Oracle: group thresholds with the same true positive rate, at the rate that earns most."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from evenhand.algorithms.max_util import SMOOTHING, population_shares, shares_in
from evenhand.algorithms.parts.approval import AbstractApprovalPolicy
from evenhand.algorithms.parts.payoff import payoff_of
from evenhand.algorithms.parts.roc import from_level_up, hull_at_points, hull_mixture


class EqualOpportunityThresholds(AbstractApprovalPolicy):
    """Approves from a randomised threshold of each group, all groups at one true positive rate.

    Equal opportunity (Hardt et al. 2016) between groups at every single decision: at target rate
    t each group mixes the two thresholds that reach t and earn most, and t maximises the sum of
    the groups' expected rewards of the next decision. Both are chosen anew at every decision. The
    reward is concave and piecewise linear in t, so its maximum is exact: at a corner of some
    group's curve. Of equally good rates the largest is taken.
    Equal rates at each decision do not make the rate over an episode equal (D'Amour et al. 2020).
    **Assumes**: knowledge of repayment chances and everybody's true level (`level-shares`).
    """

    success_prob: Float[Array, "G K"]
    gain: Float[Array, "G K"]
    """Expected reward of an approval."""
    share: Float[Array, " G"]
    env: Any = eqx.field(static=True)

    def curves(
        self, shares: Float[Array, "G K"]
    ) -> tuple[Float[Array, "G thresholds"], Float[Array, "G thresholds"]]:
        """Each group's true positive rate and expected reward at every threshold."""
        mass = shares + SMOOTHING
        good = from_level_up(mass * self.success_prob)
        rate = good / jnp.where(good[:, :1] > 0, good[:, :1], 1.0)
        return rate, from_level_up(self.share[:, None] * mass * self.gain)

    def target(
        self, rate: Float[Array, "G thresholds"], reward: Float[Array, "G thresholds"]
    ) -> Float[Array, ""]:
        """The common true positive rate that earns most."""
        corners = rate.reshape(-1)
        hull = jax.vmap(hull_at_points)(rate, reward)
        along = jax.vmap(lambda x, y: jnp.interp(corners, jnp.flip(x), jnp.flip(y)))(rate, hull)
        total = jnp.sum(along, 0)
        best = jnp.max(total)
        tied = total >= best - 1e-6 * jnp.abs(best)
        return jnp.max(jnp.where(tied, corners, 0.0))

    def approve_table(self, shares: Float[Array, "G K"]) -> Float[Array, "G K"]:
        """P(approve) for every group and level, as of this population."""
        rate, reward = self.curves(shares)
        target = self.target(rate, reward)
        level = jnp.arange(shares.shape[1])

        def one(rate: Array, reward: Array) -> Array:
            generous, strict, weight = hull_mixture(rate, reward, target)
            mixed = jnp.where(level >= generous, weight, 0.0)
            return mixed + jnp.where(level >= strict, 1.0 - weight, 0.0)

        return jax.vmap(one)(rate, reward)

    def approve_prob(self, obs):
        group, level = self.env.decode(obs)
        return self.approve_table(shares_in(self.env, obs))[group, level]


def equal_opportunity(
    env: Any, params: Any, key: Any = None, argument: Any = None
) -> EqualOpportunityThresholds:
    """The oracle for a world that shows `level-shares`."""
    payoff = payoff_of(params)
    success_prob, gain = (
        jnp.asarray(part, jnp.float32) for part in (payoff.success_prob, payoff.approve)
    )
    share = jnp.asarray(population_shares(env))
    return EqualOpportunityThresholds(success_prob, gain, share, env)
