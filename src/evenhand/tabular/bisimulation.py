"""How differently two people's futures look under a policy: the group bisimulation metric.

The distance between (state, group) pairs is the fixed point of equation 5 of "Fairness in
Reinforcement Learning with Bisimulation Metrics" (arXiv 2412.17123),

    d(x, y) = |R(x) - R(y)| + discount * W1(d)(tau(. | x), tau(. | y)),

with the policy's expected reward R and transition law tau of each pair, and W1(d) the cheapest
coupling of two laws when moving mass from u to v costs d(u, v). It bounds the difference of the
pairs' values (theorem 2). Couplings are found exactly; nothing is smoothed or sampled.
"""

import time
from typing import Any

import numpy as np

from evenhand.core.solution import RESULTS, Solution
from evenhand.tabular.bisimulation_checks import (
    require_discount,
    require_policy,
    require_signal,
    require_tol,
)
from evenhand.tabular.coupling import Couplings
from evenhand.tabular.evaluation import under
from evenhand.tabular.mdp import TabularMDP


def group_bisimulation_metric(
    mdp: TabularMDP,
    policy: np.ndarray,
    discount: float,
    tol: float = 1e-6,
    signal: int = 0,
    max_iterations: int = 100,
) -> Solution:
    """The distances of all (group, state) pairs under a stationary policy `(G, S, A)`.

    `value (G * S, G * S)` has state s of group g at g * S + s, and no entry is further than
    `stats["error_bound"]` from the fixed point; the result is successful where that is at most
    `tol`. It is ||F(d) - d|| / (1 - discount) with F the right side of the equation above
    (`stats["residual"]`), allowing for what rounding and the last reduced costs can hide. The
    discount is the argument, not the model's; `signal` is the reward's index. Memory grows with
    (G S)^2 / 2 problems of up to (2 S)^2 bytes.

    Like policy iteration: hold one coupling for each pair and solve the linear equations for d,
    then make every coupling optimal for that d. The distances fall from sweep to sweep.
    """
    start = time.perf_counter()
    require_policy(mdp, policy)
    require_discount(discount)
    require_tol(tol)
    require_signal(mdp, signal)
    order, law, reward = _line_up(mdp, policy, discount, signal)
    couplings = Couplings(law)
    gap = np.abs(reward[couplings.first] - reward[couplings.second])
    distance, stats = _improve(couplings, gap, discount, tol, max_iterations)
    value = np.empty_like(law)
    value[np.ix_(order, order)] = couplings.square(distance)
    stats["seconds"] = time.perf_counter() - start
    solved = stats["error_bound"] <= tol
    result = RESULTS.successful if solved else RESULTS.iteration_limit
    return Solution(policy, value, None, result=result, stats=stats)


def _improve(
    couplings: Couplings, gap: np.ndarray, discount: float, tol: float, max_iterations: int
) -> tuple[np.ndarray, dict[str, Any]]:
    """Distance of each pair, within `tol` if that can be had, and its certificate."""
    bound, iterations, pivots, distance, residual = np.inf, 0, 1, gap, np.inf
    share = tol * (1 - discount) / 4
    # Without a pivot the next sweep would be this one again.
    while bound > tol and pivots and iterations < max_iterations:
        iterations += 1
        distance = couplings.settle(gap, discount, distance, share)
        pivots = couplings.reoptimise(distance, share)
        target = gap + discount * couplings.cost(distance)
        slack = discount * couplings.uncertainty(distance)
        residual = float(np.abs(target - distance).max(initial=0.0) + slack)
        bound = residual / (1 - discount)
    return distance, {"iterations": iterations, "residual": residual, "error_bound": bound}


def _line_up(
    mdp: TabularMDP, policy: np.ndarray, discount: float, signal: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions in order of value, and each one's law of successors and reward in that order.

    Couplings start monotone in this order, which would be optimal if d were the difference of
    the values.
    """
    move, rewards = under(mdp, policy)
    groups, states, _ = move.shape
    law = np.zeros((groups, states, groups, states))
    each = np.arange(groups)
    law[each, :, each] = np.maximum(move, 0)
    law = law.reshape(groups * states, -1)
    law /= law.sum(1, keepdims=True)
    reward = rewards[..., signal].reshape(-1)
    value = np.linalg.solve(np.eye(len(law)) - discount * law, reward)
    order = np.argsort(value, kind="stable")
    return order, law[np.ix_(order, order)], reward[order]
