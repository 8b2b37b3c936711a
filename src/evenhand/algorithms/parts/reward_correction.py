"""The reward, corrected so that matched people of all groups earn a policy the same."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from evenhand.algorithms.parts.bisimulation import Samples, reward_gap
from evenhand.algorithms.parts.fitted import Fitted, fit, fitted
from evenhand.algorithms.parts.network import Head, orthogonal_head
from evenhand.algorithms.parts.quantiles import Bins
from evenhand.algorithms.parts.surrogate import chosen
from evenhand.core.environment import AbstractEnvironment
from evenhand.core.rollout import Transition


class RewardCorrection(eqx.Module):
    """r + alpha * R_phi(s, a, g): a network with one tanh output per action, at first 0.

    J_rew alone is minimal where the correction cancels the reward, and it moves every action by its
    probability: what a policy does most to a group that earns less is rewarded, refusals too. With
    an alpha that is no longer small a learner may come to refuse almost everybody.
    """

    reward_updates: int = eqx.field(static=True, default=20)
    reward_width: int = eqx.field(static=True, default=256)
    alpha: float = 0.1
    reward_rate: float = 1e-3

    def init(self, key: PRNGKeyArray, env: AbstractEnvironment) -> Fitted:
        """The correction that changes nothing."""
        sizes = (env.obs_size + env.num_groups, self.reward_width, env.num_actions)
        return fitted(orthogonal_head(key, sizes, 0.0))

    def change(
        self, network: Head, obs: Float[Array, "*B obs"], group: Int[Array, "*B"], num_groups: int
    ) -> Float[Array, "*B A"]:
        """alpha * R_phi(s, a, g) of every action, within -alpha and alpha."""
        seen = jnp.concatenate([obs, jax.nn.one_hot(group, num_groups)], -1)
        return self.alpha * jnp.tanh(network(seen))

    def corrected(self, network: Head, batch: Transition, num_groups: int) -> Float[Array, "T N"]:
        """The rewards of a batch with the correction of the actions taken."""
        change = self.change(network, batch.obs, batch.outcome.group, num_groups)
        return batch.rewards[..., 0] + chosen(change, batch.action) * batch.outcome.weight

    def gap(
        self, network: Head, samples: Samples, probs: Float[Array, "n A"], bins: Bins
    ) -> Float[Array, ""]:
        """J_rew of r + alpha * sum_a pi(a|s) R_phi(s, a, g)."""
        change = self.change(network, samples.obs, samples.group, bins.count.shape[0])
        return reward_gap(samples.reward + jnp.sum(probs * change, -1), bins)

    def fit(
        self, before: Fitted, samples: Samples, probs: Float[Array, "n A"], bins: Bins
    ) -> tuple[Fitted, dict[str, Array]]:
        """The correction after Adam's steps down J_rew, and J_rew before and after."""

        def gap(network: Head, _: None = None) -> Float[Array, ""]:
            return self.gap(network, samples, probs, bins)

        after = fit(before, gap, None, self.reward_updates, self.reward_rate)
        log = {"J_rew_before": gap(before.network), "J_rew_after": gap(after.network)}
        return after, log
