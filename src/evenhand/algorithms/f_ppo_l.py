"""F-PPO-L: PPO whose advantage is shaped by the distance between the groups' levels (Hu et al.)."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from evenhand.algorithms.parts.shaping import shaped
from evenhand.algorithms.parts.term import AbstractTerm
from evenhand.algorithms.ppo import PPO
from evenhand.core.environment import signal_index


class Change(eqx.Module):
    """How each step moved the distance, and the recent gap of true positive rates after it."""

    distance: Float[Array, "*axes"]
    gap: Float[Array, "*axes"]


def level_distance(history: Float[Array, "*B G K"]) -> Float[Array, "*B"]:
    """Largest Wasserstein-1 distance, in levels, between two groups' laws; rows need not sum to 1.

    sum over k of |F_i(k) - F_j(k)|; 0 for a pair of which a group has nobody.
    """
    people = jnp.sum(history, -1)
    reach = jnp.cumsum(history, -1) / jnp.where(people > 0, people, 1.0)[..., None]
    apart = jnp.sum(jnp.abs(reach[..., :, None, :] - reach[..., None, :, :]), -1)
    present = people > 0
    both = present[..., :, None] & present[..., None, :]
    return jnp.max(jnp.where(both, apart, 0.0), (-2, -1))


def count_distance(history: Float[Array, "*B G K"]) -> Float[Array, "*B"]:
    """Largest mean difference of two groups' sorted counts, from shares n_k / (n + 1) of n people.

    The Wasserstein-1 distance of the counts taken as K numbers, as in the authors' code; it does
    not know which level a count belongs to.
    """
    share = jnp.sum(history, (-2, -1))
    counts = jnp.sort(history / (1.0 - share)[..., None, None], -1)
    apart = jnp.mean(jnp.abs(counts[..., :, None, :] - counts[..., None, :, :]), -1)
    return jnp.max(apart, (-2, -1))


class DistanceShaping(AbstractTerm):
    """PPO's advantage plus two terms of the change of W, the distance between groups' levels.

    W_t is the Wasserstein-1 distance between the laws of the groups' observed levels among the
    last `window` applicants, step t's included, dW_t = W_t - W_{t-1}, delta_t the gap of true
    positive rates in the same window and omega the `slack`. Per minibatch, before standardising,
    with n scaling to [0, 1],

        A' = n(A) + narrow_weight n(min(0, -1[delta > omega] dW))
                  + keep_weight n(max(0, -1[delta <= omega] dW)).

    **Optimises** no welfare of returns: neither SER nor ESR; the return enters as PPO's advantage.
    **Assumes** that labels of the rejected are known. dW_t is the doing of who arrives and who
    leaves the window, both settled before the decision; the decision moves the applicant's level
    only later. So the terms act through the switch 1[delta > omega] and otherwise as a baseline
    that varies by state: with the switch fixed they cancel in expectation. **Logged**: what PPO
    logs. **Source**: Hu, Lear & Zhang 2023, F-PPO-L; terms and weights as in the authors' code.
    **Deviations**: W is the distance between level laws; with `of_counts` it is theirs, between
    sorted counts. Theirs switches on rates of the window plus the present applicant (301), here
    300. More than two groups take the largest pairwise difference. Inputs also hold the gaps that
    massaging reads (`recent-rates-W`), which theirs do not.
    """

    window: int = eqx.field(static=True, default=300)
    of_counts: bool = eqx.field(static=True, default=False)
    narrow_weight: float = 1.12
    keep_weight: float = 1.0
    slack: float = 0.005

    @property
    def reads(self):
        return ("group", f"recent-rates-{self.window}", f"history-{self.window}")

    def prepare(self, env, memory, batch, actors, credit):
        # From observations: the one after the rollout's last step is the actors'.
        obs = jnp.concatenate([batch.obs, actors.obs[None]])
        shown = obs[..., env.slices[f"history-{self.window}"]]
        history = shown.reshape(*shown.shape[:-1], env.num_groups, env.num_levels)
        distance = count_distance(history) if self.of_counts else level_distance(history)
        gap = batch.rewards[..., signal_index(env, "recent_tpr_gap")]
        return memory, Change(distance[1:] - distance[:-1], gap)

    def advantage(self, memory, samples):
        change: Change = samples.columns
        wide = change.gap > self.slack
        narrow = jnp.minimum(0.0, jnp.where(wide, -change.distance, 0.0))
        keep = jnp.maximum(0.0, jnp.where(wide, 0.0, -change.distance))
        return shaped(
            samples.advantage,
            samples.weight,
            (self.narrow_weight, narrow),
            (self.keep_weight, keep),
        )


def f_ppo_l(**options: Any) -> PPO:
    """PPO with its advantage shaped by the distance of levels; `options` are PPO's fields."""
    chosen: dict[str, Any] = {"term": DistanceShaping()} | options
    return PPO(**chosen)
