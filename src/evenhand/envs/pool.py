"""People to draw from who leave one by one, in constant time."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


class Pool(eqx.Module):
    """Who can still apply: the first `remaining` entries of `order`; `slot` inverts `order`."""

    order: Int[Array, " P"]
    slot: Int[Array, " P"]
    remaining: Int[Array, ""]

    def without(self, person: Int[Array, ""], leaves: Array) -> "Pool":
        """The pool after `person` left, if `leaves`: swapped with the last one, in O(1)."""
        place, end = self.slot[person], jnp.maximum(self.remaining - 1, 0)
        last = self.order[end]
        here, there = jnp.where(leaves, last, person), jnp.where(leaves, person, last)
        order = self.order.at[place].set(here).at[end].set(there)
        slot = self.slot.at[here].set(place).at[there].set(end)
        return Pool(order, slot, self.remaining - leaves.astype(jnp.int32))

    def draw(self, first: Float[Array, ""], second: Float[Array, ""]) -> Int[Array, ""]:
        """A person of the pool, uniformly, from two uniform numbers.

        The first number picks anybody; only if that person has left, the second picks from the
        rest. Uniform all the same: 1/P + (1 - n/P)/n = 1/n. Worlds that share a key and admit
        different people therefore still see mostly the same applicants.
        """
        anybody = _index(first, self.slot.shape[0])
        somebody = self.order[_index(second, jnp.maximum(self.remaining, 1))]
        return jnp.where(self.slot[anybody] < self.remaining, anybody, somebody)


def _index(draw: Float[Array, ""], size: int | Int[Array, ""]) -> Int[Array, ""]:
    """0..size-1, uniformly; 24 random bits leave a bias below size / 2^24."""
    size = jnp.asarray(size, jnp.int32)
    return jnp.minimum((draw * size.astype(jnp.float32)).astype(jnp.int32), size - 1)
