"""A-PPO: PPO whose advantage is shaped by the gap of true positive rates (Yu et al. 2022)."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from evenhand.algorithms.parts.shaping import shaped
from evenhand.algorithms.parts.term import AbstractTerm
from evenhand.algorithms.ppo import PPO
from evenhand.core.environment import signal_index


class Gap(eqx.Module):
    """The largest difference of two groups' running rates before and after each decision."""

    before: Float[Array, "*axes"]
    after: Float[Array, "*axes"]


class AdvantageShaping(AbstractTerm):
    """PPO's advantage plus two terms of Delta, the gap of the episode's true positive rates so far.

    Per minibatch, before standardising, with n scaling to [0, 1] and omega the `slack`,

        A' = n(A) + threshold_weight n(VT) + decrease_weight n(DIV),
        VT = min(0, omega - Delta_t),  DIV = min(0, -1[Delta_t > omega] (Delta_t - Delta_{t-1})).

    Delta_t is taken after the decision, and is 0 at the start of an episode. **Optimises** no
    welfare of returns: it pushes single decisions towards a smaller running gap, so it is neither
    SER nor ESR; the return enters as PPO's advantage. **Assumes** that labels of the rejected are
    known, as in simulators. Delta_t - Delta_{t-1} shrinks like 1/t over an episode, and n hides
    that: in Lending's preset `gym` with 1,000 a group and a threshold policy, the mean DIV of those
    below 0 falls from 5e-3 at steps 128-256 to 1.3e-4 at 10,112-10,240, while n(DIV) keeps a
    standard deviation of .17 to .28. What DIV says of a decision depends on which others share its
    minibatch. **Logged**: what PPO logs. **Source**: Yu et al. 2022 (eq. 3, advantage
    regularisation), terms and weights as in the authors' code. **Deviations**: the weight of n(A),
    1 there, is no field, for only ratios of weights matter; a group of which nobody qualified yet
    counts as rate 0, as there; more than two groups take the largest pairwise difference; network,
    step sizes and schedule are this PPO's.
    """

    threshold_weight: float = 0.25
    decrease_weight: float = 0.25
    slack: float = 0.005

    @property
    def reads(self):
        return ("running-rates",)

    def prepare(self, env, memory, batch, actors, credit):
        rates = batch.obs[..., env.slices["running-rates"]]
        after = batch.rewards[..., signal_index(env, "tpr_gap")]
        return memory, Gap(jnp.max(rates, -1) - jnp.min(rates, -1), after)

    def advantage(self, memory, samples):
        gap: Gap = samples.columns
        too_wide = jnp.minimum(0.0, self.slack - gap.after)
        growth = jnp.where(gap.after > self.slack, gap.after - gap.before, 0.0)
        return shaped(
            samples.advantage,
            samples.weight,
            (self.threshold_weight, too_wide),
            (self.decrease_weight, jnp.minimum(0.0, -growth)),
        )


def a_ppo(**options: Any) -> PPO:
    """PPO with its advantage shaped by the gap of running rates; `options` are PPO's fields."""
    chosen: dict[str, Any] = {"term": AdvantageShaping()} | options
    return PPO(**chosen)
