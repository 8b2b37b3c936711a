"""Monte Carlo returns of whole episodes, also where an episode takes several rollouts."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


class EpisodeSums(eqx.Module):
    """What each of N worlds has brought every group on every task since its last reset."""

    paid: Float[Array, "N G M"]
    met: Float[Array, "N G M"]
    """Steps that counted for this group and task."""


class Returns(eqx.Module):
    """J of the latest whole episodes, and how many they were; 0 of 0 episodes before the first."""

    J: Float[Array, "G M"]
    episodes: Float[Array, "G M"]


def no_returns(num_groups: int, num_tasks: int) -> Returns:
    """Nothing known yet."""
    nothing = jnp.zeros((num_groups, num_tasks))
    return Returns(nothing, nothing)


def no_sums(num_worlds: int, num_groups: int, num_tasks: int) -> EpisodeSums:
    """Sums just after a reset."""
    nothing = jnp.zeros((num_worlds, num_groups, num_tasks))
    return EpisodeSums(nothing, nothing)


def add_rollout(
    sums: EpisodeSums,
    rewards: Float[Array, "T N M"],
    group: Int[Array, "T N"],
    counts: Float[Array, "T N M"],
) -> EpisodeSums:
    """The sums after a rollout; `counts` weighs each row for each task."""
    whose = jax.nn.one_hot(group, sums.paid.shape[1])
    paid = jnp.einsum("tng,tnm->ngm", whose, rewards * counts)
    met = jnp.einsum("tng,tnm->ngm", whose, (counts > 0).astype(jnp.float32))
    return EpisodeSums(sums.paid + paid, sums.met + met)


def mean_returns(sums: EpisodeSums, before: Returns) -> Returns:
    """Undiscounted returns per episode, a mean over the episodes that decided about the group.

    Where none did (for this task), what was known before.
    """
    took_part = (sums.met > 0).astype(jnp.float32)
    episodes = jnp.sum(took_part, 0)
    J = jnp.sum(sums.paid, 0) / jnp.maximum(episodes, 1.0)
    known = episodes > 0
    return Returns(jnp.where(known, J, before.J), jnp.where(known, episodes, before.episodes))
