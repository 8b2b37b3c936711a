"""How differently a decision process treats matched people of two groups (arXiv 2412.17123).

A group-conditioned process treats groups alike under a policy if matched people earn it the same
reward and move to the same next states. `J_rew` and `J_dyn` measure how far it is from that:

    J_rew = sum_{g<g'} mean_q | Rbar_{g,q} - Rbar_{g',q} |,
    J_dyn = sum_{g<g'} mean_{q, pairs} discount * W2( T(.|s,a,g), T(.|s',a',g') ),

q being the quartiles of the observed score within each group, matched by rank. The next state is
the same person's (`Transition.successor`): the next row of a stream belongs to a stranger.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from evenhand.algorithms.parts.quantiles import Bins, group_pairs, over_pairs
from evenhand.core.rollout import Transition, rollout, start


class Samples(eqx.Module):
    """Decisions of a policy in fresh worlds, one axis over time and worlds."""

    obs: Float[Array, "n obs"]
    action: Int[Array, " n"]
    group: Int[Array, " n"]
    level: Int[Array, " n"]
    reward: Float[Array, " n"]
    weight: Float[Array, " n"]
    successor: Float[Array, "n obs"]


def collect_samples(
    key: PRNGKeyArray, env: Any, params: Any, policy: Any, num_envs: int, num_steps: int
) -> Samples:
    """What a policy does to fresh worlds, of which only the first `num_steps` are seen."""
    start_key, run_key = jax.random.split(key)
    actors = start(start_key, env, params, num_envs)
    _, batch = rollout(run_key, env, params, policy.act, actors, num_steps)
    batch = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), batch)
    return samples_of(env, batch)


def samples_of(env: Any, batch: Transition) -> Samples:
    """A flat batch as samples, with the level that each observation shows."""
    return Samples(
        batch.obs, batch.action, batch.outcome.group, env.decode(batch.obs)[1],
        batch.rewards[..., 0], batch.outcome.weight, batch.successor,
    )  # fmt: skip


def action_probs(policy: Any, obs: Float[Array, "n obs"], num_actions: int) -> Float[Array, "n A"]:
    """P(action | observation) of every action."""
    actions = jnp.arange(num_actions, dtype=jnp.int32)
    return jnp.exp(jax.vmap(jax.vmap(policy.log_prob, (None, 0)), (0, None))(obs, actions))


def reward_gap(rewards: Float[Array, " n"], bins: Bins) -> Float[Array, ""]:
    """J_rew; means of bins stand for the expected reward, since single rewards are mostly luck."""
    means = bins.means(rewards)
    one, other = group_pairs(means.shape[0])
    return over_pairs(jnp.abs(means[one] - means[other]), bins.filled)


def gaussian_w2(
    mean: Float[Array, "*B d"],
    std: Float[Array, "*B d"],
    other_mean: Float[Array, "*B d"],
    other_std: Float[Array, "*B d"],
) -> Float[Array, "*B"]:
    """2-Wasserstein distance of two Gaussians with diagonal covariances.

    W2^2 = |mu - mu'|^2 + |sigma - sigma'|^2.
    """
    return jnp.sqrt(jnp.sum((mean - other_mean) ** 2 + (std - other_std) ** 2, -1))


def dynamics_gap(
    mean: Float[Array, "G Q m d"],
    std: Float[Array, "G Q m d"],
    bins: Bins,
    discount: Float[Array, ""] | float,
) -> Float[Array, ""]:
    """J_dyn, from what the model predicts for m people drawn from each bin."""
    one, other = group_pairs(mean.shape[0])
    distance = gaussian_w2(mean[one], std[one], mean[other], std[other])
    return over_pairs(discount * jnp.mean(distance, -1), bins.filled)
