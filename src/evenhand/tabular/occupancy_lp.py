"""Linear programs over occupancies: how often a member meets each state and takes each action."""

import time
from typing import Any

import numpy as np
from scipy import sparse

from evenhand.core.solution import Solution
from evenhand.tabular.evaluation import (
    expected_returns,
    normalised,
    stage_factor,
    visit_count_law,
)
from evenhand.tabular.group_fair_lp import GroupFairLP
from evenhand.tabular.linear_program import HighsSolver, LinearProgram
from evenhand.tabular.master import Goal, Optimum, assemble
from evenhand.tabular.mdp import TabularMDP
from evenhand.tabular.planning import myopic, scalar_rewards

__all__ = ["DirectReach", "GroupFairLP", "flow", "normalised", "solve", "totals_map"]


def solve(mdp: TabularMDP, weights: np.ndarray | None = None) -> Solution:
    """The best policy without constraints, by linear programming over occupancies.

    Finite horizons give `(G, H, S, A)` policies, discounted ones `(G, S, A)`. `weights` as in
    `planning`. `occupancy` is that of `evaluation.occupancy`; `value` has the duals of the
    flow rows per member: the state values, as in `planning`.
    """
    start = time.perf_counter()
    reward = scalar_rewards(mdp, weights)
    if mdp.horizon is None:
        matrix, inflow = _discounted_flow(mdp)
        cost, factor = (reward * mdp.group_size[:, None, None]).ravel(), np.ones(1)
        shape = reward.shape
    else:
        matrix, inflow = flow(mdp)
        factor = stage_factor(mdp)[:, None, None]
        cost = (reward[:, None] * factor * mdp.group_size[:, None, None, None]).ravel()
        shape = (mdp.num_groups, mdp.horizon, *reward.shape[1:])
    nothing = np.zeros(len(cost))
    found = HighsSolver().solve(
        LinearProgram(cost, matrix, inflow, inflow, nothing, nothing + np.inf)
    )
    if found.x is None or found.row_dual is None:
        return Solution(None, None, None, result=found.result)
    visits = found.x.reshape(shape).clip(0)
    policy = normalised(visits, myopic(mdp, weights))
    value = found.row_dual.reshape(shape[:-1])
    value = value / mdp.group_size.reshape((-1,) + (1,) * (value.ndim - 1))
    stats = {"seconds": time.perf_counter() - start}
    return Solution(policy, value, expected_returns(mdp, policy), visits * factor, stats=stats)


def flow(mdp: TabularMDP) -> tuple[Any, np.ndarray]:
    """Flow rows of a finite horizon and their right-hand side, one row per (group, stage, state).

    Variables are ordered (group, stage, state, action): the law of a stage, not yet weighted.
    """
    groups, horizon = mdp.num_groups, len(mdp.weights)
    leave = sparse.kron(sparse.identity(mdp.num_states), np.ones((1, mdp.num_actions)))
    blocks = []
    for g in range(groups):
        arrive = sparse.csr_matrix(mdp.transition[g].reshape(-1, mdp.num_states).T)
        blocks.append(
            sparse.kron(sparse.identity(horizon), leave)
            - sparse.kron(sparse.eye(horizon, k=-1), arrive)
        )
    start = np.zeros((groups, horizon, mdp.num_states))
    start[:, 0] = mdp.initial
    return sparse.block_diag(blocks, format="csc"), start.ravel()


def _discounted_flow(mdp: TabularMDP) -> tuple[Any, np.ndarray]:
    leave = np.kron(np.eye(mdp.num_states), np.ones((1, mdp.num_actions)))
    blocks = [
        leave - mdp.discount * mdp.transition[g].reshape(-1, mdp.num_states).T
        for g in range(mdp.num_groups)
    ]
    return sparse.block_diag(blocks, format="csc"), mdp.initial.ravel()


def totals_map(mdp: TabularMDP) -> tuple[Any, np.ndarray]:
    """(link, offset) with totals = offset + link @ laws, totals `(G, M + S)` flattened."""
    factor, ended = stage_factor(mdp), visit_count_law(mdp)
    blocks, offset = [], np.zeros((mdp.num_groups, len(mdp.signals) + mdp.num_states))
    for g, size in enumerate(mdp.group_size):
        signals = mdp.rewards[g].reshape(-1, len(mdp.signals)).T
        arrive = mdp.transition[g].reshape(-1, mdp.num_states).T
        earned = sparse.kron(factor[None], signals)
        landed = sparse.kron(ended[None, 1:], arrive)
        blocks.append(size * sparse.vstack([earned, landed]))
        offset[g, len(mdp.signals) :] = size * ended[0] * mdp.initial[g]
    return sparse.block_diag(blocks, format="csr"), offset.ravel()


class DirectReach:
    """Reachable totals through flow rows: one program with every stage of every group in it."""

    def __init__(self, mdp: TabularMDP) -> None:
        self.mdp = mdp
        self._flow, self._inflow = flow(mdp)
        self._link, self._offset = totals_map(mdp)
        self._solver = HighsSolver()

    def maximise(self, goal: Goal) -> Optimum:
        """The optimum of the whole program, warm-started from the one before."""
        lp = assemble(goal, self._link, self._offset, self._flow, self._inflow)
        found = self._solver.solve(lp)
        if found.x is None or found.row_dual is None:
            return Optimum(found.result)
        num_totals, num_extra = goal.objective.size, len(goal.z_cost)
        return Optimum(
            result=found.result,
            objective=found.objective,
            # Strong duality was checked by the solver, so the optimum is its own bound.
            bound=found.objective,
            totals=found.x[:num_totals].reshape(goal.objective.shape),
            extra=found.x[num_totals : num_totals + num_extra],
            row_dual=found.row_dual[: len(goal.upper)],
            inner=found.x[num_totals + num_extra :],
        )

    def policy(self, optimum: Optimum) -> np.ndarray:
        """`(G, H, S, A)` policy behind an optimum; the myopic action where nobody comes."""
        mdp = self.mdp
        shape = (mdp.num_groups, len(mdp.weights), mdp.num_states, mdp.num_actions)
        if optimum.inner is None:
            raise ValueError(f"there is no policy: {optimum.result.value}")
        return normalised(optimum.inner.reshape(shape).clip(0), myopic(mdp))

    @property
    def stats(self) -> dict[str, int]:
        return {
            "num_solves": self._solver.num_solves,
            "num_cold_fallbacks": self._solver.num_cold_fallbacks,
            "num_overturned": self._solver.num_overturned,
        }
