"""How observations become decisions."""

from abc import abstractmethod
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray, Shaped


class AbstractPolicy(eqx.Module):
    """A distribution over actions for every observation."""

    @abstractmethod
    def act(self, key: PRNGKeyArray, obs: Float[Array, " obs"]) -> Shaped[Array, "..."]:
        """An action drawn for this observation."""

    @abstractmethod
    def log_prob(self, obs: Float[Array, " obs"], action: Shaped[Array, "..."]) -> Float[Array, ""]:
        """Log-probability (or log-density) of an action."""


def sample_categorical(key: PRNGKeyArray, logits: Float[Array, " A"]) -> Int[Array, ""]:
    """An index drawn by its softmax probability, by inverse CDF: one uniform, no Gumbel noise.

    Policies that share a key are thereby coupled: they act differently only where they must.
    """
    reach = jnp.cumsum(jax.nn.softmax(logits))
    draw = jr.uniform(key) * reach[-1]
    return jnp.minimum(jnp.sum(draw >= reach), logits.shape[0] - 1).astype(jnp.int32)


class CategoricalPolicy(AbstractPolicy):
    """`network(obs)` gives the logits `(A,)`; `greedy` takes the most probable action."""

    network: Any
    greedy: bool = eqx.field(static=True, default=False)

    def act(self, key, obs):
        logits = self.network(obs)
        if self.greedy:
            return jnp.argmax(logits).astype(jnp.int32)
        return sample_categorical(key, logits)

    def log_prob(self, obs, action):
        return jax.nn.log_softmax(self.network(obs))[action]


class GaussianPolicy(AbstractPolicy):
    """`network(obs)` gives the mean `(action_size,)`; the log standard deviation is shared."""

    network: Any
    log_std: Float[Array, " action_size"]

    def act(self, key, obs):
        mean = self.network(obs)
        return mean + jnp.exp(self.log_std) * jr.normal(key, mean.shape)

    def log_prob(self, obs, action):
        scaled = (action - self.network(obs)) / jnp.exp(self.log_std)
        return jnp.sum(-0.5 * scaled**2 - self.log_std - 0.5 * jnp.log(2 * jnp.pi))


class TabularPolicy(AbstractPolicy):
    """P(action) from a table `(G, S, A)` over what `env.decode` reads off the observation."""

    table: Float[Array, "G S A"]
    env: Any = eqx.field(static=True)

    def act(self, key, obs):
        group, level = self.env.decode(obs)
        reach = jnp.cumsum(self.table[group, level])
        last = self.table.shape[-1] - 1
        return jnp.minimum(jnp.sum(jr.uniform(key) >= reach), last).astype(jnp.int32)

    def log_prob(self, obs, action):
        group, level = self.env.decode(obs)
        return jnp.log(self.table[group, level, action])


def threshold_policy(env: Any, levels: Any) -> TabularPolicy:
    """Approve from a level up: `levels` is one level for all groups or one per group.

    A fractional level randomises: 2.25 approves level 2 with probability .75 and all above.
    """
    # numpy unless the levels are traced: jnp compiles a small program for every line.
    xp = jnp if isinstance(levels, jax.Array) else np
    cut = xp.broadcast_to(xp.asarray(levels, xp.float32), (env.num_groups,))
    level = xp.arange(env.num_levels, dtype=xp.float32)
    approve = xp.clip(level[None, :] + 1.0 - cut[:, None], 0.0, 1.0)
    return TabularPolicy(jnp.asarray(xp.stack([1 - approve, approve], -1)), env)


def constant_policy(env: Any, approve: float) -> TabularPolicy:
    """Approve everybody with the same probability: 1 approves all, 0 denies all."""
    share = np.full((env.num_groups, env.num_levels), approve, np.float32)
    return TabularPolicy(jnp.asarray(np.stack([1 - share, share], -1)), env)
