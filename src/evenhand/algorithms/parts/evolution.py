"""One-plus-one evolution (Droste et al. 2002), with Nevergrad's rule for the step size."""

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Bool, Float, PRNGKeyArray

GROW, SHRINK = 2.0, 0.84
# A share of the range under which the step size does not fall, so that the search never freezes.
SMALLEST = 0.01


class Search(eqx.Module):
    """The best point so far and the step size, a share of the range between the bounds."""

    point: Float[Array, "names G"]
    sigma: Float[Array, ""]


def propose(
    key: PRNGKeyArray,
    search: Search,
    low: Float[Array, "names 1"],
    high: Float[Array, "names 1"],
) -> Float[Array, "names G"]:
    """The point plus sigma * N(0, I) in units of the range, clipped to the bounds."""
    step = search.sigma * (high - low) * jr.normal(key, search.point.shape)
    return jnp.clip(search.point + step, low, high)


def tell(
    search: Search,
    proposal: Float[Array, "names G"],
    loss: Float[Array, ""],
    incumbent: Float[Array, ""],
    largest: Float[Array, ""] | float = 1.0,
) -> tuple[Search, Bool[Array, ""]]:
    """The search after comparing a proposal's loss with the incumbent's, and whether it won.

    The step size doubles after a success, shrinks by .84 after a failure, and stays after a tie
    (Nevergrad's `OnePlusOne`), up to `largest`.
    """
    won = loss < incumbent
    factor = jnp.where(won, GROW, jnp.where(loss > incumbent, SHRINK, 1.0))
    sigma = jnp.clip(search.sigma * factor, jnp.minimum(SMALLEST, search.sigma), largest)
    return Search(jnp.where(won, proposal, search.point), sigma), won
