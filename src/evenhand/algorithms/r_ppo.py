"""R-PPO: PPO on a reward that pays for the gap of true positive rates (Yu et al. 2022)."""

from typing import Any

import jax.numpy as jnp

from evenhand.algorithms.parts.term import AbstractTerm
from evenhand.algorithms.ppo import PPO
from evenhand.core.environment import signal_index


class RewardPenalty(AbstractTerm):
    """The reward minus `gap_weight` * Delta wherever Delta >= `slack`.

    Delta is the largest difference between two groups' true positive rates of the episode so far,
    after the decision. **Optimises** the expected discounted sum of r - zeta Delta 1[Delta >=
    omega]: a penalty on what happens in each episode, so ESR. **Assumes** that labels of the
    rejected are known, and that the reward is of the size of 1: zeta is 2 for lending; the authors
    take 10 for attention allocation and 0.1 for infectious disease control, which are not shipped
    here. With credit="individual" the penalty is summed over a person's own visits only, although
    everybody's decisions move Delta. **Logged**: what PPO logs; `reward` is the world's, without
    the penalty. **Source**: Yu et al. 2022, the baseline R-PPO, as in the authors' code.
    **Deviations**: the largest pairwise difference where there are more than two groups.
    """

    gap_weight: float = 2.0
    slack: float = 0.005

    @property
    def reads(self):
        return ("running-rates",)

    def reward(self, env, batch):
        gap = batch.rewards[..., signal_index(env, "tpr_gap")]
        paid = jnp.where(gap >= self.slack, self.gap_weight * gap, 0.0)
        return batch.rewards[..., 0] - paid


def r_ppo(**options: Any) -> PPO:
    """PPO with the gap of running rates taken off its reward; `options` are PPO's fields."""
    chosen: dict[str, Any] = {"term": RewardPenalty()} | options
    return PPO(**chosen)
