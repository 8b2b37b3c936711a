"""What follows a decision for the person decided about, within one rollout."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from evenhand.algorithms.parts.by_person import by_visits
from evenhand.algorithms.parts.gae import gae


def own_to_go(
    values: Float[Array, "T N"], person: Int[Array, "T N"]
) -> tuple[Float[Array, "T N"], Bool[Array, "T N"]]:
    """Each row's value plus those of the same person's later rows, and who is met first here.

    Q_t = sum_{j >= t, person_j = person_t} v_j, undiscounted, in each of N parallel worlds (Lear &
    Zhang 2025: the Monte Carlo estimate of Q along an individual's own visits). A row of person -1
    is nobody's: its Q is its own value, and it is no first meeting.
    """
    order, again = by_visits(person)
    back = jnp.argsort(order, 0)
    sorted_ = jnp.take_along_axis(values, order, 0)
    none = jnp.zeros_like(sorted_)
    # With no values to bootstrap on, GAE at discount and lambda 1 is the plain sum.
    sums = gae(sorted_, again.astype(jnp.float32), none, none[0], 1.0, 1.0)
    first = jnp.concatenate([jnp.ones_like(again[:1]), ~again[:-1]])
    first = jnp.take_along_axis(first, back, 0) & (person >= 0)
    return jnp.take_along_axis(sums, back, 0), first


def mean_of_others(
    values: Float[Array, "T N"],
    counts: Bool[Array, "T N"],
    person: Int[Array, "T N"],
    group: Int[Array, "T N"],
    num_people: int,
    num_groups: int,
) -> Float[Array, "T N"]:
    """For each row the mean value of its group's rows about other people; 0 where there are none.

    The mean is over rows that count, in all N worlds; the same number in another world is another
    person, and a row of person -1 must not count.
    """
    counted = counts.astype(jnp.float32)
    world = jnp.arange(person.shape[1], dtype=person.dtype)[None]
    who = (world * num_people + jnp.maximum(person, 0)).reshape(-1)

    def others(rows: Float[Array, "T N"]) -> Float[Array, "T N"]:
        flat = (rows * counted).reshape(-1)
        of_group = jax.ops.segment_sum(flat, group.reshape(-1), num_groups)
        own = jax.ops.segment_sum(flat, who, num_people * person.shape[1])
        return (of_group[group.reshape(-1)] - own[who]).reshape(rows.shape)

    return others(values) / jnp.maximum(others(jnp.ones_like(values)), 1.0)
