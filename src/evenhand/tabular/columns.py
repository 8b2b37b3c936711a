"""Reachable totals by column generation: a small master program over known policies.

Dantzig-Wolfe: the master mixes, per group, deterministic policies found so far; its duals price
the totals; the best policy for these prices joins the master until none would improve it. The sum
of what they could still improve is the gap, an honest bound on every policy. Columns stay valid for
every criterion and tolerance, so a whole frontier shares one pool.
"""

from dataclasses import replace

import numpy as np

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
        self._columns: list[Priced] = []
        self._known: set[tuple[int, bytes]] = set()
        self.num_rounds = 0
        self._seed()

    def _seed(self) -> None:
        """Start from the extremes of every signal, so that first prices are not wild."""
        for g in range(self.mdp.num_groups):
            for m in range(len(self.mdp.signals)):
                for sign in (1.0, -1.0):
                    price = np.zeros(len(self.mdp.signals) + self.mdp.num_states)
                    price[m] = sign
                    self._add(self._pricer.best(g, price))

    def _add(self, column: Priced) -> None:
        """Add a column that is new; the pool only grows, so earlier shares keep their place."""
        key = (column.group, column.totals.round(9).tobytes())
        if key not in self._known:
            self._known.add(key)
            self._columns.append(column)

    def maximise(self, goal: Goal) -> Optimum:
        """The optimum over mixtures of all policies, up to the gap between objective and bound."""
        bound, optimum = np.inf, Optimum(RESULTS.iteration_limit)
        for _ in range(self.max_rounds):
            self.num_rounds += 1
            optimum, price, share = self._master(goal)
            if optimum.result is not RESULTS.successful or price is None or share is None:
                return optimum
            before = len(self._columns)
            bound = min(bound, optimum.objective + self._improve(price, share))
            if bound - optimum.objective <= self.tol * max(1.0, abs(optimum.objective)):
                return replace(optimum, bound=bound)
            if len(self._columns) == before:
                break
        return replace(optimum, bound=bound, result=RESULTS.iteration_limit)

    def _improve(self, price: np.ndarray, share: np.ndarray) -> float:
        """What better policies could still add at these prices; the policies join the pool."""
        gain = 0.0
        for g in range(self.mdp.num_groups):
            column = self._pricer.best(g, price[g])
            gain += max(0.0, float(price[g] @ column.totals - share[g]))
            self._add(column)
        return gain

    def _master(self, goal: Goal) -> tuple[Optimum, np.ndarray | None, np.ndarray | None]:
        """The optimum over known columns, the price of every total and each group's share."""
        own = np.array([column.group for column in self._columns])
        ones = (own == np.arange(self.mdp.num_groups)[:, None]).astype(float)
        totals = np.stack([column.totals for column in self._columns], axis=1)
        link = (ones[:, None] * totals).reshape(goal.objective.size, -1)
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
            "num_overturned": self._solver.num_overturned,
            "num_rounds": self.num_rounds,
            "num_columns": len(self._columns),
        }


def mixed_policy(mdp: TabularMDP, columns: list[Priced], share: np.ndarray) -> np.ndarray:
    """`(G, H, S, A)` policy with the `share`-weighted occupancy of deterministic policies.

    Where nobody comes, the policy with the largest share decides.
    """
    policy = np.empty((mdp.num_groups, len(mdp.weights), mdp.num_states, mdp.num_actions))
    for g in range(mdp.num_groups):
        used = [j for j in np.flatnonzero(share > 1e-13) if columns[j].group == g]
        part = share[used] / share[used].sum()
        actions = np.stack([columns[j].actions for j in used])
        laws = _laws(mdp, g, actions) * part[:, None, None]
        visits = np.stack(
            [np.where(actions == a, laws, 0.0).sum(0) for a in range(mdp.num_actions)], -1
        )
        mass = visits.sum(-1, keepdims=True)
        seen = mass > 1e-14
        otherwise = np.eye(mdp.num_actions)[actions[part.argmax()]]
        policy[g] = np.where(seen, visits / np.where(seen, mass, 1.0), otherwise)
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
