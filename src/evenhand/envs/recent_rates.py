"""True positive rates over the last applicants, and what the next decision would make of them."""

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from evenhand.core.errors import InputError
from evenhand.envs.windows import AbstractWindow


class RecentMemory(eqx.Module):
    """The last applicants, and how many qualified ones of them there are of each kind."""

    cells: Int[Array, " W"]
    """Ring of the last applicants: 2 * group + decision; -1 for unqualified or none yet."""
    counts: Float[Array, "G two"]
    """Qualified applicants in the window, denied and approved."""
    place: Int[Array, ""]


class RecentRates(AbstractWindow):
    """Shows each group's true positive rate among the last `length` applicants of all groups.

    The feature is 3 G numbers: the groups' rates, 0 for a group of which nobody qualified is in
    the window; then, for each group, the gap there would be with one more qualified member of it
    approved; then with one more denied. In these nobody leaves the window, as in the code of Hu,
    Lear & Zhang, so that they differ by the decision alone. Signal `recent_tpr_gap`: the largest
    difference between two groups' rates, after the action.
    """

    env: Any
    length: int = eqx.field(static=True)
    appended: ClassVar[tuple[str, ...]] = ("recent_tpr_gap",)

    def __init__(self, env: Any, length: int = 300):
        self.env = env
        self.length = length

    def __check_init__(self):
        if not 1 <= self.length <= 100_000:
            raise InputError(
                "the length of a window of recent rates must be at least 1 and at most 100,000, "
                f"got {self.length:,}"
            )

    @property
    def feature(self) -> str:
        return f"recent-rates-{self.length}"

    @property
    def feature_size(self) -> int:
        return 3 * self.env.num_groups

    def blank(self):
        return RecentMemory(
            cells=jnp.full(self.length, -1, jnp.int32),
            counts=jnp.zeros((self.env.num_groups, 2)),
            place=jnp.zeros((), jnp.int32),
        )

    def record(self, memory, obs, outcome):
        counts = outcome.weight > 0
        old = memory.cells[memory.place]
        cell = jnp.where(outcome.label == 1, 2 * outcome.group + outcome.decision, -1)
        new = jnp.where(counts, cell.astype(jnp.int32), old)
        place = memory.place + counts.astype(jnp.int32)
        return RecentMemory(
            cells=memory.cells.at[memory.place].set(new),
            counts=memory.counts + self._one(new) - self._one(old),
            place=jnp.where(place == self.length, 0, place),
        )

    def _one(self, cell):
        """`(G, 2)` indicator of a cell, all zero for -1."""
        shape = (self.env.num_groups, 2)
        return (jnp.arange(2 * self.env.num_groups).reshape(shape) == cell).astype(jnp.float32)

    def show(self, memory):
        denied, approved = jnp.eye(2)[:, None, None, :]
        more = jnp.eye(self.env.num_groups)[:, :, None]
        if_approved = _gap(_rates(memory.counts[None] + more * approved))
        if_denied = _gap(_rates(memory.counts[None] + more * denied))
        return jnp.concatenate([_rates(memory.counts), if_approved, if_denied])

    def measure(self, memory):
        return _gap(_rates(memory.counts))[None]


def _rates(counts: Float[Array, "*B G two"]) -> Float[Array, "*B G"]:
    return counts[..., 1] / jnp.maximum(jnp.sum(counts, -1), 1.0)


def _gap(rates: Float[Array, "*B G"]) -> Float[Array, "*B"]:
    return jnp.max(rates, -1) - jnp.min(rates, -1)
