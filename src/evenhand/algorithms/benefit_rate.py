"""ELBERT-PO (Xu et al. 2024): PPO that is charged for unequal long-term benefit rates.

`elbert_po()` is PPO with the term `BenefitRateBias`.
"""

from dataclasses import fields
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from evenhand.algorithms.parts.critics import CriticsMemory, fit_critics, fresh_critics
from evenhand.algorithms.parts.term import AbstractTerm
from evenhand.algorithms.parts.weighted import standardise
from evenhand.algorithms.ppo import PPO
from evenhand.core.errors import unknown_name

BIASES = ("auto", "hard", "soft")


class BenefitRateMemory(eqx.Module):
    """What the term learns and remembers; C = 2 G: supply of every group, then demand."""

    critics: CriticsMemory
    sums: Float[Array, " C"]
    """Supply and demand seen, old steps forgotten gradually."""
    steps: Float[Array, ""]
    """Steps behind `sums`."""
    slopes: Float[Array, " C"]
    """Slope of the squared bias in each total."""


class BenefitColumns(eqx.Module):
    """What the term adds to a sample."""

    advantage: Float[Array, "*axes C"]
    target: Float[Array, "*axes C"]


def hard_bias(rates: Float[Array, " G"], known: Bool[Array, " G"]) -> tuple[Array, Array]:
    """Largest minus smallest known rate, and its slopes: +1 at the first largest, -1, else 0."""
    top = jnp.argmax(jnp.where(known, rates, -jnp.inf))
    low = jnp.argmin(jnp.where(known, rates, jnp.inf))
    slopes = jax.nn.one_hot(top, rates.shape[0]) - jax.nn.one_hot(low, rates.shape[0])
    return jnp.where(known.any(), rates[top] - rates[low], 0.0), slopes


def soft_bias(
    rates: Float[Array, " G"], known: Bool[Array, " G"], beta: Float[Array, ""] | float
) -> tuple[Array, Array]:
    """LSE(beta rho) / beta + LSE(-beta rho) / beta over known rates, and its slopes.

    Between the hard bias and the hard bias + 2 log(G) / beta.
    """
    # Where nothing is known every rate counts: they are 0, and finite.
    counted = known | ~known.any()
    high = jnp.where(counted, beta * rates, -jnp.inf)
    low = jnp.where(counted, -beta * rates, -jnp.inf)
    bias = (jax.nn.logsumexp(high) + jax.nn.logsumexp(low)) / beta
    return jnp.where(known.any(), bias, 0.0), jax.nn.softmax(high) - jax.nn.softmax(low)


