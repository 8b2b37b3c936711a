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
    add_rollout,
    mean_returns,
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
    largest_gap,
    moved,
    no_multipliers,
    task_weights,
)
from evenhand.algorithms.parts.group_networks import seen, task_values
from evenhand.algorithms.parts.group_stream import (
    group_advantage,
    pull_and_push,
    standardised_by_task,
)
from evenhand.algorithms.parts.tasks import (
    TASK_MODES,
    constrained_tasks,
    task_names,
    task_of,
    task_rows,
)
from evenhand.algorithms.parts.trust_region import Agent, TrustRegion, TurnSamples
from evenhand.core.algorithm import AbstractAlgorithm, Log, TrainState
from evenhand.core.environment import signal_index
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
    tasks: str = eqx.field(static=True, default="")
    """Signals to pursue, comma-separated; "all"; "" for those the world says are its tasks."""
    constrained: str = eqx.field(static=True, default="all")
    """Tasks under constraints, comma-separated; "all" or "none"."""
    task_mode: str = eqx.field(static=True, default="shared")
    multi_head: bool = eqx.field(static=True, default=False)
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
    region: TrustRegion = TrustRegion()

    def __check_init__(self):
        if self.credit not in CREDITS:
            raise unknown_name("credit", self.credit, CREDITS)
        if self.task_mode not in TASK_MODES:
            raise unknown_name("task_mode", self.task_mode, TASK_MODES)

    @property
    def reads(self):
        shown = ("group", "task") if self.task_mode == "conditioned" else ("group",)
        return shown + (("time-left",) if self.credit == "individual" else ())

    def for_budget(self, num_updates):
        return replace(self, anneal_updates=num_updates)

    def init(self, key, env, params):
        agent_key, reset_key = jr.split(key)
        names = task_names(env, self.tasks)
        constrained_tasks(names, self.constrained)
        groups, tasks = env.num_groups, len(names)
        sizes = (env.num_actions, self.width, tasks, tasks if self._heads else 0)
        agents, scalers = fresh_agents(agent_key, groups, env.obs_size, sizes, continuous=False)
        actors = start(reset_key, env, params, self.shape(env)[1])
        if self.task_mode == "conditioned":
            task_of(env, actors.obs, tasks)
        zero = jnp.zeros((), jnp.int32)
        learner = GroupLearner(
            agents, scalers, no_multipliers(groups, tasks), no_returns(groups, tasks),
            no_sums(actors.alive.shape[0], groups, tasks), zero, zero, actors.obs, env,
        )  # fmt: skip
        return TrainState(learner, actors, zero, zero)

    def policy(self, state):
        learner = state.learner
        told = learner.returns.J.shape[1] if self.task_mode == "conditioned" else 0
        agents, reach = learner.agents, jnp.asarray(self.obs_reach, jnp.float32)
        return GroupPolicy(agents.actor, learner.scalers, reach, learner.env, told)

    def shape(self, env: Any) -> tuple[int, int]:
        """Steps of a rollout and worlds it runs in: an episode and more worlds where it is short."""
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
        rewards, counts = self._task_rows(env, batch)
        kept = jax.tree.map(lambda leaf: jnp.where(within, leaf, 0.0), learner.sums)
        sums = add_rollout(kept, rewards, batch.outcome.group, counts)
        rollouts = jnp.where(within, learner.rollouts, 0) + 1
        done = rollouts % parts == 0
        after = mean_returns(sums, learner.returns)
        returns = jax.tree.map(lambda a, b: jnp.where(done, a, b), after, learner.returns)
        learner = replace(
            learner, returns=returns, sums=sums, rollouts=rollouts, last_obs=actors.obs
        )
        collected = state.env_steps + steps * worlds
        return TrainState(learner, actors, state.update, collected), batch

    def learn(self, key, env, params, state, batch):
        """The run after the turn of the group whose turn it is."""
        credit_key, shuffle_key = jr.split(key)
        learner = state.learner
        z = learner.turn // self.rounds % env.num_groups
        names = task_names(env, self.tasks)
        counts = jnp.asarray(constrained_tasks(names, self.constrained))
        known = (learner.returns.episodes > 0) & counts[None]
        multipliers = moved(
            learner.multipliers, z, learner.returns.J, known,
            self.tolerance, self.multiplier_rate, self.multiplier_max,
        )  # fmt: skip
        weights = task_weights(multipliers)
        agent, scaler = pick_group((learner.agents, learner.scalers), z)
        samples, raw, mine = self.samples(
            credit_key, env, state, batch, z, (agent, scaler, weights[z])
        )
        left = self._share_left(state)
        rates = (left * self.learning_rate, left * self.critic_rate)
        agent, log = self.region.epochs(shuffle_key, agent, samples, *rates)
        # After the epochs: until then the policy that collected is the one that is compared with.
        scaler = seen(scaler, raw, mine)
        learner = replace(
            learner,
            agents=put_group(learner.agents, z, agent),
            scalers=put_group(learner.scalers, z, scaler),
            multipliers=multipliers,
            turn=learner.turn + 1,
        )
        log |= self._facts(names, learner, weights, counts)
        return TrainState(learner, state.actors, state.update, state.env_steps), log

    def samples(
        self, key: PRNGKeyArray, env: Any, state: TrainState, batch: Transition,
        z: Int[Array, ""], of_group: tuple[Agent, Any, Float[Array, " M"]],
    ) -> tuple[TurnSamples, Float[Array, "B obs"], Float[Array, " B"]]:  # fmt: skip
        """Rows of group z's turn, their observations as they were, and which of them are its."""
        agent, scaler, weights = of_group
        rewards, counts = self._task_rows(env, batch)
        counts = counts * (batch.outcome.group == z)[..., None].astype(jnp.float32)
        value = lambda obs: task_values(agent.critics, scaler(obs, self.obs_reach))  # noqa: E731
        advantage = self.advantages(key, env, state, batch, rewards, value)
        obs, task = scaler(batch.obs, self.obs_reach), self._task(env, batch.obs)
        flat = lambda leaf: leaf.reshape(-1, *leaf.shape[2:])  # noqa: E731
        target, counts = flat(advantage + value(batch.obs)), flat(counts)
        scaled = standardised_by_task(flat(advantage), counts, self.task_mode == "shared")
        pull, push = pull_and_push(scaled, counts, weights)
        old = agent.actor(obs, task)
        log_prob = old.log_prob(batch.action)
        rows = (obs, batch.action, task, old, log_prob)
        rows = jax.tree.map(flat, rows)
        mine = (pull > 0).astype(jnp.float32)
        return TurnSamples(*rows, pull, push, target, counts), flat(batch.obs), mine

    def advantages(
        self, key: PRNGKeyArray, env: Any, state: TrainState, batch: Transition,
        rewards: Float[Array, "T N M"], value: Any,
    ) -> Float[Array, "T N M"]:  # fmt: skip
        """Advantages of every task along the group's rows, or along each person's own.

        A world that shows the time left ends with its episode; elsewhere the time limit is no
        end, and values are bootstrapped there.
        """
        if self.credit == "individual":
            return personal_advantage(
                key, env, batch, state.actors.obs, rewards, value, self.discount, self.gae_lambda
            )
        parts = -(-env.episode_steps // self.shape(env)[0])
        over = (state.learner.rollouts % parts == 0) & ("time-left" in env.slices)
        goes_on = 1.0 - over.astype(jnp.float32)
        return group_advantage(batch, rewards, value, goes_on, self.discount, self.gae_lambda)

    @property
    def _heads(self) -> bool:
        return self.multi_head and self.task_mode == "conditioned"

    def _task(self, env: Any, obs: Float[Array, "T N obs"]) -> Int[Array, "T N"]:
        if self.task_mode == "conditioned":
            return task_of(env, obs, len(task_names(env, self.tasks)))
        return jnp.zeros(obs.shape[:-1], jnp.int32)

    def _task_rows(self, env: Any, batch: Transition) -> tuple[Array, Array]:
        tasks = tuple(signal_index(env, name) for name in task_names(env, self.tasks))
        alone = self._task(env, batch.obs) if self.task_mode == "conditioned" else None
        return task_rows(batch, tasks, alone)

    def _facts(
        self, names: tuple[str, ...], learner: GroupLearner, weights: Array, counts: Array
    ) -> Log:
        J = learner.returns.J
        log = {"return": jnp.sum(J), "weight": jnp.min(weights)}
        log["gap"] = jnp.max(jnp.where(counts, largest_gap(J), 0.0))
        return log | {
            f"J_{g}_{name}": J[g, m] for m, name in enumerate(names) for g in range(J.shape[0])
        }

    def _share_left(self, state: TrainState) -> Float[Array, ""]:
        """Share of the planned updates still to come; 1 where none are planned."""
        if self.anneal_updates is None:
            return jnp.ones(())
        return jnp.maximum(0.0, 1.0 - state.update / self.anneal_updates)
