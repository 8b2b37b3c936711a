"""Exact block-coordinate ascent over groups, and how far it stops from the joint optimum.

`GroupFairLP` improves all groups' policies at once. Block-coordinate methods (Song et al. 2025,
the deep algorithm) improve one group's while the others' returns stay fixed: for group z

    maximise    sum_m J_z^m
    subject to  max_{i != z} J_i^m - tolerance^m <= J_z^m <= min_{i != z} J_i^m + tolerance^m.

Every turn here is solved exactly, so what remains is the price of taking turns. The total never
falls and never exceeds the joint optimum; but the feasible set is no product of one set per group,
and the turns can end where no group can gain alone although two could together.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy import sparse

from evenhand.core.errors import InputError
from evenhand.tabular.evaluation import expected_returns, normalised, stage_factor, staged
from evenhand.tabular.group_fair_lp import per_task
from evenhand.tabular.linear_program import HighsSolver, LinearProgram
from evenhand.tabular.mdp import TabularMDP
from evenhand.tabular.occupancy_lp import flow


@dataclass(frozen=True)
class BlockAscent:
    """Where the turns ended.

    `policy (G, H, S, A)` and `J (G, M)` are the last ones; `totals` is sum J at the start and
    after every turn; `sweeps` counts turns of all groups, the last of which changed nothing
    unless `settled` is False. `excess` is by how much the gaps exceed the tolerance, 0 where
    they keep it.
    """

    policy: Float[np.ndarray, "G H S A"]
    J: Float[np.ndarray, "G M"]
    totals: list[float]
    sweeps: int
    settled: bool
    excess: float


class OneGroup:
    """The program of one group, whose return on each task must lie in an interval."""

    def __init__(self, mdp: TabularMDP, group: int) -> None:
        one = slice(group, group + 1)
        self.mdp = replace(
            mdp,
            transition=mdp.transition[one], rewards=mdp.rewards[one], initial=mdp.initial[one],
            group_size=mdp.group_size[one],
        )  # fmt: skip
        rows, self._inflow = flow(self.mdp)
        tasks = self.mdp.rewards[0].reshape(-1, len(mdp.signals)).T
        self._earned = sparse.csr_matrix(np.kron(stage_factor(mdp)[None], tasks))
        self.shape = (1, len(mdp.weights), mdp.num_states, mdp.num_actions)
        self._size, tasks_of = int(np.prod(self.shape)), len(mdp.signals)
        # One more column: by how much the widest of the intervals is exceeded.
        over = np.ones((tasks_of, 1))
        self._matrix = sparse.csc_matrix(
            sparse.vstack(
                [
                    sparse.hstack([rows, sparse.csr_matrix((rows.shape[0], 1))]),
                    sparse.hstack([self._earned, -over]),
                    sparse.hstack([self._earned, over]),
                ]
            )
        )
        self._solver = HighsSolver()

    def solve(
        self, low: Float[np.ndarray, " M"], high: Float[np.ndarray, " M"]
    ) -> tuple[Float[np.ndarray, "H S A"], float]:
        """The policy with the largest total return within the intervals, and the least excess.

        Where no policy keeps to the intervals, the largest excess over them is made as small as
        can be first.
        """
        tasks = len(low)
        none = np.full(tasks, np.inf)
        upper = np.full(self._size + 1, np.inf)
        cost = np.zeros(self._size + 1)
        cost[-1] = -1.0
        lp = LinearProgram(
            cost=cost,
            matrix=self._matrix,
            row_lower=np.concatenate([self._inflow, -none, low]),
            row_upper=np.concatenate([self._inflow, high, none]),
            lower=np.zeros(self._size + 1),
            upper=upper,
        )
        excess = float(self._solved(lp)[-1])
        upper = upper.copy()
        # A hair's breadth, so that rounding does not make the second program infeasible.
        upper[-1] = 0.0 if excess < 1e-9 else excess * (1 + 1e-9)
        total = np.append(np.asarray(self._earned.sum(0)).ravel(), 0.0)
        visits = self._solved(replace(lp, cost=total, upper=upper))[:-1]
        uniform = np.full(self.mdp.rewards.shape[:-1], 1 / self.mdp.num_actions)
        return normalised(visits.reshape(self.shape).clip(0), uniform)[0], excess

    def _solved(self, lp: LinearProgram) -> np.ndarray:
        found = self._solver.solve(lp)
        if found.x is None:
            raise RuntimeError(f"the program of one group was not solved: {found.result.value}")
        return found.x


def block_ascent(
    mdp: TabularMDP,
    tolerance: float | Float[np.ndarray, " M"],
    policy: Float[np.ndarray, "..."],
    *,
    order: tuple[int, ...] | None = None,
    most_sweeps: int = 1000,
    tol: float = 1e-7,
) -> BlockAscent:
    """Where exact turns of one group after the other lead from a policy.

    A turn that would gain less than `tol` leaves the group's policy as it is. `order` is that of
    the turns in a sweep, by default 0 to G - 1.
    """
    limits, turns = per_task(tolerance, mdp.signals), order or tuple(range(mdp.num_groups))
    if sorted(turns) != list(range(mdp.num_groups)):
        raise InputError(f"order must name each of {mdp.num_groups} groups once, got {turns}")
    if not (mdp.group_size == 1).all():
        raise InputError(f"block_ascent compares one member of each group, not {mdp.group_size}")
    programs = [OneGroup(mdp, g) for g in range(mdp.num_groups)]
    policy = staged(mdp, policy).copy()
    J = expected_returns(mdp, policy)
    totals, sweeps, changed = [float(J.sum())], 0, True
    while changed and sweeps < most_sweeps:
        changed, sweeps = False, sweeps + 1
        for g in turns:
            low, high = intervals(J, g, limits)
            found, least = programs[g].solve(low, high)
            trial = policy.copy()
            trial[g] = found
            after = expected_returns(mdp, trial)
            gain = after[g].sum() - J[g].sum()
            mends = _excess(J[g], low, high) - least
            if mends > tol or (mends > -tol and gain > tol):
                policy, J, changed = trial, after, True
            totals.append(float(J.sum()))
    return BlockAscent(policy, J, totals, sweeps, not changed, excess_of(J, limits))


def intervals(
    J: Float[np.ndarray, "G M"], group: int, limits: Float[np.ndarray, " M"]
) -> tuple[Float[np.ndarray, " M"], Float[np.ndarray, " M"]]:
    """Where a group's returns may lie, the other groups' being what they are."""
    others = np.delete(J, group, 0)
    if not len(others):
        return np.full(len(limits), -np.inf), np.full(len(limits), np.inf)
    return others.max(0) - limits, others.min(0) + limits


def excess_of(J: Float[np.ndarray, "G M"], limits: Float[np.ndarray, " M"]) -> float:
    """By how much the widest gap exceeds its tolerance; 0 where none does."""
    return float(np.max(J.max(0) - J.min(0) - limits).clip(0))


def _excess(own: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    return float(max(np.max(low - own), np.max(own - high), 0.0))
