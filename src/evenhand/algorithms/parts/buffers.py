"""A memory of past experience."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int, PRNGKeyArray


class Row(eqx.Module):
    """What Q-learning remembers of a step."""

    obs: Float[Array, "*B obs"]
    action: Int[Array, "*B"]
    reward: Float[Array, "*B"]
    next_obs: Float[Array, "*B obs"]
    continues: Float[Array, "*B"]
    """The discount of what follows, 0 where nothing does."""
    weight: Float[Array, "*B"]


class RingBuffer(eqx.Module):
    """The newest `capacity` rows of any record; the leaves of `rows` lead with the capacity."""

    rows: Any
    written: Int[Array, ""]
    """Rows ever added; the next one goes to `written % capacity`."""

    @property
    def capacity(self) -> int:
        return jax.tree.leaves(self.rows)[0].shape[0]

    @property
    def size(self) -> Int[Array, ""]:
        """Rows in the buffer."""
        return jnp.minimum(self.written, self.capacity)

    def add(self, rows: Any) -> "RingBuffer":
        """The buffer with a batch of rows added; a batch may not exceed the capacity."""
        num_rows = jax.tree.leaves(rows)[0].shape[0]
        if num_rows > self.capacity:
            raise ValueError(
                f"{num_rows} rows do not fit a buffer of {self.capacity}; raise its capacity"
            )
        index = (self.written + jnp.arange(num_rows)) % self.capacity
        new = jax.tree.map(lambda old, row: old.at[index].set(row), self.rows, rows)
        return RingBuffer(new, self.written + num_rows)

    def sample(self, key: PRNGKeyArray, shape: tuple[int, ...]) -> Int[Array, "..."]:
        """Where to find rows drawn uniformly with replacement; `take` fetches them."""
        return jr.randint(key, shape, 0, jnp.maximum(self.size, 1))

    def take(self, index: Int[Array, "..."]) -> Any:
        """The rows at these places."""
        return jax.tree.map(lambda leaf: leaf[index], self.rows)


def empty_buffer(example: Any, capacity: int) -> RingBuffer:
    """A buffer for rows shaped like `example` (one row, without a leading axis)."""
    rows = jax.tree.map(lambda x: jnp.zeros((capacity, *jnp.shape(x)), jnp.result_type(x)), example)
    return RingBuffer(rows, jnp.zeros((), jnp.int32))
