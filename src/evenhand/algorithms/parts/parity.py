"""How far groups are apart, as pure functions that a gradient can flow through."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int


def group_means(
    values: Float[Array, " B"], weight: Float[Array, " B"], group: Int[Array, " B"], num_groups: int
) -> tuple[Float[Array, " G"], Bool[Array, " G"]]:
    """Each group's weighted mean, 0 for a group without weight, and which groups have any."""
    # A product with one-hot rows: its gradient is no scatter.
    member = jax.nn.one_hot(group, num_groups) * weight[:, None]
    total = jnp.sum(member, 0)
    present = total > 0
    return values @ member / jnp.where(present, total, 1.0), present


def squared_gap(means: Float[Array, " G"], present: Bool[Array, " G"]) -> Float[Array, ""]:
    """Mean over pairs of groups of the squared difference of their means; 0 without a pair.

    With two groups it is C^2 of Lear & Zhang 2025. Pairs with an absent group do not count.
    """
    pairs = present[:, None] & present[None, :] & ~jnp.eye(means.shape[0], dtype=bool)
    apart = jnp.where(pairs, means[:, None] - means[None, :], 0.0)
    return jnp.sum(apart**2) / jnp.maximum(jnp.sum(pairs.astype(jnp.float32)), 1.0)


def unequal_benefit(
    approve: Float[Array, " B"],
    benefit: Float[Array, " B"],
    weight: Float[Array, " B"],
    group: Int[Array, " B"],
    radius: Float[Array, ""] | float,
) -> Float[Array, ""]:
    """Lambda: how unequally members of different groups with equal benefit are approved.

    The mean over all cross-group pairs (i, j) of samples, with Delta the `benefit`, of

        radius |approve_i - approve_j| / (radius + |Delta_i - Delta_j|)

    (Lear & Zhang 2025, the penalty of benefit fairness); 0 where no pair is.
    """
    pair = weight[:, None] * weight[None, :]
    pair = jnp.where(group[:, None] != group[None, :], pair, 0.0)
    near = radius / (radius + jnp.abs(benefit[:, None] - benefit[None, :]))
    apart = jnp.abs(approve[:, None] - approve[None, :])
    total = jnp.sum(pair)
    return jnp.sum(pair * near * apart) / jnp.where(total > 0, total, 1.0)
