"""A tiny random world of two groups and two tasks whose members take turns, for tests."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, Int

from evenhand.core.environment import AbstractEnvironment, Outcome, Population, Step


class TurnsParams(eqx.Module):
    transition: Float[Array, "G S A S"]
    rewards: Float[Array, "G S A M"]


class TurnsState(eqx.Module):
    place: Int[Array, " G"]
    time: Int[Array, ""]
    task: Int[Array, ""]


class Turns(AbstractEnvironment[TurnsState, TurnsParams]):
    """One member of each group; they act in turn, `horizon` times each.

    With `shows_task` every episode runs one task, which is shown; signals are told all the same.
    """

    signals: ClassVar[tuple[str, ...]] = ("first", "second")
    num_groups: ClassVar[int] = 2
    num_people: ClassVar[int] = 2
    num_actions: ClassVar[int] = 2
    num_levels: ClassVar[int] = 3
    horizon: int = eqx.field(static=True, default=4)
    shows_task: bool = eqx.field(static=True, default=False)

    @property
    def episode_steps(self):
        return 2 * self.horizon

    @property
    def task_signals(self):
        return self.signals

    @property
    def slices(self):
        shown = {"place": slice(0, 3), "group": slice(3, 5), "time-left": slice(5, 6)}
        return shown | ({"task": slice(6, 8)} if self.shows_task else {})

    @property
    def obs_size(self):
        return 8 if self.shows_task else 6

    @property
    def obs_bounds(self):
        return np.zeros(self.obs_size, np.float32), np.ones(self.obs_size, np.float32)

    def default_params(self):
        rng = np.random.default_rng(0)
        transition = rng.dirichlet(np.ones(3), (2, 3, 2))
        rewards = rng.uniform(size=(2, 3, 2, 2))
        return TurnsParams(jnp.asarray(transition, jnp.float32), jnp.asarray(rewards, jnp.float32))

    def reset(self, key, params):
        zero = jnp.zeros((), jnp.int32)
        return TurnsState(jnp.zeros(2, jnp.int32), zero, jr.bernoulli(key).astype(jnp.int32))

    def step(self, key, state, action, params):
        group = state.time % 2
        place = state.place[group]
        law = params.transition[group, place, action]
        landed = jnp.sum(jr.uniform(key) >= jnp.cumsum(law)[:2]).astype(jnp.int32)
        after = TurnsState(state.place.at[group].set(landed), state.time + 1, state.task)
        none = jnp.zeros((), jnp.int32)
        step = Step(
            rewards=params.rewards[group, place, action],
            terminated=jnp.zeros((), bool),
            outcome=Outcome(group, group, action, none, jnp.float32(1)),
            successor=self._show(landed, group, after),
            revisit_prob=jnp.where(after.time < self.episode_steps - 1, 0.5, 0.0),
        )
        return after, step

    def _show(self, place, group, state):
        left = 1.0 - state.time.astype(jnp.float32) / self.episode_steps
        parts = [jax.nn.one_hot(place, 3), jax.nn.one_hot(group, 2), left[None]]
        if self.shows_task:
            parts.append(jax.nn.one_hot(state.task, 2))
        return jnp.concatenate(parts)

    def observe(self, state, params):
        group = state.time % 2
        return self._show(state.place[group], group, state)

    def population(self, state, params):
        score = state.place.astype(jnp.float32)
        return Population(jnp.arange(2, dtype=jnp.int32), jnp.ones(2), score, score)

    def decode(self, obs):
        obs = jnp.asarray(obs)
        group = jnp.argmax(obs[..., 3:5], -1).astype(jnp.int32)
        return group, jnp.argmax(obs[..., :3], -1).astype(jnp.int32)
