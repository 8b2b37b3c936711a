"""The policy epochs of one group's turn: FOCOPS's loss, or PPO's clipped one, with early stop."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int, PRNGKeyArray

from evenhand.algorithms.parts.adam import AdamState, adam_step, clip_by_norm
from evenhand.algorithms.parts.group_networks import Actor, Perceptron, task_values
from evenhand.algorithms.parts.shuffle import random_orders
from evenhand.core.errors import unknown_name

SURROGATES = ("focops", "clip")


class TurnSamples(eqx.Module):
    """Rows of one turn, flat; what they count is in `pull`, `push` and `counts`."""

    obs: Float[Array, "B obs"]
    action: Array
    task: Int[Array, " B"]
    old: Any
    """The distribution that the row was drawn from."""
    log_prob: Float[Array, " B"]
    pull: Float[Array, " B"]
    push: Float[Array, " B"]
    target: Float[Array, "B M"]
    counts: Float[Array, "B M"]

    @property
    def is_own(self) -> Float[Array, " B"]:
        """1 for the rows of the group whose turn it is."""
        return (self.pull > 0).astype(jnp.float32)


class Agent(eqx.Module):
    """What one group learns; in a learner every leaf leads with G."""

    actor: Actor
    critics: Perceptron
    actor_memory: AdamState
    critics_memory: AdamState


class TrustRegion(eqx.Module):
    """The policy epochs of a turn, and their hyperparameters."""

    surrogate: str = eqx.field(static=True, default="focops")
    """"focops", or "clip" for PPO's clipped surrogate with the weighted advantage."""
    num_epochs: int = eqx.field(static=True, default=10)
    num_minibatches: int = eqx.field(static=True, default=32)
    temperature: float = 1.5
    """lambda: the larger, the more a divergence costs."""
    kl_limit: float = 0.02
    """eta: a row whose KL exceeds it pulls no further."""
    kl_stop: float = 0.02
    """delta: no epoch follows one after which the mean KL exceeds it."""
    clip: float = 0.2
    entropy_weight: float = 0.0
    l2_weight: float = 1e-3
    max_grad_norm: float = 40.0

    def __check_init__(self):
        if self.surrogate not in SURROGATES:
            raise unknown_name("surrogate", self.surrogate, SURROGATES)

    def epochs(
        self,
        key: PRNGKeyArray,
        agent: Agent,
        samples: TurnSamples,
        actor_rate: Float[Array, ""],
        critic_rate: Float[Array, ""],
    ) -> tuple[Agent, dict[str, Array]]:
        """The agent after passes over shuffled minibatches, until the policy has moved enough.

        After an epoch at whose end the mean KL over all rows exceeds `kl_stop`, none follows. Rows
        that do not fill a minibatch are left out of their epoch.
        """
        size = samples.log_prob.shape[0]
        minibatches = min(self.num_minibatches, size)
        whole = size - size % minibatches
        orders = random_orders(key, self.num_epochs, size)[:, :whole]
        orders = orders.reshape(self.num_epochs, minibatches, -1)

        def epoch(agent: Agent, order: Array) -> tuple[Agent, Array, Array]:
            rows = jax.tree.map(lambda leaf: leaf[order], samples)
            step = lambda agent, rows: self.step(agent, rows, actor_rate, critic_rate)  # noqa: E731
            agent, errors = jax.lax.scan(step, agent, rows)
            return agent, self.mean_kl(agent.actor, samples), jnp.mean(errors)

        def body(carry: Any, order: Array) -> tuple[Any, Any]:
            stopped = carry[1] > self.kl_stop
            carry = jax.lax.cond(stopped, lambda *_: carry, epoch, agent, order)
            return carry, 1.0 - stopped.astype(jnp.float32)

        nothing = jnp.zeros(())
        (agent, kl, error), ran = jax.lax.scan(body, (agent, nothing, nothing), orders)
        return agent, {"kl": kl, "value_loss": error, "epochs": jnp.sum(ran)}

    def step(
        self, agent: Agent, rows: TurnSamples, actor_rate: Array, critic_rate: Array
    ) -> tuple[Agent, Float[Array, ""]]:
        """The agent after one minibatch, and the error of its critics."""
        vector, actor_of = ravel_pytree(agent.actor)
        grads = jax.grad(lambda vector: self.policy_loss(actor_of(vector), rows))(vector)
        grads = clip_by_norm(grads, self.max_grad_norm)
        vector, memory = adam_step(vector, grads, agent.actor_memory, actor_rate)
        values, critics_of = ravel_pytree(agent.critics)
        critic_loss = lambda values: self.critic_loss(critics_of(values), values, rows)  # noqa: E731
        error, grads = jax.value_and_grad(critic_loss)(values)
        values, critics_memory = adam_step(values, grads, agent.critics_memory, critic_rate)
        return Agent(actor_of(vector), critics_of(values), memory, critics_memory), error

    def policy_loss(self, actor: Any, rows: TurnSamples) -> Float[Array, ""]:
        """mean 1[KL <= eta] (pull KL - ratio push / lambda), or PPO's clipped surrogate.

        FOCOPS: Zhang et al. 2020, algorithm 1; KL = KL(pi || pi_old) of the row; the indicator
        has no gradient.
        """
        new = actor(rows.obs, rows.task)
        ratio = jnp.exp(new.log_prob(rows.action) - rows.log_prob)
        mine = jnp.sum(rows.is_own)
        if self.surrogate == "clip":
            near = jnp.clip(ratio, 1 - self.clip, 1 + self.clip)
            each = -jnp.minimum(ratio * rows.push, near * rows.push)
        else:
            kl = new.kl_from(rows.old)
            inside = (jax.lax.stop_gradient(kl) <= self.kl_limit).astype(jnp.float32)
            each = inside * (rows.pull * kl - ratio * rows.push / self.temperature)
        each = each - self.entropy_weight * rows.pull * new.entropy()
        return jnp.sum(each) / jnp.maximum(mine, 1.0)

    def critic_loss(
        self, critics: Perceptron, vector: Float[Array, " P"], rows: TurnSamples
    ) -> Float[Array, ""]:
        """Sum over tasks of the mean squared error, plus `l2_weight` times the squared norm."""
        errors = (task_values(critics, rows.obs) - rows.target) ** 2
        each = jnp.sum(errors * rows.counts, 0) / jnp.maximum(jnp.sum(rows.counts, 0), 1.0)
        return jnp.sum(each) + self.l2_weight * jnp.sum(vector**2)

    def mean_kl(self, actor: Actor, samples: TurnSamples) -> Float[Array, ""]:
        """Mean KL(pi || pi_old) over the rows of the turn."""
        mine = samples.is_own
        kl = actor(samples.obs, samples.task).kl_from(samples.old)
        return jnp.sum(kl * mine) / jnp.maximum(jnp.sum(mine), 1.0)
