"""What block-coordinate learners remember, and the policy they deploy: one agent per group."""

from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from evenhand.algorithms.parts.adam import adam_init
from evenhand.algorithms.parts.distributions import Categorical, Normal
from evenhand.algorithms.parts.episode_sums import EpisodeSums, Returns, add_rollout, mean_returns
from evenhand.algorithms.parts.group_multipliers import GroupMultipliers
from evenhand.algorithms.parts.group_networks import (
    Actor,
    Scaler,
    fresh_actor,
    fresh_critics,
    fresh_scaler,
)
from evenhand.algorithms.parts.tasks import task_shown
from evenhand.algorithms.parts.trust_region import Agent
from evenhand.core.policy import AbstractPolicy


class GroupLearner(eqx.Module):
    """Agents, what constrains them, and where the run is; leaves of `agents` lead with G."""

    agents: Agent
    scalers: Scaler
    multipliers: GroupMultipliers
    returns: Returns
    sums: EpisodeSums
    turn: Int[Array, ""]
    rollouts: Int[Array, ""]
    """Rollouts since the worlds were reset."""
    last_obs: Float[Array, "N obs"]
    """What the worlds showed when this learner left them."""
    env: Any = eqx.field(static=True, default=None)
    """The world, for what its observations say; None on the host."""

    def after_rollout(
        self, within: Bool[Array, ""], parts: int, group: Int[Array, "T N"],
        rewards: Float[Array, "T N M"], counts: Float[Array, "T N M"],
    ) -> "GroupLearner":  # fmt: skip
        """The learner after a rollout, an episode being `parts` of them.

        `within`: it went on where the one before ended. The returns are those of the latest whole
        episodes.
        """
        kept = jax.tree.map(lambda leaf: jnp.where(within, leaf, 0.0), self.sums)
        sums = add_rollout(kept, rewards, group, counts)
        rollouts = jnp.where(within, self.rollouts, 0) + 1
        done, after = rollouts % parts == 0, mean_returns(sums, self.returns)
        returns = jax.tree.map(lambda a, b: jnp.where(done, a, b), after, self.returns)
        return replace(self, returns=returns, sums=sums, rollouts=rollouts)


def fresh_agents(
    key: PRNGKeyArray, num_groups: int, obs_size: int, sizes: tuple[int, int, int, int],
    continuous: bool,
) -> tuple[Agent, Scaler]:  # fmt: skip
    """One agent and one scaler per group; sizes are (outputs, width, tasks, heads)."""
    num_out, width, num_tasks, num_heads = sizes

    def one(key: PRNGKeyArray) -> tuple[Agent, Scaler]:
        actor_key, critic_key = jr.split(key)
        actor = fresh_actor(actor_key, obs_size, num_out, width, num_heads, continuous)
        critics = fresh_critics(critic_key, obs_size, width, num_tasks)
        memories = (adam_init(ravel_pytree(net)[0]) for net in (actor, critics))
        return Agent(actor, critics, *memories), fresh_scaler(obs_size)

    return jax.vmap(one)(jr.split(key, num_groups))


def pick_group(tree: Any, z: Int[Array, ""] | int) -> Any:
    """The part of one group."""
    return jax.tree.map(lambda leaf: leaf[z], tree)


def put_group(tree: Any, z: Int[Array, ""], part: Any) -> Any:
    """The tree with one group's part replaced."""
    return jax.tree.map(lambda leaf, new: leaf.at[z].set(new), tree, part)


class GroupPolicy(AbstractPolicy):
    """Every group's own actor; which group (and task) is asked about is read off the observation.

    Leaves of `actors` and `scalers` lead with G. All groups' actors are evaluated and one is
    taken, so several worlds at once are one product of matrices.
    """

    actors: Actor
    scalers: Scaler
    reach: Any
    env: Any = eqx.field(static=True)
    num_tasks: int = eqx.field(static=True, default=0)
    """Tasks that an observation tells apart; 0: one policy serves them all."""

    def distribution(self, obs: Float[Array, " obs"]) -> Categorical | Normal:
        """The distribution of actions for one observation."""
        group = self.env.decode(obs)[0]
        task = task_shown(self.env, obs, self.num_tasks) if self.num_tasks else None
        every = jax.vmap(lambda actor, scaler: actor(scaler(obs, self.reach), task))(
            self.actors, self.scalers
        )
        mine = jax.nn.one_hot(group, every_size(every))
        return jax.tree.map(lambda leaf: jnp.sum(leaf * mine[:, None], 0), every)

    def act(self, key, obs):
        return self.distribution(obs).sample(key)

    def log_prob(self, obs, action):
        return self.distribution(obs).log_prob(action)


def every_size(every: Any) -> int:
    """Length of the leading axis."""
    return jax.tree.leaves(every)[0].shape[0]
