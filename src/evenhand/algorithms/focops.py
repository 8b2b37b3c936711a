"""FOCOPS with a constraint on every pair of groups and every task (Song et al. 2025)."""

from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int, PRNGKeyArray

from evenhand.algorithms.parts.by_person import CREDITS, personal_advantage
from evenhand.algorithms.parts.episode_sums import (
    no_returns,
    no_sums,
)
from evenhand.algorithms.parts.group_learner import (
    GroupLearner,
    GroupPolicy,
    fresh_agents,
    pick_group,
    put_group,
)
from evenhand.algorithms.parts.group_multipliers import (
    facts,
    moved,
    no_multipliers,
    task_weights,
)
from evenhand.algorithms.parts.group_networks import seen, task_values
from evenhand.algorithms.parts.group_stream import group_advantage, turn_samples
from evenhand.algorithms.parts.tasks import TaskRule
from evenhand.algorithms.parts.trust_region import TrustRegion
from evenhand.core.algorithm import AbstractAlgorithm, Log, TrainState
from evenhand.core.errors import unknown_name
from evenhand.core.rollout import Transition, rollout, start


class FOCOPS(AbstractAlgorithm):
    """Block-coordinate descent over groups; each turn is a FOCOPS step of one group's own agent.

    **Optimises** sum_z sum_m J_z^m subject to |J_i^m - J_j^m| <= `tolerance` for all pairs of
    groups and every constrained task m, J_z^m being group z's expected undiscounted return of task
    m per episode: constraints on expected returns, so SER. An update is one turn of one group, in
    fixed order with `rounds` turns each: collect with everybody's present policies, move that
    group's multipliers (`parts/group_multipliers.py`), improve its policy on its own rows with the
    advantages weighted by w_z^m = 1 + sum_i (nu- - nu+) (`parts/trust_region.py`), refit its
    critics. The next group's turn collects anew, so it sees the new returns (Gauss-Seidel).

    `task_mode` "shared": one policy serves all tasks and every row counts for each. "conditioned":
    the world shows which task a row runs, and the row counts for that one alone; with `multi_head`
    each task then has a head of its own. An episode of a world in which groups take turns counts
    once for each group that it decided about: a group's return is the sum of its own rows, as in
    `evaluate`. **Source**: Song et al. 2025 (arXiv 2503.07817), Zhang et al. 2020; docs/methods.md
    has assumptions and deviations.
    """

    num_envs: int = eqx.field(static=True, default=8)
    num_steps: int = eqx.field(static=True, default=256)
    """Steps of a rollout; where episodes are shorter, as many whole ones as fit, side by side."""
    rounds: int = eqx.field(static=True, default=1)
    width: int = eqx.field(static=True, default=64)
    credit: str = eqx.field(static=True, default="stream")
    """Advantages along the rows of the own group, or ("individual") along each person's."""
    anneal_updates: int | None = eqx.field(static=True, default=None)
    """Learning rates fall linearly to 0 over this many updates; None: constant."""
    learning_rate: float = 3e-4
    critic_rate: float = 3e-4
    discount: float = 0.99
    gae_lambda: float = 0.95
    obs_reach: float = 5.0
    """Scaled observations are clipped to this."""
    tolerance: float = 1.1
    multiplier_rate: float = 0.01
    multiplier_max: float = 2.0
    rule: TaskRule = TaskRule()
    region: TrustRegion = TrustRegion()

    def __check_init__(self):
        if self.credit not in CREDITS:
            raise unknown_name("credit", self.credit, CREDITS)

    @property
    def reads(self):
        shown = ("group",) if self.rule.is_shared else ("group", "task")
        return shown + (("time-left",) if self.credit == "individual" else ())

    def for_budget(self, num_updates):
        return replace(self, anneal_updates=num_updates)

    def init(self, key, env, params):
        agent_key, reset_key = jr.split(key)
        groups, tasks = env.num_groups, len(self.rule.is_constrained(env))
        sizes = (env.num_actions, self.width, tasks, tasks if self.rule.multi_head else 0)
        agents, scalers = fresh_agents(agent_key, groups, env.obs_size, sizes, continuous=False)
        actors = start(reset_key, env, params, self.shape(env)[1])
        self.rule.task(env, actors.obs)
        zero = jnp.zeros((), jnp.int32)
        learner = GroupLearner(
            agents, scalers, no_multipliers(groups, tasks), no_returns(groups, tasks),
            no_sums(actors.alive.shape[0], groups, tasks), zero, zero, actors.obs, env,
        )  # fmt: skip
        return TrainState(learner, actors, zero, zero)

    def policy(self, state):
        learner = state.learner
        told = 0 if self.rule.is_shared else learner.returns.J.shape[1]
        agents, reach = learner.agents, jnp.asarray(self.obs_reach, jnp.float32)
        return GroupPolicy(agents.actor, learner.scalers, reach, learner.env, told)

    def shape(self, env: Any) -> tuple[int, int]:
        """Steps of a rollout, and worlds; where an episode is short, more of them side by side."""
        steps = min(self.num_steps, env.episode_steps)
        return steps, self.num_envs * (self.num_steps // steps)

    def collect(self, key, env, params, state):
        """The run one rollout later; worlds start anew where an episode is over."""
        reset_key, run_key = jr.split(key)
        (steps, worlds), learner = self.shape(env), state.learner
        parts = -(-env.episode_steps // steps)
        # The training loop resets worlds between updates, at times of its own.
        undisturbed = jnp.all(state.actors.obs == learner.last_obs)
        within = undisturbed & (learner.rollouts % parts != 0)
        fresh = lambda: start(reset_key, env, params, worlds)  # noqa: E731
        actors = fresh() if parts == 1 else jax.lax.cond(within, lambda: state.actors, fresh)
        act = self.behaviour(state).act
        actors, batch = rollout(run_key, env, params, act, actors, steps)
        rewards, counts = self.rule.rows(env, batch, self.rule.task(env, batch.obs))
        learner = learner.after_rollout(within, parts, batch.outcome.group, rewards, counts)
        learner = replace(learner, last_obs=actors.obs)
        collected = state.env_steps + steps * worlds
        return TrainState(learner, actors, state.update, collected), batch

    def learn(self, key, env, params, state, batch):
        """The run after the turn of the group whose turn it is."""
        parts = -(-env.episode_steps // self.shape(env)[0])
        # A world that shows the time left ends with its episode; elsewhere it is cut short.
        over = (state.learner.rollouts % parts == 0) & ("time-left" in env.slices)
        task = self.rule.task(env, batch.obs)

        def credit(rewards: Array, value: Any, key: PRNGKeyArray) -> Array:
            rates = (self.discount, self.gae_lambda)
            if self.credit == "individual":
                about = (env, batch, state.actors.obs, rewards, value)
                return personal_advantage(key, *about, *rates)
            return group_advantage(batch, rewards, value, batch.terminated, over, rates)

        learner, log = self.turn(key, env, state, batch, task, credit)
        return TrainState(learner, state.actors, state.update, state.env_steps), log

    def whose_turn(self, env: Any, learner: GroupLearner) -> Int[Array, ""]:
        """The group whose turn it is."""
        return learner.turn // self.rounds % env.num_groups

    def turn(
        self, key: PRNGKeyArray, env: Any, state: TrainState, batch: Transition,
        task: Int[Array, "T N"], credit: Any,
    ) -> tuple[GroupLearner, Log]:  # fmt: skip
        """The learner after one group's multipliers, policy and critics have moved, and a log.

        `credit(rewards, value, key)` gives advantages of every task; rows of other groups weigh
        nothing.
        """
        credit_key, shuffle_key = jr.split(key)
        learner, z = state.learner, self.whose_turn(env, state.learner)
        limited = jnp.asarray(self.rule.is_constrained(env))
        known = (learner.returns.episodes > 0) & limited[None]
        steps = (self.tolerance, self.multiplier_rate, self.multiplier_max)
        multipliers = moved(learner.multipliers, z, learner.returns.J, known, *steps)
        weights = task_weights(multipliers)
        agent, scaler = pick_group((learner.agents, learner.scalers), z)

        rewards, counts = self.rule.rows(env, batch, task)
        counts = counts * (batch.outcome.group == z)[..., None].astype(jnp.float32)
        value = lambda obs: task_values(agent.critics, scaler(obs, self.obs_reach))  # noqa: E731
        credited = (credit(rewards, value, credit_key), value(batch.obs))
        rows = (scaler(batch.obs, self.obs_reach), task, counts)
        samples = turn_samples(batch, rows, credited, agent.actor, weights[z], self.rule.is_shared)
        left = self._share_left(state)
        rates = (left * self.learning_rate, left * self.critic_rate)
        # The entropy bonus falls with the rates: explore first, then settle.
        bonus = left * self.region.entropy_weight
        region = eqx.tree_at(lambda region: region.entropy_weight, self.region, bonus)
        agent, log = region.epochs(shuffle_key, agent, samples, *rates)
        # After the epochs: until then the policy that collected is the one that is compared with.
        scaler = seen(scaler, batch.obs.reshape(samples.obs.shape), samples.is_own)
        agents, scalers = put_group((learner.agents, learner.scalers), z, (agent, scaler))
        log |= facts(self.rule.names(env), learner.returns.J, weights, limited)
        return replace(
            learner, agents=agents, scalers=scalers, multipliers=multipliers,
            turn=learner.turn + 1,
        ), log  # fmt: skip

    def _share_left(self, state: TrainState) -> Float[Array, ""]:
        """Share of the planned updates still to come; 1 where none are planned."""
        if self.anneal_updates is None:
            return jnp.ones(())
        return jnp.maximum(0.0, 1.0 - state.update / self.anneal_updates)
