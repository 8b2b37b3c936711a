"""The rows of one group's turn: credit along its own stream, and what each row weighs."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from evenhand.algorithms.parts.by_person import by_visits
from evenhand.algorithms.parts.gae import gae
from evenhand.algorithms.parts.group_networks import Actor
from evenhand.algorithms.parts.trust_region import TurnSamples
from evenhand.core.rollout import Transition


def group_advantage(
    batch: Transition,
    rewards: Float[Array, "T N *X"],
    value: Callable[[Float[Array, "*B obs"]], Float[Array, "..."]],
    cut: Bool[Array, "T N"],
    over: Bool[Array, ""],
    rates: tuple[Any, Any],
) -> Float[Array, "T N *X"]:
    """Advantages in which a row is followed by the next row of the same group in its world.

    A column of a single actor is one such stream as it is; where one member of each group takes
    turns, it is each member's own. A row after which another episode begins (`cut`), and a group's
    last row of the rollout, are followed by their own successor; by nothing where nobody is there
    to come again: `terminated`, `revisit_prob` 0, or a last row when the episode is `over`. `rates`
    are the discount and lambda.
    """
    lives = 1.0 - batch.terminated.astype(jnp.float32)
    whose = jnp.where(batch.outcome.weight > 0, batch.outcome.group, -1)
    order, again = by_visits(whose)
    back = jnp.argsort(order, 0)

    def ordered(leaf: Array, order: Array) -> Array:
        order = order.reshape(*order.shape, *(1,) * (leaf.ndim - 2))
        return jnp.take_along_axis(leaf, order, 0)

    values = value(batch.obs)
    met = ordered(again, back)
    follows = (cut | ~met) & ~(over & ~met)
    if batch.revisit_prob is not None:
        follows = follows & (batch.revisit_prob > 0)
    last = lives * follows.astype(jnp.float32)
    beyond = value(batch.successor) * last.reshape(*last.shape, *(1,) * (values.ndim - 2))
    rows = (rewards + rates[0] * beyond, values)
    rewards_t, values_tm1 = (ordered(leaf, order) for leaf in rows)
    continues_t = ordered(lives * (met & ~cut).astype(jnp.float32), order)
    nothing = jnp.zeros_like(values[0])
    advantage = gae(rewards_t, continues_t, values_tm1, nothing, *rates)
    return ordered(advantage, back)


def standardised_by_task(
    advantage: Float[Array, "B M"], counts: Float[Array, "B M"], together: bool
) -> Float[Array, "B M"]:
    """Advantages with mean 0 for every task, and standard deviation 1.

    With `together` one deviation serves all tasks (the root mean of their variances): a policy
    that serves them all then still maximises the plain sum of their returns.
    """
    total = jnp.maximum(jnp.sum(counts, 0), 1.0)
    centred = advantage - (jnp.sum(advantage * counts, 0) / total)[None]
    variance = jnp.sum(centred**2 * counts, 0) / total
    if together:
        variance = jnp.full_like(variance, jnp.mean(variance))
    return centred / (jnp.sqrt(variance) + 1e-6)[None]


def pull_and_push(
    advantage: Float[Array, "B M"], counts: Float[Array, "B M"], weights: Float[Array, " M"]
) -> tuple[Float[Array, " B"], Float[Array, " B"]]:
    """What each row's divergence and its ratio weigh in the loss.

    The loss sums, over tasks, means over the rows that count for the task, and is divided by M:
    with q_b^m = counts_b^m R / sum_b counts_b^m over the R rows that count for any, pull is the
    mean of q^m over tasks and push that of q^m w^m A^m. pull is 1 where every row counts for every
    task, and where each row runs one task and all are run equally often; 0 for other rows.
    """
    rows = jnp.sum(jnp.any(counts > 0, -1)).astype(jnp.float32)
    share = counts * rows / jnp.maximum(jnp.sum(counts, 0), 1.0)[None]
    return jnp.mean(share, -1), jnp.mean(share * weights[None] * advantage, -1)


def turn_samples(
    batch: Transition,
    rows: tuple[Float[Array, "T N obs"], Int[Array, "T N"], Float[Array, "T N M"]],
    credit: tuple[Float[Array, "T N M"], Float[Array, "T N M"]],
    actor: Actor,
    weights: Float[Array, " M"],
    together: bool,
) -> TurnSamples:
    """A rollout as flat samples, beside the distributions that the actor had when it collected.

    `rows` are what the actor saw, which task each row ran, and what it counts for each task;
    `credit` is advantages and values of every task.
    """
    flat = lambda leaf: leaf.reshape(-1, *leaf.shape[2:])  # noqa: E731
    shown, task, counts = rows
    advantage, counts, target = flat(credit[0]), flat(counts), flat(credit[0] + credit[1])
    scaled = standardised_by_task(advantage, counts, together)
    pull, push = pull_and_push(scaled, counts, weights)
    old = actor(shown, task)
    seen = (shown, batch.action, task, old, old.log_prob(batch.action))
    obs, action, ran, before, log_prob = jax.tree.map(flat, seen)
    return TurnSamples(obs, action, ran, before, log_prob, pull, push, target, counts)
