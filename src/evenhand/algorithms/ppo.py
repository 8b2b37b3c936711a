"""Proximal policy optimisation (Schulman et al. 2017) with CleanRL's choices."""

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int, PRNGKeyArray

from evenhand.algorithms.parts.adam import AdamState, adam_init, adam_step, clip_by_norm
from evenhand.algorithms.parts.gae import gae
from evenhand.algorithms.parts.network import LogitsOf, TwoHeads
from evenhand.algorithms.parts.shuffle import random_orders
from evenhand.algorithms.parts.surrogate import chosen, clipped_surrogate, clipped_value_loss
from evenhand.algorithms.parts.weighted import standardise, weighted_mean
from evenhand.core.algorithm import AbstractAlgorithm, TrainState
from evenhand.core.policy import CategoricalPolicy
from evenhand.core.rollout import Transition, start


class Learner(eqx.Module):
    """What PPO learns: both heads, and the optimiser's memory."""

    network: TwoHeads
    memory: AdamState


class Batch(eqx.Module):
    """Samples of one collected batch; learning takes them flat, one axis B over time and worlds."""

    obs: Float[Array, "*axes obs"]
    action: Int[Array, "*axes"]
    log_prob: Float[Array, "*axes"]
    value: Float[Array, "*axes"]
    advantage: Float[Array, "*axes"]
    target: Float[Array, "*axes"]
    weight: Float[Array, "*axes"]


class PPO(AbstractAlgorithm):
    """Clipped surrogate, GAE along the stream of applicants, one hidden layer of 256 tanh a head.

    Optimises the discounted reward (`signals[0]`) of the stream as it comes. Logged: losses,
    entropy, approximate KL, mean reward a step.
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
    learning_rate: float = 2.5e-4
    discount: float = 0.99
    gae_lambda: float = 0.95
    clip: float = 0.2
    entropy_weight: float = 0.01
    value_weight: float = 0.5
    max_grad_norm: float = 0.5

    def __check_init__(self):
        size = self.num_envs * self.num_steps
        if size % self.num_minibatches:
            raise ValueError(
                f"num_envs * num_steps = {size} samples do not divide into "
                f"num_minibatches={self.num_minibatches}; choose a divisor"
            )

    def for_budget(self, num_updates):
        return replace(self, anneal_updates=num_updates)

    def init(self, key, env, params):
        network_key, reset_key = jr.split(key)
        network = TwoHeads(network_key, env.obs_size, env.num_actions, self.width)
        memory = adam_init(ravel_pytree(network)[0])
        actors = start(reset_key, env, params, self.num_envs)
        zero = jnp.zeros((), jnp.int32)
        return TrainState(Learner(network, memory), actors, zero, zero)

    def policy(self, state):
        return CategoricalPolicy(LogitsOf(state.learner.network))

    def learn(self, key, state, batch):
        samples, left = self.prepare(state, batch), self._share_left(state)
        weight = self.entropy_weight * (left if self.anneal_entropy else 1.0)
        now = eqx.tree_at(lambda ppo: ppo.entropy_weight, self, weight)
        rate = jnp.asarray(self.learning_rate, jnp.float32) * left
        learner, log = now.optimise(key, state.learner, samples, rate)
        log["reward"] = jnp.mean(batch.rewards[..., 0])
        return TrainState(learner, state.actors, state.update, state.env_steps), log

    def prepare(self, state: TrainState, batch: Transition) -> Batch:
        """Samples with the values and log-probabilities of the policy that collected them."""
        network = state.learner.network
        logits, value = network(batch.obs)
        log_prob = chosen(jax.nn.log_softmax(logits), batch.action)
        last_value = network(state.actors.obs)[1]
        continues = 1.0 - batch.terminated.astype(jnp.float32)
        advantage = gae(
            batch.rewards[..., 0], continues, value, last_value, self.discount, self.gae_lambda
        )
        samples = Batch(
            batch.obs, batch.action, log_prob, value, advantage, advantage + value,
            batch.outcome.weight,
        )  # fmt: skip
        return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), samples)

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

        def body(carry: tuple[Array, AdamState], minibatch: Batch):
            vector, memory = carry
            loss = lambda vector: self.loss(network_of(vector), minibatch)  # noqa: E731
            grads, log = jax.grad(loss, has_aux=True)(vector)
            grads = clip_by_norm(grads, self.max_grad_norm)
            return adam_step(vector, grads, memory, rate, eps=1e-5), log

        (vector, memory), logs = jax.lax.scan(body, (vector, learner.memory), minibatches)
        return Learner(network_of(vector), memory), jax.tree.map(jnp.mean, logs)

    def loss(self, network: TwoHeads, batch: Batch) -> tuple[Float[Array, ""], dict[str, Array]]:
        """PPO's loss on one minibatch and what to log of it."""
        logits, value = network(batch.obs)
        log_probs = jax.nn.log_softmax(logits)
        log_prob = chosen(log_probs, batch.action)
        log_ratio = log_prob - batch.log_prob
        advantage = standardise(batch.advantage, batch.weight)
        policy_loss = clipped_surrogate(log_ratio, advantage, self.clip, batch.weight)
        reach = self.clip if self.clip_value else jnp.inf
        value_loss = clipped_value_loss(value, batch.value, batch.target, reach, batch.weight)
        entropy = -weighted_mean(jnp.sum(jnp.exp(log_probs) * log_probs, -1), batch.weight)
        loss = policy_loss - self.entropy_weight * entropy + self.value_weight * value_loss
        log = {
            "policy_loss": policy_loss,
            "value_loss": value_loss,
            "entropy": entropy,
            "approx_kl": weighted_mean(jnp.exp(log_ratio) - 1 - log_ratio, batch.weight),
        }
        return loss, log

    def _share_left(self, state: TrainState) -> Float[Array, ""]:
        """Share of the planned updates still to come; 1 where none are planned."""
        if self.anneal_updates is None:
            return jnp.ones(())
        return jnp.maximum(0.0, 1.0 - state.update / self.anneal_updates)
