"""A world around a world: everything that a wrapper leaves as it is."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Int

from evenhand.core.environment import AbstractEnvironment, Population


class AbstractWrapper(AbstractEnvironment[Any, Any]):
    """A world that holds another as `env`, and its state as `state.inner`.

    Params are the inner world's. What a wrapper shows of its own comes after the inner
    observation, so `decode` stays the inner world's.
    """

    env: eqx.AbstractVar[Any]

    @property
    def signals(self) -> tuple[str, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.env.signals

    @property
    def consequence(self) -> str:
        return self.env.consequence

    @property
    def task_signals(self) -> tuple[str, ...]:
        return self.env.task_signals

    @property
    def adjustable(self) -> dict[str, tuple[float, float]]:
        return self.env.adjustable

    @property
    def num_groups(self) -> int:
        return self.env.num_groups

    @property
    def num_people(self) -> int:
        return self.env.num_people

    @property
    def num_actions(self) -> int:
        return self.env.num_actions

    @property
    def population_per_group(self) -> tuple[int, ...]:
        return self.env.population_per_group

    @property
    def num_levels(self) -> int:
        return self.env.num_levels

    @property
    def episode_steps(self) -> int:
        return self.env.episode_steps

    @property
    def group_of(self) -> Int[Array, " P"]:
        return self.env.group_of

    @property
    def built_from(self) -> Any:
        return self.env.built_from

    def default_params(self) -> Any:
        return self.env.default_params()

    def population(self, state, params) -> Population:
        return self.env.population(state.inner, params)

    def decode(self, obs):
        return self.env.decode(jnp.asarray(obs)[..., : self.env.obs_size])
