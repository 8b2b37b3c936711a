"""Proximal policy optimisation (Schulman et al. 2017) with CleanRL's choices."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PRNGKeyArray

from evenhand.algorithms.parts import surrogate
from evenhand.algorithms.parts.adam import AdamState, adam_init, adam_step, clip_by_norm
from evenhand.algorithms.parts.by_person import CREDITS, personal_advantage
from evenhand.algorithms.parts.gae import gae
from evenhand.algorithms.parts.network import LogitsOf, TwoHeads
from evenhand.algorithms.parts.samples import Batch, Learner
from evenhand.algorithms.parts.shuffle import random_orders
from evenhand.algorithms.parts.term import AbstractTerm, NoTerm
from evenhand.algorithms.parts.weighted import weighted_mean
from evenhand.core.algorithm import AbstractAlgorithm, TrainState
from evenhand.core.errors import unknown_name
from evenhand.core.policy import CategoricalPolicy
from evenhand.core.rollout import Transition, start


class PPO(AbstractAlgorithm):
    """Clipped surrogate, GAE along the stream of applicants, one hidden layer of 256 tanh a head.

    Optimises the discounted reward (`signals[0]`) of the stream as it comes; with `credit`
    "individual", the sum of each person's rewards over the rest of the episode, along that
    person's own visits (`parts/by_person.py`). Methods of group fairness add a `term`. Logged:
    losses, entropy, KL from the collecting policy, mean reward a step.
    """

    num_envs: int = eqx.field(static=True, default=8)
    num_steps: int = eqx.field(static=True, default=128)
    num_epochs: int = eqx.field(static=True, default=4)
    num_minibatches: int = eqx.field(static=True, default=4)
    width: int = eqx.field(static=True, default=256)
    anneal_updates: int | None = eqx.field(static=True, default=None)
    """Learning rate falls linearly to 0 over this many updates; None: constant."""
    anneal_entropy: bool = eqx.field(static=True, default=False)
    """Whether the entropy weight falls with the learning rate: explore first, then settle."""
    clip_value: bool = eqx.field(static=True, default=True)
    """Whether the value loss is clipped too (CleanRL); slow where values are large."""
    credit: str = eqx.field(static=True, default="stream")
    learning_rate: float = 2.5e-4
    discount: float = 0.99
    visit_discount: float = 1.0
    """Takes the place of `discount`, per visit of a person, with individual credit."""
    gae_lambda: float = 0.95
    clip: float = 0.2
    entropy_weight: float = 0.01
    value_weight: float = 0.5
    max_grad_norm: float = 0.5
    kl_weight: float = 0.0
    """Weight of a penalty on the mean KL divergence of the new policy from the collecting one."""
    term: AbstractTerm = NoTerm()

    def __check_init__(self):
        if self.credit not in CREDITS:
            raise unknown_name("credit", self.credit, CREDITS)
        size = self.num_envs * self.num_steps
        if size % self.num_minibatches:
            raise ValueError(
                f"num_envs * num_steps = {size} samples do not divide into "
                f"num_minibatches={self.num_minibatches}; choose a divisor"
            )

    @property
    def reads(self):
        return (("time-left",) if self.credit == "individual" else ()) + self.term.reads

    def for_budget(self, num_updates):
        return replace(self, anneal_updates=num_updates)

    def init(self, key, env, params):
        network_key, reset_key = jr.split(key)
        network = TwoHeads(network_key, env.obs_size, env.num_actions, self.width)
        memory = adam_init(ravel_pytree(network)[0])
        actors = start(reset_key, env, params, self.num_envs)
        zero = jnp.zeros((), jnp.int32)
        # Folded in, so that the network and the worlds are those of PPO without a term.
        term = self.term.init(jr.fold_in(key, 2), env, self.width)
        return TrainState(Learner(network, memory, term), actors, zero, zero)

    def policy(self, state):
        return CategoricalPolicy(LogitsOf(state.learner.network))

    def behaviour(self, state):
        return self.term.behaviour(state.update, state.learner.term, self.policy(state))

    def learn(self, key, env, params, state, batch):
        prepare_key, shuffle_key = jr.split(key)
        term, samples = self.prepare(prepare_key, env, state, batch)
        left = self._share_left(state)
        weight = self.entropy_weight * (left if self.anneal_entropy else 1.0)
        now = eqx.tree_at(lambda ppo: ppo.entropy_weight, self, weight)
        rate = jnp.asarray(self.learning_rate, jnp.float32) * left
        learner = Learner(state.learner.network, state.learner.memory, term)
        learner, log = now.optimise(shuffle_key, learner, samples, rate)
        log["reward"] = jnp.mean(batch.rewards[..., 0])
        return TrainState(learner, state.actors, state.update, state.env_steps), log

    def prepare(
        self, key: PRNGKeyArray, env: Any, state: TrainState, batch: Transition
    ) -> tuple[Any, Batch]:
        """The term's memory, and samples with values and log-probabilities as collected."""
        network, term = state.learner.network, state.learner.term
        logits, value = network(batch.obs)
        log_probs = jax.nn.log_softmax(logits)
        log_prob = surrogate.chosen(log_probs, batch.action)

        def credit(rewards: Array, value: Callable[[Array], Array]) -> Array:
            return self.advantages(key, env, state, batch, rewards, value)

        advantage = credit(self.term.reward(env, batch), lambda obs: network(obs)[1])
        term, columns = self.term.prepare(env, term, batch, state.actors, credit)
        samples = Batch(
            batch.obs, batch.action, log_prob, log_probs, value, advantage, advantage + value,
            batch.outcome.weight, batch.outcome.group, columns,
        )  # fmt: skip
        return term, jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), samples)

    def advantages(
        self,
        key: PRNGKeyArray,
        env: Any,
        state: TrainState,
        batch: Transition,
        rewards: Float[Array, "T N *X"],
        value: Callable[[Array], Array],
    ) -> Float[Array, "T N *X"]:
        """Advantages of rewards for a value function, along the stream or along people."""
        last_obs = state.actors.obs
        if self.credit == "individual":
            return personal_advantage(
                key, env, batch, last_obs, rewards, value, self.visit_discount, self.gae_lambda
            )
        continues = 1.0 - batch.terminated.astype(jnp.float32)
        return gae(
            rewards, continues, value(batch.obs), value(last_obs), self.discount, self.gae_lambda
        )

    def optimise(
        self, key: PRNGKeyArray, learner: Learner, samples: Batch, rate: Float[Array, ""]
    ) -> tuple[Learner, dict[str, Array]]:
        """The learner after `num_epochs` passes over freshly shuffled minibatches."""
        size = samples.action.shape[0]
        orders = random_orders(key, self.num_epochs, size)
        minibatches = jax.tree.map(
            lambda x: x[orders.reshape(self.num_epochs * self.num_minibatches, -1)], samples
        )
        # One long vector of parameters: a step of Adam is one loop instead of eight.
        vector, network_of = ravel_pytree(learner.network)

        def body(carry: tuple[Array, AdamState, Any], minibatch: Batch):
            vector, memory, term = carry
            loss = lambda vector: self.loss(network_of(vector), minibatch, term)  # noqa: E731
            grads, log = jax.grad(loss, has_aux=True)(vector)
            grads = clip_by_norm(grads, self.max_grad_norm)
            vector, memory = adam_step(vector, grads, memory, rate, eps=1e-5)
            return (vector, memory, self.term.fit(term, minibatch, rate)), log

        carry = (vector, learner.memory, learner.term)
        (vector, memory, term), logs = jax.lax.scan(body, carry, minibatches)
        return Learner(network_of(vector), memory, term), jax.tree.map(jnp.mean, logs)

    def loss(
        self, network: TwoHeads, batch: Batch, term: Any = None
    ) -> tuple[Float[Array, ""], dict[str, Array]]:
        """PPO's loss on one minibatch and what to log of it."""
        logits, value = network(batch.obs)
        log_probs = jax.nn.log_softmax(logits)
        log_prob = surrogate.chosen(log_probs, batch.action)
        log_ratio = log_prob - batch.log_prob
        advantage = self.term.advantage(term, batch)
        policy_loss = surrogate.clipped_surrogate(log_ratio, advantage, self.clip, batch.weight)
        reach = self.clip if self.clip_value else jnp.inf
        errors = (value, batch.value, batch.target, reach, batch.weight)
        value_loss = surrogate.clipped_value_loss(*errors)
        entropy = -weighted_mean(jnp.sum(jnp.exp(log_probs) * log_probs, -1), batch.weight)
        loss = policy_loss - self.entropy_weight * entropy + self.value_weight * value_loss
        kl = weighted_mean(surrogate.kl_divergence(batch.log_probs, log_probs), batch.weight)
        loss += self.kl_weight * kl + self.term.penalty(term, batch, log_probs, log_ratio)
        log = {"policy_loss": policy_loss, "value_loss": value_loss}
        return loss, log | {"entropy": entropy, "kl": kl}

    def _share_left(self, state: TrainState) -> Float[Array, ""]:
        """Share of the planned updates still to come; 1 where none are planned."""
        if self.anneal_updates is None:
            return jnp.ones(())
        return jnp.maximum(0.0, 1.0 - state.update / self.anneal_updates)
