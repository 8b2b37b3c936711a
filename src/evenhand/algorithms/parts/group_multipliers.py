"""Multipliers on every pair of groups and every task, and the weights they give to advantages."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int


class GroupMultipliers(eqx.Module):
    """Two multipliers for each ordered pair (z, i) of groups and each task m; (z, z) stays 0."""

    above: Float[Array, "G G M"]
    """nu+, of the constraint J_z^m - J_i^m <= tolerance."""
    below: Float[Array, "G G M"]
    """nu-, of the constraint J_i^m - J_z^m <= tolerance."""


def no_multipliers(num_groups: int, num_tasks: int) -> GroupMultipliers:
    """Multipliers of 0: nothing is constrained yet."""
    nothing = jnp.zeros((num_groups, num_groups, num_tasks))
    return GroupMultipliers(nothing, nothing)


def moved(
    multipliers: GroupMultipliers,
    z: Int[Array, ""],
    J: Float[Array, "G M"],
    counts: Bool[Array, "G M"],
    tolerance: Float[Array, ""] | float,
    rate: Float[Array, ""] | float,
    most: Float[Array, ""] | float,
) -> GroupMultipliers:
    """The multipliers after one projected step of group z's, the other groups' returns fixed.

    With D_i^m = J_z^m - J_i^m, for every other group i and every task m that counts for both,

        nu+ <- clip(nu+ - rate (tolerance - D), 0, most),
        nu- <- clip(nu- - rate (tolerance + D), 0, most).
    """
    gap = J[z][None] - J
    other = jnp.arange(J.shape[0], dtype=z.dtype) != z
    both = counts & counts[z][None] & other[:, None]

    def step(nu: Float[Array, "G G M"], sign: float) -> Float[Array, "G G M"]:
        now = jnp.clip(nu[z] - rate * (tolerance - sign * gap), 0.0, most)
        return nu.at[z].set(jnp.where(both, now, nu[z]))

    return GroupMultipliers(step(multipliers.above, 1.0), step(multipliers.below, -1.0))


def task_weights(multipliers: GroupMultipliers) -> Float[Array, "G M"]:
    """w_z^m = 1 + sum_i (nu- - nu+): the coefficient of group z's advantage of task m.

    dJ_z enters the two constraints of a pair with opposite signs, so no cost critic is needed.
    Below 0 a group's return on that task is actively lowered, as in the original.
    """
    return 1.0 + jnp.sum(multipliers.below - multipliers.above, 1)


def largest_gap(J: Float[Array, "G M"]) -> Float[Array, " M"]:
    """max over pairs of groups of |J_i^m - J_j^m|, for every task."""
    return jnp.max(J, 0) - jnp.min(J, 0)


def facts(
    names: tuple[str, ...],
    J: Float[Array, "G M"],
    weights: Float[Array, "G M"],
    counts: Bool[Array, " M"],
) -> dict[str, Array]:
    """What to log: returns, the widest gap of a task that counts, and the least weight."""
    gap = jnp.max(jnp.where(counts, largest_gap(J), 0.0))
    log = {"return": jnp.sum(J), "gap": gap, "weight": jnp.min(weights)}
    for m, name in enumerate(names):
        log |= {f"J_{g}_{name}": J[g, m] for g in range(J.shape[0])}
    return log
