"""RiverSwim as an exact problem, and the policy that a cautious learner may start from."""

from dataclasses import replace

import numpy as np

from evenhand.core.errors import InputError
from evenhand.core.solution import Solution
from evenhand.data.river_swim import River, without_goals
from evenhand.tabular.evaluation import expected_returns
from evenhand.tabular.group_fair_lp import GroupFairLP
from evenhand.tabular.mdp import TabularMDP


def river_swim_mdp(river: River | None = None) -> TabularMDP:
    """The finite problem of one swimmer per group; its signals are the river's tasks."""
    river = River() if river is None else river
    groups = len(river.swimmers)
    return TabularMDP(
        transition=river.transition,
        rewards=np.broadcast_to(river.rewards, (groups, *river.rewards.shape)).copy(),
        initial=river.initial,
        group_size=np.ones(groups),
        horizon=river.horizon,
        signals=river.tasks,
    )


def oracle_initial_policy(mdp: TabularMDP, tolerance: float = 0.1) -> Solution:
    """A policy whose gaps on every task are at most `tolerance`, and that is no good on purpose.

    The paper assumes that such a policy is given (Song et al. 2025, Assumption 1). As in the
    single-task predecessor it is made by an oracle: the program over the TRUE model with the
    goals taken out of what is maximised. Gaps are still those of the true rewards. `J` has the
    true returns.
    """
    modest = replace(mdp, rewards=without_goals(mdp.rewards))
    found = GroupFairLP(modest, tolerance).solve(
        upper_rewards=mdp.rewards, lower_rewards=mdp.rewards
    )
    if found.policy is None:
        raise InputError(
            f"no policy has gaps of at most {tolerance} on every task; raise the tolerance"
        )
    return replace(found, J=expected_returns(mdp, found.policy))
