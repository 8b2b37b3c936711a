"""How far apart the score distributions of groups are."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int


def pairwise_w1(
    score: Float[Array, " P"],
    group: Int[Array, " P"],
    weight: Float[Array, " P"],
    num_groups: int,
) -> Float[Array, "G G"]:
    """Wasserstein-1 distance between the weighted score laws of every two groups.

    Exact on the line, W1 = integral of |F_a(x) - F_b(x)| dx, for any real scores: between two
    neighbouring scores both distribution functions are constant. NaN where a group is empty.
    """
    order = jnp.argsort(score)
    score, group, weight = score[order], group[order], weight[order]
    member = jnp.where(group[None, :] == jnp.arange(num_groups)[:, None], weight[None, :], 0.0)
    reach = jnp.cumsum(member, 1)
    total = reach[:, -1:]
    law = jnp.where(total > 0, reach / jnp.where(total > 0, total, 1.0), jnp.nan)[:, :-1]
    width = jnp.diff(score)
    # One group at a time against all: memory stays G x P.
    return jax.lax.map(lambda one: jnp.sum(jnp.abs(one[None] - law) * width[None], -1), law)


def over_pairs(matrix: Float[Array, "*axes G G"]) -> Float[Array, "*axes pairs"]:
    """The entries above the diagonal: one per unordered pair of groups."""
    above, right = np.triu_indices(matrix.shape[-1], 1)
    return matrix[..., above, right]
