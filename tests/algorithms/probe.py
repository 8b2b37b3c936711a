"""A world small enough to know the best policy of, for tests of learners."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Int

from evenhand.core.environment import AbstractEnvironment, Outcome, Population, Step


class ProbeState(eqx.Module):
    side: Int[Array, ""]
    time: Int[Array, ""]


class Probe(AbstractEnvironment[ProbeState, None]):
    """The reward is 1 for the action that matches the observed side, else 0.

    With `delayed`, matching pays nothing at once; it leads to side 1, and side 1 pays 1.
    """

    signals: ClassVar[tuple[str, ...]] = ("reward",)
    num_groups: ClassVar[int] = 2
    num_people: ClassVar[int] = 2
    num_actions: ClassVar[int] = 2
    obs_size: ClassVar[int] = 2
    episode_steps: ClassVar[int] = 80
    delayed: bool = eqx.field(static=True, default=False)

    @property
    def obs_bounds(self):
        return np.zeros(2, np.float32), np.ones(2, np.float32)

    def default_params(self):
        return None

    def reset(self, key, params):
        return ProbeState(jr.bernoulli(key).astype(jnp.int32), jnp.zeros((), jnp.int32))

    def step(self, key, state, action, params):
        match = (action == state.side).astype(jnp.int32)
        side = match if self.delayed else jr.bernoulli(key).astype(jnp.int32)
        reward = (state.side if self.delayed else match).astype(jnp.float32)
        state = ProbeState(side, state.time + 1)
        outcome = Outcome(side, side, action, match, jnp.float32(1))
        return state, Step(reward[None], jnp.zeros((), bool), outcome, self.observe(state, params))

    def observe(self, state, params):
        return jnp.stack([1 - state.side, state.side]).astype(jnp.float32)

    def population(self, state, params):
        ones = jnp.ones(2)
        return Population(jnp.arange(2, dtype=jnp.int32), ones, ones, ones)

    def decode(self, obs):
        level = jnp.argmax(obs, -1).astype(jnp.int32)
        return level, level
