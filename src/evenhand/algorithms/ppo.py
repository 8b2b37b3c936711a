"""Proximal policy optimisation (Schulman et al. 2017) with CleanRL's choices."""

from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from evenhand.algorithms.parts.gae import gae
from evenhand.algorithms.parts.network import LogitsOf, TwoHeads
from evenhand.algorithms.parts.surrogate import clipped_surrogate, clipped_value_loss
from evenhand.algorithms.parts.weighted import standardise, weighted_mean
from evenhand.core.algorithm import AbstractAlgorithm, TrainState
from evenhand.core.policy import CategoricalPolicy
from evenhand.core.rollout import Transition, start


class Learner(eqx.Module):
    network: TwoHeads
    opt_state: Any


class Batch(eqx.Module):
    """Samples of one collected batch, flat over time and worlds."""

    obs: Float[Array, "B obs"]
    action: Int[Array, " B"]
    log_prob: Float[Array, " B"]
    value: Float[Array, " B"]
    advantage: Float[Array, " B"]
    target: Float[Array, " B"]
    weight: Float[Array, " B"]


class PPO(AbstractAlgorithm):
    """Clipped surrogate, GAE along the stream of applicants, one hidden layer of 256 tanh a head.

    Optimises the discounted reward (`signals[0]`) of the stream as it comes. Logged: losses,
    entropy, approximate KL, clipped share, mean reward a step.
    """

    num_envs: int = eqx.field(static=True, default=8)
    num_steps: int = eqx.field(static=True, default=128)
    num_epochs: int = eqx.field(static=True, default=4)
    num_minibatches: int = eqx.field(static=True, default=4)
    width: int = eqx.field(static=True, default=256)
    anneal_updates: int | None = eqx.field(static=True, default=None)
    """Learning rate falls linearly to 0 over this many updates; None: constant."""
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
        opt_state = self._optimiser().init(eqx.filter(network, eqx.is_array))
        actors = start(reset_key, env, params, self.num_envs)
        zero = jnp.zeros((), jnp.int32)
        return TrainState(Learner(network, opt_state), actors, zero, zero)

    def policy(self, state):
        return CategoricalPolicy(LogitsOf(state.learner.network))

    def learn(self, key, state, batch):
        samples = self.prepare(state, batch)
        learner, log = self.optimise(key, state.learner, samples, self._rate(state))
        log["reward"] = jnp.mean(batch.rewards[..., 0])
        return TrainState(learner, state.actors, state.update, state.env_steps), log

    def prepare(self, state: TrainState, batch: Transition) -> Batch:
        """Samples with the values and log-probabilities of the policy that collected them."""
        network = state.learner.network
        logits, value = network(batch.obs)
        log_prob = jnp.take_along_axis(jax.nn.log_softmax(logits), batch.action[..., None], -1)[
            ..., 0
        ]
        last_value = network(state.actors.obs)[1]
        continues = 1.0 - batch.terminated.astype(jnp.float32)
        advantage = gae(
            batch.rewards[..., 0], continues, value, last_value, self.discount, self.gae_lambda
        )
        over_time = (
            batch.obs, batch.action, log_prob, value, advantage, advantage + value,
            batch.outcome.weight,
        )  # fmt: skip
        return Batch(*(x.reshape(-1, *x.shape[2:]) for x in over_time))

    def optimise(
        self, key: PRNGKeyArray, learner: Learner, samples: Batch, rate: Float[Array, ""]
    ) -> tuple[Learner, dict[str, Array]]:
        """The learner after `num_epochs` passes over freshly shuffled minibatches."""
        size = samples.action.shape[0]
        minibatches = self.orders(key, size).reshape(self.num_epochs * self.num_minibatches, -1)
        optimiser = self._optimiser()

        def body(learner: Learner, indices: Array):
            minibatch = jax.tree.map(lambda x: x[indices], samples)
            grads, log = jax.grad(self.loss, has_aux=True)(learner.network, minibatch)
            # optax raises floats to an integer count, which strict promotion would refuse.
            with jax.numpy_dtype_promotion("standard"):
                updates, opt_state = optimiser.update(grads, learner.opt_state)
            updates = jax.tree.map(lambda u: -rate * u, updates)
            return Learner(eqx.apply_updates(learner.network, updates), opt_state), log

        learner, logs = jax.lax.scan(body, learner, minibatches)
        return learner, jax.tree.map(jnp.mean, logs)

    def orders(self, key: PRNGKeyArray, size: int) -> Int[Array, "epochs B"]:
        """A fresh order of the samples for every epoch."""
        return jax.vmap(lambda k: jr.permutation(k, size))(jr.split(key, self.num_epochs))

    def loss(self, network: TwoHeads, batch: Batch) -> tuple[Float[Array, ""], dict[str, Array]]:
        """PPO's loss on one minibatch and what to log of it."""
        logits, value = network(batch.obs)
        log_probs = jax.nn.log_softmax(logits)
        log_prob = jnp.take_along_axis(log_probs, batch.action[:, None], -1)[:, 0]
        log_ratio = log_prob - batch.log_prob
        advantage = standardise(batch.advantage, batch.weight)
        policy_loss = clipped_surrogate(log_ratio, advantage, self.clip, batch.weight)
        value_loss = clipped_value_loss(value, batch.value, batch.target, self.clip, batch.weight)
        entropy = -weighted_mean(jnp.sum(jnp.exp(log_probs) * log_probs, -1), batch.weight)
        loss = policy_loss - self.entropy_weight * entropy + self.value_weight * value_loss
        log = {
            "policy_loss": policy_loss,
            "value_loss": value_loss,
            "entropy": entropy,
            "approx_kl": weighted_mean(jnp.exp(log_ratio) - 1 - log_ratio, batch.weight),
        }
        return loss, log

    def _rate(self, state: TrainState) -> Float[Array, ""]:
        rate = jnp.asarray(self.learning_rate, jnp.float32)
        if self.anneal_updates is None:
            return rate
        return rate * jnp.maximum(0.0, 1.0 - state.update / self.anneal_updates)

    def _optimiser(self) -> optax.GradientTransformation:
        return optax.chain(
            optax.clip_by_global_norm(self.max_grad_norm), optax.scale_by_adam(eps=1e-5)
        )
