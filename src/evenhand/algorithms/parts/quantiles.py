"""Matching groups by quantile: the lowest quarter of one with the lowest quarter of another."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray


class Bins(eqx.Module):
    """Samples in bins of equal size within each group, from the lowest level to the highest.

    `order` lists the samples group by group, each group's from its lowest level up; group g's
    start at `first[g]` and are `count[g]` many. `place` is `group * num_bins + bin` of each
    sample, and `num_groups * num_bins` for one that does not count.
    """

    order: Int[Array, " n"]
    first: Int[Array, " G"]
    count: Int[Array, " G"]
    place: Int[Array, " n"]
    num_bins: int = eqx.field(static=True)

    @property
    def filled(self) -> Bool[Array, "G Q"]:
        """Whether a bin holds anybody; with fewer members than bins some hold nobody."""
        low, high = self._edges()
        return low < high

    def means(self, values: Float[Array, " n"]) -> Float[Array, "G Q"]:
        """Mean of the values in each bin; 0 where a bin is empty."""
        places = self.count.shape[0] * self.num_bins + 1
        total = jax.ops.segment_sum(values, self.place, places)
        size = jax.ops.segment_sum(jnp.ones_like(values), self.place, places)
        return (total / jnp.maximum(size, 1.0))[:-1].reshape(-1, self.num_bins)

    def draw(self, key: PRNGKeyArray, num: int) -> Int[Array, "G Q num"]:
        """Samples drawn from each bin with replacement; anything at all from an empty bin."""
        low, high = self._edges()
        size = (high - low).astype(jnp.float32)[..., None]
        draws = jr.uniform(key, (*low.shape, num)) * size
        rank = low[..., None] + draws.astype(jnp.int32)
        rank = jnp.minimum(rank, jnp.maximum(high - 1, low)[..., None])
        place = jnp.minimum(self.first[:, None, None] + rank, self.order.shape[0] - 1)
        return self.order[place]

    def _edges(self) -> tuple[Int[Array, "G Q"], Int[Array, "G Q"]]:
        """First rank of each bin, and one more than its last: ceil(q * count / num_bins)."""
        edges = jnp.arange(self.num_bins + 1, dtype=jnp.int32)[None] * self.count[:, None]
        edges = -(-edges // self.num_bins)
        return edges[:, :-1], edges[:, 1:]


def quantile_bins(
    key: PRNGKeyArray,
    level: Int[Array, " n"],
    group: Int[Array, " n"],
    weight: Float[Array, " n"],
    num_groups: int,
    num_bins: int = 4,
) -> Bins:
    """The bins of samples by level, ties broken at random; samples of weight 0 are left out.

    The sample of rank i among its group's n belongs to bin floor(num_bins * i / n), so bins
    differ by one member at most.
    """
    group = jnp.where(weight > 0, group, num_groups)
    tie = jr.uniform(key, level.shape)
    order = jnp.lexsort((level.astype(jnp.float32) + tie, group)).astype(jnp.int32)
    count = jax.ops.segment_sum(jnp.ones_like(group), group, num_groups + 1)
    first = jnp.cumsum(count) - count
    ordered = group[order]
    rank = jnp.arange(level.shape[0], dtype=jnp.int32) - first[ordered]
    bin_ = jnp.minimum(num_bins * rank // jnp.maximum(count[ordered], 1), num_bins - 1)
    place = jnp.where(ordered < num_groups, ordered * num_bins + bin_, num_groups * num_bins)
    place = jnp.zeros_like(order).at[order].set(place)
    return Bins(order, first[:-1], count[:-1], place, num_bins)


def over_pairs(distance: Float[Array, "pairs Q"], filled: Bool[Array, "G Q"]) -> Float[Array, ""]:
    """Sum over pairs of groups of the mean over the bins that both fill."""
    one, other = group_pairs(filled.shape[0])
    both = (filled[one] & filled[other]).astype(jnp.float32)
    return jnp.sum(jnp.sum(distance * both, -1) / jnp.maximum(jnp.sum(both, -1), 1.0))


def group_pairs(num_groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Every pair of two groups once, as two lists."""
    return np.triu_indices(num_groups, 1)
