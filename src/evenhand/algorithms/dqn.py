"""Deep Q-learning (Mnih et al. 2015) with CleanRL's choices."""

from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int, PRNGKeyArray

from evenhand.algorithms.parts.adam import AdamState, adam_init, adam_step
from evenhand.algorithms.parts.buffers import RingBuffer, Row, empty_buffer
from evenhand.algorithms.parts.by_person import CREDITS, next_rows
from evenhand.algorithms.parts.epsilon_greedy import EpsilonGreedy
from evenhand.algorithms.parts.network import Head, uniform_head
from evenhand.algorithms.parts.surrogate import chosen
from evenhand.algorithms.parts.weighted import weighted_mean
from evenhand.core.algorithm import AbstractAlgorithm, TrainState
from evenhand.core.errors import unknown_name
from evenhand.core.rollout import Transition, start


class Learner(eqx.Module):
    """What Q-learning learns, its lagging copy, and what it remembers."""

    network: Head
    target: Head
    memory: AdamState
    buffer: RingBuffer


class DQN(AbstractAlgorithm):
    """Q-learning from a replay buffer with a target network, one hidden layer of 256 tanh.

    Optimises the discounted reward (`signals[0]`) of the stream as it comes: the next state of a
    step is the next row of the same world, in a stream of applicants a stranger; with `credit`
    "individual" it is the same person's next visit (`parts/by_person.py`). Counts of steps
    (`train_every`, `target_every`, `learning_starts`, `exploration_steps`) are environment steps
    over all worlds. Logged: loss, mean value of the actions taken, epsilon, mean reward a step.
    **Deviations from CleanRL's file**: several worlds, and the gradient steps of one update are
    taken after its `num_steps` steps of collecting instead of between them.
    """

    num_envs: int = eqx.field(static=True, default=8)
    num_steps: int = eqx.field(static=True, default=10)
    capacity: int = eqx.field(static=True, default=10_000)
    """Rows remembered; with individual credit at least an episode of every world."""
    batch_size: int = eqx.field(static=True, default=128)
    train_every: int = eqx.field(static=True, default=10)
    target_every: int = eqx.field(static=True, default=500)
    learning_starts: int = eqx.field(static=True, default=10_000)
    exploration_steps: int = eqx.field(static=True, default=200_000)
    """Steps over which exploration falls to `last_epsilon`: half the run in CleanRL."""
    width: int = eqx.field(static=True, default=256)
    credit: str = eqx.field(static=True, default="stream")
    learning_rate: float = 2.5e-4
    discount: float = 0.99
    visit_discount: float = 1.0
    """Takes the place of `discount`, per visit of a person, with individual credit."""
    first_epsilon: float = 1.0
    last_epsilon: float = 0.05

    def __check_init__(self):
        if self.credit not in CREDITS:
            raise unknown_name("credit", self.credit, CREDITS)
        size = self.num_envs * self.num_steps
        if size % self.train_every:
            raise ValueError(
                f"num_envs * num_steps = {size} steps are not a multiple of "
                f"train_every={self.train_every}; choose a divisor"
            )
        if size > self.capacity:
            raise ValueError(
                f"num_envs * num_steps = {size} steps do not fit capacity={self.capacity}; raise it"
            )

    @property
    def reads(self):
        return ("time-left",) if self.credit == "individual" else ()

    def for_budget(self, num_updates):
        """Explore for half of the steps; start learning after a tenth if that is sooner."""
        steps = num_updates * self.num_envs * self.num_steps
        starts = min(self.learning_starts, steps // 10)
        return replace(self, exploration_steps=max(1, steps // 2), learning_starts=starts)

    def init(self, key, env, params):
        network_key, reset_key = jr.split(key)
        network = uniform_head(network_key, (env.obs_size, self.width, env.num_actions))
        memory = adam_init(ravel_pytree(network)[0])
        obs, one = jnp.zeros(env.obs_size), jnp.float32(0)
        buffer = empty_buffer(Row(obs, jnp.int32(0), one, obs, one, one), self.room(env))
        zero = jnp.zeros((), jnp.int32)
        actors = start(reset_key, env, params, self.num_envs)
        return TrainState(Learner(network, network, memory, buffer), actors, zero, zero)

    def room(self, env: Any) -> int:
        """Rows in the buffer: the value along people is learned at all times of an episode."""
        if self.credit == "stream":
            return self.capacity
        return max(self.capacity, self.num_envs * env.episode_steps)

    def policy(self, state):
        return EpsilonGreedy(state.learner.network, jnp.float32(0))

    def behaviour(self, state):
        return EpsilonGreedy(state.learner.network, self.epsilon(state.env_steps))

    def epsilon(self, env_steps: Int[Array, ""]) -> Float[Array, ""]:
        """The share of random actions after so many steps."""
        done = jnp.minimum(1.0, env_steps / self.exploration_steps)
        return self.first_epsilon + done * (self.last_epsilon - self.first_epsilon)

    def learn(self, key, env, params, state, batch):
        row_key, key = jr.split(key)
        old = state.learner
        buffer = old.buffer.add(self.rows(row_key, env, state, batch))
        # The buffer stays outside: what a conditional returns is copied.
        same = (old.network, old.target, old.memory)
        (network, target, memory), log = jax.lax.cond(
            state.env_steps >= self.learning_starts,
            lambda: self.optimise(key, same, buffer, state.env_steps),
            lambda: (same, {"loss": jnp.float32(0), "value": jnp.float32(0)}),
        )
        learner = Learner(network, target, memory, buffer)
        log["epsilon"] = self.epsilon(state.env_steps)
        log["reward"] = jnp.mean(batch.rewards[..., 0])
        return TrainState(learner, state.actors, state.update, state.env_steps), log

    def rows(self, key: PRNGKeyArray, env: Any, state: TrainState, batch: Transition) -> Row:
        """A collected batch as rows of the buffer, flat over time and worlds."""
        next_obs, continues = self._continuation(key, env, state, batch)
        rows = Row(
            obs=batch.obs,
            action=batch.action,
            reward=batch.rewards[..., 0],
            next_obs=next_obs,
            continues=continues * (1.0 - batch.terminated.astype(jnp.float32)),
            weight=batch.outcome.weight,
        )
        return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), rows)

    def _continuation(
        self, key: PRNGKeyArray, env: Any, state: TrainState, batch: Transition
    ) -> tuple[Float[Array, "T N obs"], Float[Array, "T N"]]:
        """The next state of every step, and the factor on its value."""
        if self.credit == "stream":
            next_obs = jnp.concatenate([batch.obs[1:], state.actors.obs[None]])
            return next_obs, jnp.broadcast_to(self.discount, batch.terminated.shape)
        chance, next_obs = next_rows(key, env, batch)
        return next_obs, self.visit_discount * chance

    def optimise(
        self,
        key: PRNGKeyArray,
        learned: tuple[Head, Head, AdamState],
        buffer: RingBuffer,
        env_steps: Int[Array, ""],
    ) -> tuple[tuple[Head, Head, AdamState], dict[str, Array]]:
        """Network, target and memory after the gradient steps that this update owes."""
        num_grads = self.num_envs * self.num_steps // self.train_every
        places = buffer.sample(key, (num_grads, self.batch_size))
        first = env_steps - self.num_envs * self.num_steps
        steps = first + self.train_every * (1 + jnp.arange(num_grads))
        vector, network_of = ravel_pytree(learned[0])
        target = ravel_pytree(learned[1])[0]

        def body(carry: Any, inputs: tuple[Array, Array]):
            vector, target, memory = carry
            places, step = inputs
            rows, lagging = buffer.take(places), network_of(target)
            loss = lambda vector: self.loss(network_of(vector), lagging, rows)  # noqa: E731
            grads, log = jax.grad(loss, has_aux=True)(vector)
            vector, memory = adam_step(vector, grads, memory, self.learning_rate)
            copy = step // self.target_every > (step - self.train_every) // self.target_every
            return (vector, jnp.where(copy, vector, target), memory), log

        carry = (vector, target, learned[2])
        (vector, target, memory), logs = jax.lax.scan(body, carry, (places, steps))
        learned = (network_of(vector), network_of(target), memory)
        return learned, jax.tree.map(jnp.mean, logs)

    def loss(
        self, network: Head, target: Head, rows: Row
    ) -> tuple[Float[Array, ""], dict[str, Array]]:
        """Mean squared error to r + c * max_a Q_target(s', a), and what to log."""
        goal = rows.reward + rows.continues * jnp.max(target(rows.next_obs), -1)
        values = network(rows.obs)
        value = chosen(values, rows.action)
        loss = weighted_mean((value - goal) ** 2, rows.weight)
        return loss, {"loss": loss, "value": weighted_mean(value, rows.weight)}
