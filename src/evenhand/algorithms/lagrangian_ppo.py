"""Lagrangian PPO: multipliers keep the groups' returns within a tolerance (Satija et al. 2023)."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from evenhand.algorithms.parts.term import AbstractTerm
from evenhand.algorithms.parts.weighted import standardise
from evenhand.algorithms.ppo import PPO
from evenhand.core.rollout import Transition


class Multipliers(eqx.Module):
    """Two multipliers for each ordered pair (z, z') of groups; the diagonals stay 0."""

    ahead: Float[Array, "G G"]
    """nu1, of the constraint J_z - J_z' <= eps."""
    behind: Float[Array, "G G"]
    """nu2, of the constraint J_z' - J_z <= eps."""


def episode_returns(env: Any, batch: Transition) -> Float[Array, " G"]:
    """Each group's reward in the batch, extrapolated to one whole episode."""
    weight = batch.outcome.weight
    paid = (batch.rewards[..., 0] * weight).reshape(-1)
    total = jax.ops.segment_sum(paid, batch.outcome.group.reshape(-1), env.num_groups)
    return total / weight.size * env.episode_steps


class ReturnMultipliers(AbstractTerm):
    """Every sample's standardised advantage times the coefficient k of its own group.

    Once an update, before the epochs, with J_g the return of group g (the rewards of decisions
    about its applicants), D = (J_z - J_z') / scale for every ordered pair, eps the `tolerance` and
    scale = reward_scale * episode length,

        nu1 <- clip(nu1 - multiplier_rate (eps - D), 0, multiplier_max),
        nu2 <- clip(nu2 - multiplier_rate (eps + D), 0, multiplier_max),
        k_z = 1 + sum_z' (nu2 - nu1).

    **Optimises** the expected return subject to |J_i - J_j| <= eps * scale for all pairs: a
    constraint on expected returns, so SER. **Assumes** that a decision matters to its own group's
    return only, and that `reward_scale` is about the mean reward a step of the policy that ignores
    groups: 0.2 in Lending's preset `gym` (then the tolerance is about 100 of a return of 1,956),
    0.03 in `drift-1`, 0.13 in Admissions' `college`. k may turn negative, as in the original: that
    group's return is then made worse. **Logged**: what PPO logs; the multipliers are in
    `state.learner.term`. **Source**: Satija et al. 2023, Lagrangian PPO, updates as in the authors'
    code. **Deviations**: one policy and one stream where the original has an agent and a world for
    each group; J_g is the rollout's sum over T * N decisions times the episode's length, where the
    original takes returns of whole episodes: it is noisier and sees the part of an episode that
    the rollout saw; tolerance and rate are relative to `scale` (there: eps 500, rate .01 on raw
    returns); PPO's value loss and entropy term are this PPO's.
    """

    tolerance: float = 0.05
    multiplier_rate: float = 0.01
    multiplier_max: float = 2.0
    reward_scale: float = 0.2

    def init(self, key, env, width):
        nothing = jnp.zeros((env.num_groups, env.num_groups))
        return Multipliers(nothing, nothing)

    def prepare(self, env, memory, batch, actors, credit):
        J = episode_returns(env, batch)
        return self.moved(memory, J / (self.reward_scale * env.episode_steps)), None

    def moved(self, memory: Multipliers, J: Float[Array, " G"]) -> Multipliers:
        """The multipliers after one projected step for these relative returns."""
        D = J[:, None] - J[None, :]
        ahead = memory.ahead - self.multiplier_rate * (self.tolerance - D)
        behind = memory.behind - self.multiplier_rate * (self.tolerance + D)
        return Multipliers(
            jnp.clip(ahead, 0.0, self.multiplier_max), jnp.clip(behind, 0.0, self.multiplier_max)
        )

    def coefficients(self, memory: Multipliers) -> Float[Array, " G"]:
        """k of every group; 1 while no multiplier has risen."""
        return 1.0 + jnp.sum(memory.behind - memory.ahead, -1)

    def advantage(self, memory, samples):
        k = self.coefficients(memory)
        return standardise(samples.advantage, samples.weight) * k[samples.group]


def lagrangian_ppo(**options: Any) -> PPO:
    """PPO under constraints on the groups' returns; `options` are PPO's fields."""
    chosen: dict[str, Any] = {"term": ReturnMultipliers()} | options
    return PPO(**chosen)
