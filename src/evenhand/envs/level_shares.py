"""A world in which the decision maker also sees how each group is spread over true levels."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from evenhand.core.errors import InputError
from evenhand.envs.windows import Windowed
from evenhand.envs.wrapper import AbstractWrapper


class LevelSharesState(eqx.Module):
    """The wrapped world and everybody counted."""

    inner: Any
    counts: Int[Array, "G K"]
    """People at each true level now, kept up to date one decision at a time."""


class LevelShares(AbstractWrapper):
    """The wrapped world with feature `level-shares` appended to its observation.

    The feature is `(G * K)`, group by group: the share of the group's people at each TRUE level,
    summing to 1 in each group. Oracle policies read it; nobody in the real world could. Dynamics,
    signals and parameters are the wrapped world's; it must keep everybody's true level in
    `state.level` and change nobody's but the applicant's.
    """

    env: Any

    def __init__(self, env: Any):
        self.env = env

    def __check_init__(self):
        if "level-shares" in self.env.slices:
            raise InputError("this world already shows 'level-shares'; wrap it once")

    @property
    def obs_size(self) -> int:
        return self.env.obs_size + self.num_groups * self.num_levels

    @property
    def obs_bounds(self) -> tuple[np.ndarray, np.ndarray]:
        low, high = self.env.obs_bounds
        size = self.num_groups * self.num_levels
        return np.append(low, np.zeros(size, low.dtype)), np.append(high, np.ones(size, high.dtype))

    @property
    def slices(self) -> dict[str, slice]:
        return {**self.env.slices, "level-shares": slice(self.env.obs_size, self.obs_size)}

    def reset(self, key, params):
        inner = self.env.reset(key, params)
        people = self.env.population(inner, params)
        counts = jnp.zeros((self.num_groups, self.num_levels), jnp.int32)
        return LevelSharesState(inner, counts.at[people.group, _levels(inner)].add(1))

    def step(self, key, state, action, params):
        """The wrapped world's step; the applicant alone changes place in the counts."""
        inner, step = self.env.step(key, state.inner, action, params)
        person, group = step.outcome.person, step.outcome.group
        before, after = _levels(state.inner)[person], _levels(inner)[person]
        counts = state.counts.at[group, before].add(-1).at[group, after].add(1)
        successor = jnp.append(step.successor, self._shares(counts))
        return LevelSharesState(inner, counts), eqx.tree_at(lambda s: s.successor, step, successor)

    def _shares(self, counts):
        size = np.array(self.population_per_group, np.float32)[:, None]
        return (counts.astype(jnp.float32) / size).reshape(-1)

    def observe(self, state, params):
        return jnp.append(self.env.observe(state.inner, params), self._shares(state.counts))


def _levels(state: Any) -> Int[Array, " P"]:
    """Everybody's true level, below whatever windows there are."""
    while isinstance(state, Windowed):
        state = state.inner
    return state.level
