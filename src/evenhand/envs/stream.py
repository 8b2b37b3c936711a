"""What worlds share in which one applicant of a numbered population comes at a time."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from evenhand.core.environment import AbstractEnvironment, Params, State
from evenhand.envs.features import decode, feature_bounds, feature_size, feature_slices


class AbstractStream(AbstractEnvironment[State, Params]):
    """A world of people numbered group by group, seen through named features of the applicant.

    Its class is made of a population and features: `type(env)(env.built_from.value, features)`.
    """

    population_per_group: eqx.AbstractVar[tuple[int, ...]]
    num_levels: eqx.AbstractVar[int]
    features: eqx.AbstractVar[tuple[str, ...]]
    built_from: eqx.AbstractVar[Any]

    @property
    def num_groups(self) -> int:
        return len(self.population_per_group)

    @property
    def num_people(self) -> int:
        return sum(self.population_per_group)

    @property
    def obs_size(self) -> int:
        return feature_size(self.features, self.num_groups, self.num_levels)

    @property
    def obs_bounds(self) -> tuple[np.ndarray, np.ndarray]:
        return feature_bounds(self.obs_size)

    @property
    def slices(self) -> dict[str, slice]:
        return feature_slices(self.features, self.num_groups, self.num_levels)

    @property
    def group_of(self) -> Int[Array, " P"]:
        """Each person's group."""
        return jnp.asarray(
            np.repeat(np.arange(self.num_groups), self.population_per_group), jnp.int32
        )

    def group(self, person: Int[Array, ""]) -> Int[Array, ""]:
        """The group of one person, without a table of all."""
        bounds = jnp.asarray(np.cumsum(self.population_per_group)[:-1], jnp.int32)
        return jnp.sum(person >= bounds).astype(jnp.int32)

    def decode(self, obs):
        return decode(self.features, obs, self.num_groups, self.num_levels)
