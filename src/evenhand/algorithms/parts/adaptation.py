"""Changing reward and observation for the policy as it is: steps 1 to 3 of Bisimulator."""

from typing import Any

import equinox as eqx
import jax
import jax.random as jr
from jaxtyping import PRNGKeyArray

from evenhand.algorithms.parts.bisimulation import Samples, action_probs, collect_samples
from evenhand.algorithms.parts.fitted import Fitted
from evenhand.algorithms.parts.observation_search import AbstractSearch
from evenhand.algorithms.parts.reward_correction import RewardCorrection


class Adapted(eqx.Module):
    """The correction R_phi, and what the search remembers, omega among it."""

    correction: Fitted
    search: Any


class Adaptation(eqx.Module):
    """How reward and observation follow a policy; whoever trains the policy is not asked.

    Data are what the policy does in `dataset_envs` fresh worlds, for `dataset_steps` in each.
    """

    correction: RewardCorrection
    search: AbstractSearch
    dataset_envs: int = eqx.field(static=True)
    dataset_steps: int = eqx.field(static=True)

    @property
    def data_steps(self) -> int:
        """Environment steps in the data sets of one adaptation."""
        return self.search.num_sets * self.dataset_envs * self.dataset_steps

    def init(self, key: PRNGKeyArray, env: Any, params: Any) -> Adapted:
        """The reward as it is and the observation as it is."""
        correction_key, search_key = jr.split(jr.fold_in(key, 3))
        correction = self.correction.init(correction_key, env)
        return Adapted(correction, self.search.init(search_key, env, params))

    def adapt(
        self, key: PRNGKeyArray, env: Any, params: Any, policy: Any, before: Adapted
    ) -> tuple[Adapted, dict[str, jax.Array]]:
        """Both, changed for a policy in the world of these params; and what to log."""

        def collect(key: PRNGKeyArray, params: Any) -> Samples:
            sizes = self.dataset_envs, self.dataset_steps
            return collect_samples(key, env, params, policy, *sizes)

        # J_rew's data are the incumbent's, so it does not matter that the search comes first.
        shown = self.search.deployed(before.search, params)
        search, samples, bins, searched = self.search.search(
            key, env, shown, before.search, collect
        )
        probs = action_probs(policy, samples.obs, env.num_actions)
        correction, log = self.correction.fit(before.correction, samples, probs, bins)
        return Adapted(correction, search), log | searched
