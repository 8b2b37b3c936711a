"""What a method adds to PPO; with its weights at zero, PPO is what remains."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from evenhand.algorithms.parts.weighted import standardise
from evenhand.core.environment import AbstractEnvironment
from evenhand.core.policy import AbstractPolicy
from evenhand.core.rollout import Actors, Transition

# Advantages of rewards (T, N, *X) for a value function: `credit(rewards, value)`.
Credit = Callable[[Float[Array, "T N *X"], Callable[[Array], Array]], Float[Array, "T N *X"]]


class AbstractTerm(eqx.Module):
    """One addition to PPO, as up to six parts; a part that is not written adds nothing.

    In the order in which PPO calls them. `memory` is what the term learns or remembers (critics,
    multipliers), kept in the learner's state.
    """

    @property
    def reads(self) -> tuple[str, ...]:
        """Features that the world must show."""
        return ()

    def init(self, key: PRNGKeyArray, env: AbstractEnvironment, width: int) -> Any:
        """The memory of a fresh run; `width` is that of PPO's hidden layers."""
        return None

    def behaviour(self, env_update: Any, memory: Any, policy: AbstractPolicy) -> AbstractPolicy:
        """The policy that collects experience at this update; the deployed one is PPO's own."""
        return policy

    def reward(self, env: Any, batch: Transition) -> Float[Array, "T N"]:
        """The reward that PPO credits."""
        return batch.rewards[..., 0]

    def prepare(
        self, env: Any, memory: Any, batch: Transition, actors: Actors, credit: Credit
    ) -> tuple[Any, Any]:
        """The memory after seeing a batch, and columns (leaves (T, N, ...)) for its samples."""
        return memory, None

    def advantage(self, memory: Any, samples: Any) -> Float[Array, " B"]:
        """The advantage that a minibatch's surrogate uses, from `samples.advantage`."""
        return standardise(samples.advantage, samples.weight)

    def penalty(
        self, memory: Any, samples: Any, log_probs: Float[Array, "B A"], log_ratio: Array
    ) -> Float[Array, ""]:
        """What is added to the loss of a minibatch; gradients flow through `log_probs`."""
        return jnp.zeros(())

    def fit(self, memory: Any, samples: Any, rate: Float[Array, ""]) -> Any:
        """The memory after a gradient step of its own on a minibatch."""
        return memory


class NoTerm(AbstractTerm):
    """Adds nothing: plain PPO."""
