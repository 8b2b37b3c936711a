"""Reachable totals by column generation: a small master program over known policies.

Dantzig-Wolfe: the master mixes, per group, deterministic policies found so far; its duals price
the totals; the best policy for these prices joins the master until none would improve it. The sum
of what they could still improve is the gap, an honest bound on every policy. Columns stay valid for
every criterion and tolerance, so a whole frontier shares one pool.
"""

import numpy as np
from scipy import sparse

from evenhand.core.solution import RESULTS
from evenhand.tabular.linear_program import HighsSolver
from evenhand.tabular.master import Goal, Optimum, assemble
from evenhand.tabular.mdp import TabularMDP
from evenhand.tabular.pricing import Priced, Pricer


class ColumnReach:
    """Reachable totals as mixtures of priced policies; `tol` is the relative gap to stop at."""

    def __init__(self, mdp: TabularMDP, tol: float = 1e-8, max_rounds: int = 500) -> None:
        self.mdp, self.tol, self.max_rounds = mdp, tol, max_rounds
        self._pricer = Pricer(mdp)
        self._solver = HighsSolver()
        self._columns: list[list[Priced]] = [[] for _ in range(mdp.num_groups)]
        self.num_rounds = 0
        self._seed()

    def _seed(self) -> None:
        """Start from the extremes of every signal, so that first prices are not wild."""
        for g in range(self.mdp.num_groups):
            for m in range(len(self.mdp.signals)):
                for sign in (1.0, -1.0):
                    price = np.zeros(len(self.mdp.signals) + self.mdp.num_states)
                    price[m] = sign
                    self._add(g, self._pricer.best(g, price))

    def _add(self, group: int, column: Priced) -> None:
        known = self._columns[group]
        if not any(np.allclose(column.totals, c.totals, rtol=1e-12, atol=1e-12) for c in known):
            known.append(column)

    def maximise(self, goal: Goal) -> Optimum:
        """The optimum over mixtures of all policies, up to the gap between objective and bound."""
        bound = np.inf
        for _ in range(self.max_rounds):
            self.num_rounds += 1
            optimum, price, share = self._master(goal)
            if optimum.result is not RESULTS.successful or price is None or share is None:
                return optimum
            before = self._count()
            bound = min(bound, optimum.objective + self._improve(price, share))
            if bound - optimum.objective <= self.tol * max(1.0, abs(optimum.objective)):
                return _with_bound(optimum, bound, RESULTS.successful)
            if self._count() == before:
                break
        return _with_bound(optimum, bound, RESULTS.iteration_limit)

    def _count(self) -> int:
        return sum(len(known) for known in self._columns)

    def _improve(self, price: np.ndarray, share: np.ndarray) -> float:
        """What better policies could still add at these prices; the policies join the pool."""
        gain = 0.0
        for g in range(self.mdp.num_groups):
            column = self._pricer.best(g, price[g])
            gain += max(0.0, float(price[g] @ column.totals - share[g]))
            self._add(g, column)
        return gain

    def _master(self, goal: Goal) -> tuple[Optimum, np.ndarray | None, np.ndarray | None]:
        """The optimum over known columns, the price of every total and each group's share."""
        link = sparse.block_diag(
            [np.stack([c.totals for c in known], axis=1) for known in self._columns]
        )
        ones = sparse.block_diag([np.ones((1, len(known))) for known in self._columns])
        zero, groups = np.zeros(goal.objective.size), np.ones(self.mdp.num_groups)
        found = self._solver.solve(assemble(goal, link, zero, ones, groups), warm=False)
        if found.x is None or found.row_dual is None:
            return Optimum(found.result), None, None
        rows, size, extra = len(goal.upper), goal.objective.size, len(goal.z_cost)
        optimum = Optimum(
            result=found.result,
            objective=found.objective,
            totals=found.x[:size].reshape(goal.objective.shape),
            extra=found.x[size : size + extra],
            row_dual=found.row_dual[:rows],
            inner=found.x[size + extra :],
        )
        price = found.row_dual[rows : rows + size].reshape(goal.objective.shape)
        return optimum, price, found.row_dual[rows + size :]

    def policy(self, optimum: Optimum) -> np.ndarray:
        """`(G, H, S, A)` policy that visits exactly as the mixture of columns does."""
        if optimum.inner is None:
            raise ValueError(f"there is no policy: {optimum.result.value}")
        return mixed_policy(self.mdp, self._columns, optimum.inner)

    @property
    def stats(self) -> dict[str, int]:
        return {
            "num_solves": self._solver.num_solves,
            "num_cold_fallbacks": self._solver.num_cold_fallbacks,
            "num_rounds": self.num_rounds,
            "num_columns": self._count(),
        }


def mixed_policy(mdp: TabularMDP, columns: list[list[Priced]], share: np.ndarray) -> np.ndarray:
    """`(G, H, S, A)` policy whose occupancy is the `share`-weighted one of deterministic policies.

    Shares count over all groups' columns in order. Where nobody comes, the largest share decides.
    """
    shape = (mdp.num_groups, len(mdp.weights), mdp.num_states, mdp.num_actions)
    policy, start = np.empty(shape), 0
    for g, known in enumerate(columns):
        part = share[start : start + len(known)].clip(0)
        start += len(known)
        used = np.flatnonzero(part > 1e-13)
        actions = np.stack([known[j].actions for j in used])
        laws = _laws(mdp, g, actions) * (part[used] / part[used].sum())[:, None, None]
        for a in range(mdp.num_actions):
            policy[g, :, :, a] = np.where(actions == a, laws, 0.0).sum(0)
        mass = policy[g].sum(-1, keepdims=True)
        seen = mass > 1e-14
        fallback = np.eye(mdp.num_actions)[actions[part[used].argmax()]]
        policy[g] = np.where(seen, policy[g] / np.where(seen, mass, 1.0), fallback)
    return policy


def _laws(mdp: TabularMDP, group: int, actions: np.ndarray) -> np.ndarray:
    """`(C, H, S)` state laws of a group under each of C deterministic policies `(C, H, S)`."""
    laws = np.empty(actions.shape)
    law = np.tile(mdp.initial[group], (len(actions), 1))
    states = np.arange(mdp.num_states)
    for k in range(actions.shape[1]):
        laws[:, k] = law
        law = (law[:, None] @ mdp.transition[group][states, actions[:, k]])[:, 0]
    return laws


def _with_bound(optimum: Optimum, bound: float, result: RESULTS) -> Optimum:
    from dataclasses import replace

    return replace(optimum, bound=bound, result=result)
