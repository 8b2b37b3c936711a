"""Optimal policies of finite problems by dynamic programming, each group on its own.

`weights` turns the signals into one reward: `(M,)`, or `(G, M)` for a weight per group; by
default the first signal counts and the others are only evaluated.
"""

import time

import numpy as np

from evenhand.core.solution import RESULTS, Solution
from evenhand.tabular.evaluation import expected_returns, stage_factor, state_values
from evenhand.tabular.mdp import TabularMDP


def scalar_rewards(mdp: TabularMDP, weights: np.ndarray | None = None) -> np.ndarray:
    """`(G, S, A)` reward: the signals summed with `weights`, or the first signal alone."""
    if weights is None:
        return mdp.rewards[..., 0]
    weights = np.broadcast_to(weights, (mdp.num_groups, len(mdp.signals)))
    return np.einsum("gsam,gm->gsa", mdp.rewards, weights)


def one_hot(actions: np.ndarray, num_actions: int) -> np.ndarray:
    """`(..., A)` deterministic policy that takes these actions."""
    return np.eye(num_actions)[actions]


def myopic(mdp: TabularMDP, weights: np.ndarray | None = None) -> np.ndarray:
    """`(G, S, A)` policy that takes the best immediate reward; ties go to the lower action."""
    return one_hot(scalar_rewards(mdp, weights).argmax(-1), mdp.num_actions)


def backward_induction(mdp: TabularMDP, weights: np.ndarray | None = None) -> Solution:
    """The best stage-dependent policy of a finite horizon.

    `value (G, H + 1, S)` is what remains to be earned, counted from the start of the episode:
    rewards of stage k carry P(stage k happens) times discount^k.
    """
    start = time.perf_counter()
    reward, factor = scalar_rewards(mdp, weights), stage_factor(mdp)
    groups, states, num_actions = reward.shape
    actions = np.empty((groups, len(factor), states), np.int8)
    value = np.zeros((groups, len(factor) + 1, states))
    flat = mdp.transition.reshape(groups, -1, states)
    for k in reversed(range(len(factor))):
        ahead = (flat @ value[:, k + 1, :, None]).reshape(reward.shape)
        worth = factor[k] * reward + ahead
        actions[:, k] = worth.argmax(-1)
        value[:, k] = worth.max(-1)
    policy = one_hot(actions, num_actions)
    seconds = time.perf_counter() - start
    return Solution(policy, value, expected_returns(mdp, policy), stats={"seconds": seconds})


def value_iteration(
    mdp: TabularMDP,
    weights: np.ndarray | None = None,
    tol: float = 1e-9,
    max_iterations: int = 100_000,
) -> Solution:
    """The best stationary policy under discounting, with `value (G, S)` within `tol`.

    Stops when discount / (1 - discount) times the last change is below `tol`, which bounds the
    distance to the true value.
    """
    reward, discount = scalar_rewards(mdp, weights), mdp.discount
    value, gap, iteration = reward.max(-1) * 0, np.inf, 0
    while gap > tol and iteration < max_iterations:
        worth = _look_ahead(mdp, reward, value)
        change = np.abs(worth.max(-1) - value).max()
        gap = change * discount / (1 - discount) if discount < 1 else np.inf
        value, iteration = worth.max(-1), iteration + 1
    policy = one_hot(_look_ahead(mdp, reward, value).argmax(-1), mdp.num_actions)
    result = RESULTS.successful if gap <= tol else RESULTS.iteration_limit
    J = expected_returns(mdp, policy)
    return Solution(
        policy, value, J, result=result, stats={"iterations": iteration, "gap": float(gap)}
    )


def policy_iteration(
    mdp: TabularMDP, weights: np.ndarray | None = None, max_iterations: int = 1000
) -> Solution:
    """The best stationary policy under discounting, exact up to rounding; `value` is `(G, S)`."""
    reward = scalar_rewards(mdp, weights)
    scalar = _single_signal(mdp, reward)
    actions, better, iteration = reward.argmax(-1), np.array(True), 0
    policy = value = np.empty(0)
    while better.any() and iteration < max_iterations:
        iteration += 1
        policy = one_hot(actions, mdp.num_actions)
        value = state_values(scalar, policy)[..., 0]
        worth = _look_ahead(mdp, reward, value)
        kept = np.take_along_axis(worth, actions[..., None], -1)[..., 0]
        # Only a real improvement switches an action; rounding alone would let ties cycle.
        better = worth.max(-1) > kept + 1e-12 * (1 + np.abs(kept))
        actions = np.where(better, worth.argmax(-1), actions)
    result = RESULTS.iteration_limit if better.any() else RESULTS.successful
    J = expected_returns(mdp, policy)
    return Solution(policy, value, J, result=result, stats={"iterations": iteration})


def _look_ahead(mdp: TabularMDP, reward: np.ndarray, value: np.ndarray) -> np.ndarray:
    """`(G, S, A)` immediate reward plus the discounted value of where it leads."""
    return reward + mdp.discount * np.einsum("gsan,gn->gsa", mdp.transition, value)


def _single_signal(mdp: TabularMDP, reward: np.ndarray) -> TabularMDP:
    return TabularMDP(
        mdp.transition, reward[..., None], mdp.initial, mdp.group_size, discount=mdp.discount
    )