class BenefitRateBias(AbstractTerm):
    """Charges `alpha` times the squared bias of the groups' long-term benefit rates.

    Supply U_g of a step is 1 if it approves a qualified member of group g, demand B_g is 1 if it
    decides about one; rho_g = E[sum U_g] / E[sum B_g] over an episode, the recall of group g. The
    bias is max rho - min rho ("hard"), or beyond two groups the soft bias of `soft_bias`. By the
    chain rule the advantage of the clipped surrogate is

        A = A_r - alpha sum_g 2 bias (d bias / d rho_g) (A_U,g / B_g - U_g / B_g^2 A_B,g),

    with totals U_g, B_g of one episode; A_r, A_U,g and A_B,g are GAE, each standardised over the
    minibatch before they are added, and their sum is not.

    **Optimises** E[return] - alpha bias^2 (SER: a ratio of expectations, not the expected ratio of
    an episode). The soft bias of G equal rates is 2 log(G) / beta and its slope 0.
    **Assumes** labels of the rejected, which simulators know.
    **Scale of alpha**: a total grows with the episode, so A_U,g weighs alpha 2 bias / B_g ~ 1 /
    steps, and one alpha asks for less in longer episodes. In the gym's lending world at a bias of
    0.16 and the original's alpha of 200,000, by its initial scores:

        steps    B_1    B_2    alpha 2 bias / B_1    / B_2
        2,048    604    507    106                   126
        10,000   2,950  2,475  21.7                  25.9

    Carry alpha over as alpha / B_g, with B_g = steps P(group g) P(label 1 | g): from 2,048 to
    10,000 steps times 4.88, from 2 to 10 groups divided by 5. The default is for 10,000 steps and
    two groups.
    **Logged**: as PPO; the estimates are in the state (`learner.term.sums`, `.steps`).
    **Source**: Xu et al. 2024, with the released code for what the paper leaves open.
    **Deviations**: (1) rollouts are parts of episodes here, so totals are means a step times
    `episode_steps`, over about the last `window` episodes' worth of steps; the original sums a
    buffer of whole episodes of one policy. (2) Critics have an Adam and a gradient-norm clip of
    their own; the original shares both with the policy, where more groups leave it less of the
    norm. (3) Groups without demand in the window are left out of the bias; the original divides
    by 0 in training. (4) PPO's schedule, one hidden layer and clipped reward value are this
    library's; the critics' loss is not clipped, as in the original.
    """

    bias: str = eqx.field(static=True, default="auto")
    """"hard", "soft", or "auto": hard for two groups, soft for more."""
    critic_width: int | None = eqx.field(static=True, default=None)
    """Hidden units of each of the 2 G critics; None: PPO's width."""
    alpha: float = 30_000.0
    beta: float = 20.0
    """Sharpness of the soft bias."""
    window: float = 1.0
    """Episodes' worth of steps that the rates look back on; 0: the present batch alone."""
    critic_grad_norm: float = 0.5

    def __check_init__(self):
        if self.bias not in BIASES:
            raise unknown_name("bias", self.bias, BIASES)
        if isinstance(self.beta, float | int) and self.beta <= 0:
            raise ValueError(f"beta must be above 0, got {self.beta}; 20 is the original's")

    @property
    def reads(self):
        return ("running-rates",)

    def init(self, key, env, width):
        """Fresh critics, and no experience."""
        num = 2 * env.num_groups
        critics = fresh_critics(key, num, env.obs_size, self.critic_width or width)
        return BenefitRateMemory(critics, jnp.zeros(num), jnp.zeros(()), jnp.zeros(num))

    def prepare(self, env, memory, batch, actors, credit):
        """The memory with this batch's totals, and advantages and targets of all critics."""
        rewards = supply_and_demand(batch.outcome, env.num_groups)
        critics = memory.critics.critics
        advantage = credit(rewards, critics)
        columns = BenefitColumns(advantage, advantage + critics(batch.obs))
        batch_steps = rewards.shape[0] * rewards.shape[1]
        span = jnp.maximum(jnp.asarray(self.window, jnp.float32) * env.episode_steps, 1e-6)
        kept = jnp.exp(-batch_steps / span)
        sums = kept * memory.sums + rewards.sum((0, 1))
        steps = kept * memory.steps + batch_steps
        slopes = self.slopes(sums / steps * env.episode_steps)
        return BenefitRateMemory(memory.critics, sums, steps, slopes), columns

    def slopes(self, totals: Float[Array, " C"]) -> Float[Array, " C"]:
        """Slopes of bias^2 in the totals of an episode; 0 for groups without demand."""
        supply, demand = jnp.split(totals, 2)
        known = demand > 0
        demand = jnp.where(known, demand, 1.0)
        rates = jnp.where(known, supply / demand, 0.0)
        hard = self.bias == "hard" or (self.bias == "auto" and supply.shape[0] == 2)
        bias, by_rate = hard_bias(rates, known) if hard else soft_bias(rates, known, self.beta)
        by_rate = jnp.where(known, 2 * bias * by_rate, 0.0)
        return jnp.concatenate([by_rate / demand, -by_rate * rates / demand])

    def advantage(self, memory, samples):
        """The reward's advantage less alpha times that of the squared bias."""
        of_reward = standardise(samples.advantage, samples.weight)
        of_totals = jax.vmap(standardise, (1, None), 1)(samples.columns.advantage, samples.weight)
        return of_reward - self.alpha * (of_totals @ memory.slopes)

    def fit(self, memory, samples, rate):
        """The memory after one step of all critics."""
        target = samples.columns.target
        critics = fit_critics(memory.critics, samples, target, rate, self.critic_grad_norm)
        return BenefitRateMemory(critics, memory.sums, memory.steps, memory.slopes)


def supply_and_demand(outcome: Any, num_groups: int) -> Float[Array, "*axes C"]:
    """Each step's supply to every group, then its demand from every group."""
    demand = jax.nn.one_hot(outcome.group, num_groups)
    demand *= (outcome.weight * outcome.label.astype(jnp.float32))[..., None]
    supply = demand * outcome.decision.astype(jnp.float32)[..., None]
    return jnp.concatenate([supply, demand], -1)


def elbert_po(**options: Any) -> PPO:
    """PPO with the benefit rate's bias; options of either by their bare names."""
    own = {field.name for field in fields(BenefitRateBias)}
    term = BenefitRateBias(**{name: value for name, value in options.items() if name in own})
    return PPO(term=term, **{name: value for name, value in options.items() if name not in own})
