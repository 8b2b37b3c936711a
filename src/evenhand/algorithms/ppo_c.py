"""PPO-C and PPO-Cb: PPO charged for unequal long-term gains (Lear & Zhang 2025)."""

from dataclasses import fields
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from evenhand.algorithms.parts.parity import group_means, squared_gap, unequal_benefit
from evenhand.algorithms.parts.term import AbstractTerm
from evenhand.algorithms.parts.to_go import mean_of_others, own_to_go
from evenhand.algorithms.parts.weighted import weighted_mean
from evenhand.algorithms.ppo import PPO
from evenhand.core.environment import signal_index
from evenhand.core.errors import InputError, unknown_name

ESTIMATORS = ("minibatch", "episode")


class GroupGains(eqx.Module):
    """What the last batch says of each group's members, from their first visit in it on."""

    gain: Float[Array, " G"]
    """Mean gain-to-go at first visits; 0 for a group nobody of which was met."""
    start: Float[Array, " G"]
    """Mean qualification at first visits; 0 unless `total_gap`."""
    people: Float[Array, " G"]
    """Members met, per sample of the batch; 0 where fewer than two were."""
    spread: Float[Array, ""]
    """Standard deviation of the gain-to-go over the batch."""


class GainColumns(eqx.Module):
    """What the term adds to a sample."""

    to_go: Float[Array, "*axes"]
    baseline: Float[Array, "*axes"]
    """Mean gain-to-go of the group's other people, over all their visits."""
    others: Float[Array, "*axes"]
    """Their mean at first visits, with the qualification then where `total_gap` asks for it."""
    benefit: Float[Array, "*axes"]


