"""Credit along the rows of a group: its own stream within the stream of everybody."""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float

from evenhand.algorithms.parts.by_person import by_visits
from evenhand.algorithms.parts.gae import gae
from evenhand.core.rollout import Transition


def group_advantage(
    batch: Transition,
    rewards: Float[Array, "T N *X"],
    value: Callable[[Float[Array, "*B obs"]], Float[Array, "..."]],
    goes_on: Float[Array, ""],
    discount: Float[Array, ""] | float,
    lambda_: Float[Array, ""] | float,
) -> Float[Array, "T N *X"]:
    """Advantages in which a row is followed by the next row of the same group in its world.

    A column of a single actor is one such stream as it is; where one member of each group takes
    turns, it is each member's own. A group's last row of the rollout is followed by its own
    successor if `goes_on` is 1, and by nothing if it is 0.
    """
    lives = 1.0 - batch.terminated.astype(jnp.float32)
    whose = jnp.where(batch.outcome.weight > 0, batch.outcome.group, -1)
    order, again = by_visits(whose)
    back = jnp.argsort(order, 0)

    def ordered(leaf: Array, order: Array) -> Array:
        order = order.reshape(*order.shape, *(1,) * (leaf.ndim - 2))
        return jnp.take_along_axis(leaf, order, 0)

    values = value(batch.obs)
    last = (lives * (1.0 - ordered(again.astype(jnp.float32), back))) * goes_on
    beyond = value(batch.successor) * last.reshape(*last.shape, *(1,) * (values.ndim - 2))
    rows = (rewards + discount * beyond, values)
    rewards_t, values_tm1 = (ordered(leaf, order) for leaf in rows)
    continues_t = ordered(lives, order) * again.astype(jnp.float32)
    nothing = jnp.zeros_like(values[0])
    advantage = gae(rewards_t, continues_t, values_tm1, nothing, discount, lambda_)
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
