"""Bisimulator (Rezaei-Shoshtari et al. 2024, arXiv 2412.17123) around any learner."""

from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Int, PRNGKeyArray

from evenhand.algorithms.parts.adaptation import Adaptation, Adapted
from evenhand.algorithms.parts.fitted import Fitted
from evenhand.algorithms.parts.observation_search import (
    AbstractSearch,
    ObservationSearch,
)
from evenhand.algorithms.parts.reward_correction import RewardCorrection
from evenhand.core.algorithm import AbstractAlgorithm, Log, TrainState
from evenhand.core.rollout import start


class Learner(eqx.Module):
    """What the solver learns, the correction, what the search remembers, and two counts."""

    solver: Any
    correction: Fitted
    search: Any
    solver_updates: Int[Array, ""]
    data_steps: Int[Array, ""]
    """Environment steps that went into data sets, of which the solver knows nothing."""


class Bisimulator(AbstractAlgorithm):
    """A learner, unchanged, in a process made to treat matched people of all groups alike.

    One update is an iteration of the paper's Algorithm 1. (1) The present policy decides in
    `dataset_envs` fresh worlds for `dataset_steps`. (2) On this data the `correction` R_phi of the
    reward takes Adam's steps down J_rew. (3) The `search` proposes observation parameters omega,
    collects data under them, and keeps them if J_dyn falls. (4) The solver trains on
    r + alpha * R_phi, in worlds that show what omega says, for about `period` steps. With
    `NoSearch` the third part is left out ("Reward only").

    **Optimises** what its solver does, of the corrected reward; the bound behind it
    (`parts/bisimulation.py`) is on differences between groups in expected return. **Assumes** that
    people are comparable by the rank of their observed score within their group. Every step of
    data collection counts in the budget. **Logged**: the solver's log, in which `reward` stays the
    original one; J_rew before and after its steps; J_dyn of the incumbent and the lowest of the
    proposals, the share `accepted`, the step size `sigma`, every entry of omega, and the share of
    steps spent on data.
    **Open in the paper, so chosen here**: every number; the order of lines (inferred: the box of
    Algorithm 1 is lost); means of quartiles instead of single rewards in J_rew; the collecting
    policy, here the exploring one.
    """

    solver: AbstractAlgorithm
    correction: RewardCorrection = RewardCorrection()
    search: AbstractSearch = ObservationSearch()
    period: int = eqx.field(static=True, default=8_000)
    """Steps of the solver in one iteration, rounded to whole updates of it."""
    dataset_envs: int = eqx.field(static=True, default=1)
    dataset_steps: int = eqx.field(static=True, default=4_000)
    """Steps of each world in a data set: the longer, the more of what omega adds up to shows."""

    @property
    def num_envs(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.solver.num_envs

    @property
    def num_steps(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.solver_updates * self.solver.num_steps

    @property
    def solver_updates(self) -> int:
        """Updates of the solver in one iteration."""
        return max(1, round(self.period / self.solver.update_steps))

    @property
    def adaptation(self) -> Adaptation:
        """Parts 1 to 3 of an iteration."""
        return Adaptation(self.correction, self.search, self.dataset_envs, self.dataset_steps)

    @property
    def data_steps(self) -> int:
        """Environment steps in the data sets of one iteration."""
        return self.adaptation.data_steps

    @property
    def update_steps(self):
        return self.solver_updates * self.solver.update_steps + self.data_steps

    @property
    def reads(self):
        return self.solver.reads

    def for_budget(self, num_updates):
        return replace(self, solver=self.solver.for_budget(num_updates * self.solver_updates))

    def init(self, key, env, params):
        # The solver and its worlds are those of the solver alone.
        inner = self.solver.init(key, env, params)
        adapted = self.adaptation.init(key, env, params)
        zero = jnp.zeros((), jnp.int32)
        learner = Learner(inner.learner, adapted.correction, adapted.search, zero, zero)
        return TrainState(learner, inner.actors, zero, zero)

    def policy(self, state):
        return self.solver.policy(self._inner(state))

    def behaviour(self, state):
        return self.solver.behaviour(self._inner(state))

    def deployed(self, state, params):
        params = self.solver.deployed(self._inner(state), params)
        return self.search.deployed(state.learner.search, params)

    def collect(self, key, env, params, state):
        """The run one rollout of the solver later, and its batch."""
        inner, batch = self.solver.collect(key, env, params, self._inner(state))
        return self._outer(state, inner), batch

    def learn(self, key, env, params, state, batch):
        """The run after one update of the solver on corrected rewards."""
        network = state.learner.correction.network
        corrected = self.correction.corrected(network, batch, env.num_groups)
        given = eqx.tree_at(lambda b: b.rewards, batch, batch.rewards.at[..., 0].set(corrected))
        inner, log = self.solver.learn(key, env, params, self._inner(state), given)
        log["reward_corrected"] = jnp.mean(corrected)
        log["reward"] = jnp.mean(batch.rewards[..., 0])
        state = self._outer(state, inner)
        count = state.learner.solver_updates + 1
        return eqx.tree_at(lambda s: s.learner.solver_updates, state, count), log

    def update(self, key, env, params, state):
        prepare_key, solve_key = jr.split(key)
        state, prepared = self.prepare(prepare_key, env, params, state)
        state, log = self.solve(solve_key, env, params, state)
        return state, log | prepared

    def prepare(
        self, key: PRNGKeyArray, env: Any, params: Any, state: TrainState
    ) -> tuple[TrainState, Log]:
        """The run with reward and observation changed for the present policy: steps 1 to 3."""
        old, policy = state.learner, self.behaviour(state)
        given = self.solver.deployed(self._inner(state), params)
        before = Adapted(old.correction, old.search)
        new, log = self.adaptation.adapt(key, env, given, policy, before)
        spent = old.data_steps + self.data_steps
        learner = Learner(old.solver, new.correction, new.search, old.solver_updates, spent)
        log["data_share"] = jnp.float32(self.data_steps / self.update_steps)
        env_steps = state.env_steps + self.data_steps
        return TrainState(learner, state.actors, state.update, env_steps), log

    def solve(
        self, key: PRNGKeyArray, env: Any, params: Any, state: TrainState
    ) -> tuple[TrainState, Log]:
        """The run after `solver_updates` of the solver, which AbstractAlgorithm.update describes.

        Worlds whose episode is shorter than this are reset on the way.
        """
        arrays, static = eqx.partition(state, eqx.is_array)
        shown = self.deployed(state, params)
        per_episode = -(-env.episode_steps // self.solver.num_steps)

        def body(arrays: Any, inputs: tuple[Array, PRNGKeyArray]):
            state = eqx.combine(arrays, static)
            if per_episode < self.solver_updates:
                reset_key = jr.fold_in(inputs[1], 1)
                actors = jax.lax.cond(
                    (inputs[0] > 0) & (inputs[0] % per_episode == 0),
                    lambda: start(reset_key, env, shown, self.num_envs),
                    lambda: state.actors,
                )
                state = eqx.tree_at(lambda s: s.actors, state, actors)
            collect_key, learn_key = jr.split(inputs[1])
            state, batch = self.collect(collect_key, env, shown, state)
            state, log = self.learn(learn_key, env, params, state, batch)
            return eqx.filter(state, eqx.is_array), log

        index, keys = jnp.arange(self.solver_updates), jr.split(key, self.solver_updates)
        arrays, logs = jax.lax.scan(body, arrays, (index, keys))
        return eqx.combine(arrays, static), jax.tree.map(jnp.mean, logs)

    def _inner(self, state: TrainState) -> TrainState:
        """The solver's own run."""
        own = state.learner
        steps = state.env_steps - own.data_steps
        return TrainState(own.solver, state.actors, own.solver_updates, steps)

    def _outer(self, state: TrainState, inner: TrainState) -> TrainState:
        """The run with the solver's inside."""
        learner = eqx.tree_at(lambda own: own.solver, state.learner, inner.learner)
        steps = inner.env_steps + learner.data_steps
        return TrainState(learner, inner.actors, state.update, steps)
