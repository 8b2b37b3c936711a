"""From one number per group (the last axis) to one number.

A reducer of per-episode statistics, averaged over episodes afterwards, is ex post (ESR: the
expected gap); a reducer of statistics averaged first is ex ante (SER: the gap of expectations).
Every reducer that compares groups is NaN when a group has no data.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


def difference(by_group: Float[Array, "*axes G"]) -> Float[Array, "*axes"]:
    """Largest minus smallest."""
    return jnp.max(by_group, -1) - jnp.min(by_group, -1)


def ratio(by_group: Float[Array, "*axes G"]) -> Float[Array, "*axes"]:
    """Smallest over largest; meant for rates: NaN unless the smallest is at least 0 and data are.

    NaN as well where all are 0: nobody got anything, so no share of it can be compared.
    """
    low, high = jnp.min(by_group, -1), jnp.max(by_group, -1)
    defined = (low >= 0) & (high > 0)
    return jnp.where(defined, low / jnp.where(defined, high, 1.0), jnp.nan)


def smallest(by_group: Float[Array, "*axes G"]) -> Float[Array, "*axes"]:
    """The worst group's value where more is better."""
    return jnp.min(by_group, -1)


def largest(by_group: Float[Array, "*axes G"]) -> Float[Array, "*axes"]:
    """The worst group's value where less is better."""
    return jnp.max(by_group, -1)


def signed_difference(by_group: Float[Array, "*axes G"]) -> Float[Array, "*axes"]:
    """First group minus second; NaN unless there are exactly two groups."""
    if by_group.shape[-1] != 2:
        return jnp.full(by_group.shape[:-1], jnp.nan, by_group.dtype)
    return by_group[..., 0] - by_group[..., 1]


def pair_gaps(by_group: Float[Array, "*axes G"]) -> Float[Array, "*axes pairs"]:
    """|a - b| for every unordered pair of groups."""
    above, right = np.triu_indices(by_group.shape[-1], 1)
    return jnp.abs(by_group[..., above] - by_group[..., right])


def mean_pair_gap(by_group: Float[Array, "*axes G"]) -> Float[Array, "*axes"]:
    """Mean of |a - b| over pairs of groups; 0 for a single group, which differs from nobody."""
    gaps = pair_gaps(by_group)
    single = jnp.where(jnp.isnan(by_group[..., 0]), jnp.nan, 0.0)
    return jnp.mean(gaps, -1) if gaps.shape[-1] else single


def total(
    by_group: Float[Array, "*axes G"], count: Float[Array, "*axes G"]
) -> Float[Array, "*axes"]:
    """Sum over the groups that have data; NaN where none has."""
    summed = jnp.sum(jnp.where(count > 0, by_group, 0.0), -1)
    return jnp.where(jnp.sum(count, -1) > 0, summed, jnp.nan)


def pooled(
    by_group: Float[Array, "*axes G"], count: Float[Array, "*axes G"]
) -> Float[Array, "*axes"]:
    """Mean over everybody, groups weighted by their counts; NaN where there is nobody."""
    everybody = jnp.sum(count, -1)
    return total(by_group * count, count) / jnp.where(everybody > 0, everybody, 1.0)
