"""What a learner is; the loops that train it are in `training`."""

from abc import abstractmethod
from typing import Any

import equinox as eqx
import jax.random as jr
from jaxtyping import Array, Int, PRNGKeyArray

from evenhand.core.environment import AbstractEnvironment
from evenhand.core.policy import AbstractPolicy
from evenhand.core.rollout import Actors, Transition, rollout

Log = dict[str, Array]


class TrainState(eqx.Module):
    """Everything a run needs to go on: saved, restored and continued, it gives the same result.

    `learner` belongs to the algorithm (networks, optimiser, buffer); `actors` are its worlds.
    """

    learner: Any
    actors: Actors
    update: Int[Array, ""]
    env_steps: Int[Array, ""]


class AbstractAlgorithm(eqx.Module):
    """A learner; its hyperparameters are its fields: floats are leaves, sizes are static.

    `update` is one iteration: collect `num_steps` in each of `num_envs` worlds, then `learn`.
    Methods that alternate collecting and learning override it, built from the same two.
    """

    num_envs: eqx.AbstractVar[int]
    num_steps: eqx.AbstractVar[int]

    @property
    def reads(self) -> tuple[str, ...]:
        """Features the world must show this method besides those chosen for everybody."""
        return ()

    @property
    def update_steps(self) -> int:
        """Environment steps that one update spends, all of them counted in a budget."""
        return self.num_envs * self.num_steps

    @abstractmethod
    def init(self, key: PRNGKeyArray, env: AbstractEnvironment, params: Any) -> TrainState:
        """A fresh run."""

    @abstractmethod
    def learn(
        self,
        key: PRNGKeyArray,
        env: AbstractEnvironment,
        params: Any,
        state: TrainState,
        batch: Transition,
    ) -> tuple[TrainState, Log]:
        """The run after learning from one collected batch, and scalars to log."""

    @abstractmethod
    def policy(self, state: TrainState) -> AbstractPolicy:
        """The policy to deploy and to evaluate."""

    def for_budget(self, num_updates: int) -> "AbstractAlgorithm":
        """The same algorithm with its schedules set for a run of this many updates."""
        return self

    def behaviour(self, state: TrainState) -> AbstractPolicy:
        """The policy that collects experience; the deployed one unless exploration differs."""
        return self.policy(state)

    def deployed(self, state: TrainState, params: Any) -> Any:
        """The numbers of the world under this method; learned observation parameters go here."""
        return params

    def collect(
        self, key: PRNGKeyArray, env: AbstractEnvironment, params: Any, state: TrainState
    ) -> tuple[TrainState, Transition]:
        """The run `num_steps` later and the batch collected on the way, leaves (T, N)."""
        act = self.behaviour(state).act
        actors, batch = rollout(key, env, params, act, state.actors, self.num_steps)
        collected = self.num_steps * self.num_envs
        state = TrainState(state.learner, actors, state.update, state.env_steps + collected)
        return state, batch

    def update(
        self, key: PRNGKeyArray, env: AbstractEnvironment, params: Any, state: TrainState
    ) -> tuple[TrainState, Log]:
        """One iteration: collect, then learn."""
        collect_key, learn_key = jr.split(key)
        state, batch = self.collect(collect_key, env, self.deployed(state, params), state)
        return self.learn(learn_key, env, params, state, batch)