class GainParity(AbstractTerm):
    """Charges parity_weight C^2 + benefit_weight Lambda, C the groups' difference in gains.

    The gain of a decision is the world's `consequence`: `qualification_gain` in lending, in
    Admissions `cost_paid` (what people pay; true scores never move there). V_s is the expected sum
    of gains over the visits of a member of group s, and qualification gain parity asks that
    C = V_{s+} - V_{s-} be 0. Q_t is the sum of the person's gains from visit t on (`own_to_go`).

    `estimator="minibatch"`, the released code: Q is standardised over the minibatch, groups
    together, and C^2 is the square of mean_{s+}[ratio Q] - mean_{s-}[ratio Q] over all visits,
    ratio = pi / pi_old. Where each person comes several times that is no estimate of C: later
    visits, with less to go, count too, and the square multiplies the gradient by its value. In a
    small minibatch it also charges a variance: the product of a decision's Q with its own share
    of the mean, about Q^2 / B, which discourages whatever moves people, loans above all.

    `estimator="episode"`: C is the difference of mean Q at first visits over the whole batch, held
    fixed through the update, and the gradient is that of 2 C (S_{s+} - S_{s-}) with

        S_s = 1 / n_s sum_{t in s} ratio_t (Q_t - b_t),

    n_s the members of s that were met. Given who comes when, which no decision changes in lending,
    the gradient of S_s at pi_old is the score-function estimate of that of V_s. Both b_t, the mean
    Q of the group, and the group's part of C are taken over its *other* people: they depend on
    nothing that the action led to, so the product is unbiased too. C and S are divided by the
    batch's standard deviation of Q, which leaves the scale of `parity_weight` as in the other; the
    sum over visits makes it stronger by the number of visits a person, 2.7 in `drift-1`.

    More than two groups: the mean over pairs of the squared differences. With `total_gap` (eq. 6)
    each group's mean qualification at first visits is added to its gains, so equal qualification
    in the end is asked for. Lambda (eq. 5) is the mean over cross-group pairs of the minibatch of
    |pi(approve|i) - pi(approve|j)| radius / (radius + |Delta_i - Delta_j|), Delta being the signal
    `benefit`; in a world without it all benefits count as equal, and action 1 is the approval. With
    the faithful radius only exactly equal benefits count.

    **Optimises** the return less the squared difference of *expected* gains: SER. **Assumes** that
    a decision changes nobody else's gains, and that gains are observed. Gains after the rollout's
    end count for nothing: let the rollout be the episode, or C is that of its part.
    **Logged**: what PPO logs; `GroupGains` of the last batch are in `state.learner.term`.
    **Source**: Lear & Zhang 2025 and the authors' released code. **Deviations**: see
    `docs/methods.md`.
    """

    estimator: str = eqx.field(static=True, default="minibatch")
    total_gap: bool = eqx.field(static=True, default=False)
    parity_weight: float = 0.65
    benefit_weight: float = 0.0
    radius: float = 1e-6

    def __check_init__(self):
        if self.estimator not in ESTIMATORS:
            raise unknown_name("estimator", self.estimator, ESTIMATORS)
        if isinstance(self.radius, float | int) and not self.radius > 0:
            raise InputError(f"radius must be above 0, got {self.radius}; 1e-6 is the original's")

    def init(self, key, env, width):
        if self.total_gap and "qualification" not in env.signals:
            raise InputError(
                f"total_gap needs the signal 'qualification', and the world has {env.signals}; "
                "train with total_gap=false"
            )
        zero = jnp.zeros(env.num_groups)
        return GroupGains(zero, zero, zero, jnp.ones(()))

    def prepare(self, env, memory, batch, actors, credit):
        outcome, counts = batch.outcome, batch.outcome.weight > 0
        person = jnp.where(counts, outcome.person, -1)
        to_go, first = own_to_go(batch.rewards[..., signal_index(env, env.consequence)], person)
        start, benefit = jnp.zeros_like(to_go), jnp.zeros_like(to_go)
        if self.total_gap:
            start = batch.rewards[..., signal_index(env, "qualification")]
        if "benefit" in env.signals:
            benefit = batch.rewards[..., signal_index(env, "benefit")]
        who = (person, outcome.group, env.num_people, env.num_groups)
        baseline = mean_of_others(to_go, counts, *who)
        others = mean_of_others(to_go + start, first, *who)
        gains = self._gains(batch, to_go, start, first, env.num_groups)
        return gains, GainColumns(to_go, baseline, others, benefit)

    def _gains(
        self, batch: Any, to_go: Array, start: Array, first: Array, num_groups: int
    ) -> GroupGains:
        group, met = batch.outcome.group.reshape(-1), first.astype(jnp.float32).reshape(-1)
        gain, _ = group_means(to_go.reshape(-1), met, group, num_groups)
        at_start, _ = group_means(start.reshape(-1), met, group, num_groups)
        people = jax.ops.segment_sum(met, group, num_groups)
        people = jnp.where(people > 1, people, 0.0) / met.size
        spread = _spread(to_go.reshape(-1), batch.outcome.weight.reshape(-1))
        return GroupGains(gain, at_start, people, spread)

    def penalty(self, memory, samples, log_probs, log_ratio):
        gap = self._episode_gap if self.estimator == "episode" else self._minibatch_gap
        columns = samples.columns
        approve = jnp.exp(log_probs[:, 1])
        # Pairs are the costly part, so they are left out where they weigh nothing.
        unequal = jax.lax.cond(
            jnp.asarray(self.benefit_weight) > 0,
            lambda pi: unequal_benefit(
                pi, columns.benefit, samples.weight, samples.group, self.radius
            ),
            lambda pi: jnp.zeros(()),
            approve,
        )
        parity = self.parity_weight * gap(memory, samples, jnp.exp(log_ratio))
        return parity + self.benefit_weight * unequal

    def _minibatch_gap(self, memory: GroupGains, samples: Any, ratio: Array) -> Float[Array, ""]:
        """The squared difference of mean ratio times standardised gain-to-go."""
        to_go, weight = samples.columns.to_go, samples.weight
        spread = _spread(to_go, weight)
        standard = (to_go - weighted_mean(to_go, weight)) / spread
        num_groups = memory.gain.shape[0]
        means, present = group_means(ratio * standard, weight, samples.group, num_groups)
        return squared_gap(means + memory.start / spread, present)

    def _episode_gap(self, memory: GroupGains, samples: Any, ratio: Array) -> Float[Array, ""]:
        """A surrogate with the gradient of the squared difference of expected gains."""
        present, columns = memory.people > 0, samples.columns
        mine = jax.nn.one_hot(samples.group, present.shape[0])
        # The own group's mean is that of the others, so nobody's gains weigh their own decisions.
        means = (1.0 - mine) * (memory.gain + memory.start)[None]
        means = (means + mine * columns.others[:, None]) / memory.spread
        slopes = jax.vmap(jax.grad(squared_gap), (0, None))(means, present)
        people = jnp.where(present, memory.people, 1.0)[None]
        slope = jnp.sum(mine * slopes / people, -1) * samples.weight
        return jnp.mean(slope * ratio * (columns.to_go - columns.baseline)) / memory.spread


def _spread(values: Float[Array, " B"], weight: Float[Array, " B"]) -> Float[Array, ""]:
    """Standard deviation of the values that count."""
    centred = values - weighted_mean(values, weight)
    return jnp.sqrt(weighted_mean(centred**2, weight)) + 1e-8


def ppo_c(**options: Any) -> PPO:
    """PPO charged for unequal gains and for steps in KL; options of either by their bare names.

    The paper's rollout is one episode in one world. The released hyperparameters for `drift-1`:
    `num_envs=1, num_steps=500, num_minibatches=10, num_epochs=10, learning_rate=1e-5,
    entropy_weight=0, clip_value=False`, 500,000 steps.
    """
    own = {field.name for field in fields(GainParity)}
    term = GainParity(**{name: value for name, value in options.items() if name in own})
    rest = {name: value for name, value in options.items() if name not in own}
    return PPO(**({"term": term, "kl_weight": 1.5} | rest))


def ppo_cb(**options: Any) -> PPO:
    """PPO-C that is also charged for unequal approvals at equal benefit; options as `ppo_c`."""
    return ppo_c(**({"benefit_weight": 1.0} | options))
