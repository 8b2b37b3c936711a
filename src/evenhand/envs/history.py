"""A window over the last applicants."""

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from evenhand.core.errors import InputError
from evenhand.envs.windows import AbstractWindow


class HistoryMemory(eqx.Module):
    """The last applicants, and how many there are of each kind."""

    cells: Int[Array, " W"]
    """Ring of the last applicants' group * K + level; -1 where there was none yet."""
    counts: Float[Array, "G K"]
    place: Int[Array, ""]


class HistoryWindow(AbstractWindow):
    """Shows how many of the last `length` applicants were at each observed level, by group.

    The feature is counts / (n + 1), G * K numbers, n being the applicants in the window; the
    present one is not among them (Lear & Zhang 2025, released configuration: 300). Signal
    `score_w1`: the exact Wasserstein-1 distance, in levels, between two groups' level laws in the
    window, sum over k of |F_i(k) - F_j(k)|, the largest over pairs. It is 0 while a group of the
    pair has nobody in the window.
    """

    env: Any
    length: int = eqx.field(static=True)
    appended: ClassVar[tuple[str, ...]] = ("score_w1",)

    def __init__(self, env: Any, length: int = 300):
        self.env = env
        self.length = length

    def __check_init__(self):
        if not 1 <= self.length <= 100_000:
            raise InputError(
                "the length of a history must be at least 1 and at most 100,000, "
                f"got {self.length:,}"
            )
        self.env.decode(jnp.zeros(self.env.obs_size))  # says so where no score is shown
        if "group" not in self.env.slices:
            raise InputError("a history counts applicants by group; add the feature 'group'")

    @property
    def feature(self) -> str:
        return f"history-{self.length}"

    @property
    def feature_size(self) -> int:
        return self.env.num_groups * self.env.num_levels

    def blank(self):
        return HistoryMemory(
            cells=jnp.full(self.length, -1, jnp.int32),
            counts=jnp.zeros((self.env.num_groups, self.env.num_levels)),
            place=jnp.zeros((), jnp.int32),
        )

    def record(self, memory, obs, outcome):
        _, level = self.env.decode(obs)
        counts = outcome.weight > 0
        old = memory.cells[memory.place]
        new = jnp.where(counts, outcome.group * self.env.num_levels + level, old)
        change = self._one(new) - self._one(old)
        place = memory.place + counts.astype(jnp.int32)
        return HistoryMemory(
            cells=memory.cells.at[memory.place].set(new),
            counts=memory.counts + change,
            place=jnp.where(place == self.length, 0, place),
        )

    def _one(self, cell):
        """`(G, K)` indicator of a cell, all zero for -1."""
        shape = (self.env.num_groups, self.env.num_levels)
        return (jnp.arange(self.feature_size).reshape(shape) == cell).astype(jnp.float32)

    def show(self, memory):
        return (memory.counts / (jnp.sum(memory.counts) + 1.0)).reshape(-1)

    def measure(self, memory):
        people = jnp.sum(memory.counts, -1)
        reach = jnp.cumsum(memory.counts, -1) / jnp.maximum(people, 1.0)[:, None]
        apart = jnp.sum(jnp.abs(reach[:, None, :] - reach[None, :, :]), -1)
        present = people > 0
        return jnp.max(jnp.where(present[:, None] & present[None, :], apart, 0.0))[None]
