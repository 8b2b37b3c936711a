"""The best policies, one per group, whose returns on every task differ by at most a tolerance.

One linear program over occupancy measures: variables d_z(h, s, a), a block per group z, shared by
all tasks m. Multi-task group fairness of Song et al., "Group Fairness in Multi-Task Reinforcement
Learning" (arXiv 2503.07817), the optimisation problem of its section on the setting and the
program that its tabular algorithm solves in every episode:

    maximise    sum_z sum_h d_z(h) . (sum_m r^m + bonus_z)
    subject to  d_z flows through the model of group z, from its initial distribution,
                d_i . upper_i^m - d_j . lower_j^m <= tolerance^m    for every task m, i != j.

|J_i - J_j| <= tolerance is the two rows (i, j) and (j, i), M G (G - 1) rows in all. With `upper` =
`lower` = r they bound the gap itself; with optimistic and pessimistic rewards they bound it for
every model that the data allow.
"""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from evenhand.core.errors import InputError, unknown_name
from evenhand.core.solution import Solution
from evenhand.tabular.evaluation import normalised
from evenhand.tabular.group_program import Coupling, GroupProgram
from evenhand.tabular.linear_program import HighsSolver, LPSolution
from evenhand.tabular.mdp import TabularMDP

OBJECTIVES = ("total", "worst-group")
# Every state counts as a successor, at twelve bytes an entry, and HiGHS keeps a copy.
_MOST_ENTRIES = 20_000_000


class GroupFairLP:
    """The program for one world, solved again and again for changing models and rewards.

    `tolerance` is one number or one per task; inf leaves a task without rows, so the single-task
    baseline is `[1.1, inf]`. `maximise` is "total", or "worst-group": the smallest return of any
    group on any task (`lower` rewards), and among such policies the largest total. Every solve
    starts from the last basis and is checked; a failed check costs one cold solve.
    """

    def __init__(
        self,
        mdp: TabularMDP,
        tolerance: float | Sequence[float] | Float[np.ndarray, " M"] = np.inf,
        maximise: str = "total",
    ) -> None:
        _check(mdp, maximise)
        self.mdp, self.maximise = mdp, maximise
        self.tolerance = per_task(tolerance, mdp.signals)
        self._worst = maximise == "worst-group"
        self._gaps = gap_rows(self.tolerance, mdp.num_groups)
        floors = floor_rows(mdp) if self._worst else []
        self._program = GroupProgram(mdp, self._gaps + floors, extra=self._worst)
        self.solver = HighsSolver()

    @property
    def num_fairness_rows(self) -> int:
        return len(self._gaps)

    def solve(
        self,
        transition: Float[np.ndarray, "G S A S"] | None = None,
        upper_rewards: Float[np.ndarray, "G S A M"] | None = None,
        lower_rewards: Float[np.ndarray, "G S A M"] | None = None,
        bonus: Float[np.ndarray, "G S A"] | None = None,
    ) -> Solution:
        """The best policies under this model; whatever is not given is the world's own.

        `bonus` is added to the sum of the world's own rewards in the objective. `policy (G, H, S,
        A)` takes uniform actions where a state has no mass. `J` holds the policy's returns of the
        world's own rewards in the model that was passed, not in the true one. `value (G, H, S)`
        has the duals of the flow rows. In `stats`, `prices (M, G, G)` has the price of row
        (task, i, j): what one more unit of that tolerance adds to the objective.
        """
        start = time.perf_counter()
        mdp = self.mdp
        transition = mdp.transition if transition is None else transition
        upper = mdp.rewards if upper_rewards is None else upper_rewards
        lower = mdp.rewards if lower_rewards is None else lower_rewards
        _check_shapes(mdp, transition=transition, upper_rewards=upper, lower_rewards=lower)
        reward = mdp.rewards.sum(-1)
        if bonus is not None:
            _check_shapes(mdp, bonus=bonus)
            reward = reward + bonus
        self._program.write(transition, upper, lower)
        found, iterations = self._optimum(reward)
        stats: dict[str, Any] = {
            "iterations": iterations,
            "num_solves": self.solver.num_solves,
            "num_cold_fallbacks": self.solver.num_cold_fallbacks,
            "num_overturned": self.solver.num_overturned,
        }
        solution = self._solution(found, stats)
        stats["seconds"] = time.perf_counter() - start
        return solution

    def _optimum(self, reward: np.ndarray) -> tuple[LPSolution, int]:
        program, solver = self._program, self.solver
        if not self._worst:
            program.aim(reward)
            found = solver.solve(program.lp)
            return found, found.iterations
        program.aim(0 * reward, extra=1.0)
        worst = solver.solve(program.lp)
        if worst.x is None:
            return worst, worst.iterations
        # Most policies with the largest minimum waste what the others could have.
        floor = worst.x[-1]
        program.lp.lower[-1] = floor - 1e-9 * (1 + abs(floor))
        program.aim(reward)
        found = solver.solve(program.lp)
        program.lp.lower[-1] = -np.inf
        return found, worst.iterations + found.iterations

    def _solution(self, found: LPSolution, stats: dict[str, Any]) -> Solution:
        if found.x is None or found.row_dual is None:
            return Solution(None, None, None, result=found.result, stats=stats)
        program, mdp = self._program, self.mdp
        visits = found.x[: program.num_visits].reshape(program.shape).clip(0)
        uniform = np.full(mdp.rewards.shape[:-1], 1 / mdp.num_actions)
        occupancy = visits * program.factor[:, None, None]
        J = np.einsum("gsa,gsam->gm", occupancy.sum(1), mdp.rewards)
        stats["objective"] = float(found.x[-1]) if self._worst else found.objective
        stats["prices"] = self._prices(found.row_dual)
        value = found.row_dual[: program.num_flow].reshape(program.shape[:-1])
        return Solution(normalised(visits, uniform), value, J, occupancy, stats=stats)

    def _prices(self, row_dual: np.ndarray) -> np.ndarray:
        prices = np.zeros((len(self.mdp.signals), self.mdp.num_groups, self.mdp.num_groups))
        for row, price in zip(self._gaps, row_dual[self._program.num_flow :], strict=False):
            prices[row.task, row.plus, row.minus] = price
        return prices


def per_task(
    tolerance: float | Sequence[float] | Float[np.ndarray, " M"], signals: tuple[str, ...]
) -> Float[np.ndarray, " M"]:
    """One tolerance of 0 or more for every task; inf: the task is not constrained."""
    given = np.asarray(tolerance, np.float64)
    if given.ndim > 1 or given.size not in (1, len(signals)):
        raise InputError(
            f"tolerance must be one number or one per task {signals}, got {given.size} numbers"
        )
    if not (given >= 0).all():
        raise InputError(f"tolerance must be 0 or more (inf: no constraint), got {tolerance}")
    return np.broadcast_to(given, (len(signals),)).copy()


def gap_rows(tolerance: Float[np.ndarray, " M"], num_groups: int) -> list[Coupling]:
    """One row for every constrained task and every ordered pair of different groups."""
    groups = range(num_groups)
    pairs = [(i, j) for i in groups for j in groups if i != j]
    tasks = np.flatnonzero(np.isfinite(tolerance))
    return [Coupling(int(m), i, j, float(tolerance[m])) for m in tasks for i, j in pairs]


def floor_rows(mdp: TabularMDP) -> list[Coupling]:
    """Rows that hold the extra column below the return of every group on every task."""
    tasks, groups = range(len(mdp.signals)), range(mdp.num_groups)
    return [Coupling(m, None, g, 0.0, extra=1.0) for m in tasks for g in groups]


def _check(mdp: TabularMDP, maximise: str) -> None:
    if maximise not in OBJECTIVES:
        raise unknown_name("objective", maximise, OBJECTIVES)
    if mdp.horizon is None:
        raise InputError("GroupFairLP needs a finite horizon; set `horizon` of the TabularMDP")
    entries = mdp.transition.size * mdp.horizon
    if entries > _MOST_ENTRIES:
        raise InputError(
            f"the program would have {entries:,} entries, more than {_MOST_ENTRIES:,}; "
            "choose fewer states, groups or stages"
        )
    if not (mdp.group_size == 1).all():
        raise InputError(
            f"GroupFairLP compares one member of each group, got group_size {mdp.group_size}; "
            "set it to ones"
        )


def _check_shapes(mdp: TabularMDP, **arrays: np.ndarray) -> None:
    known = {"transition": mdp.transition.shape, "bonus": mdp.rewards.shape[:-1]}
    for name, array in arrays.items():
        shape = known.get(name, mdp.rewards.shape)
        if array.shape != shape:
            raise InputError(f"{name} must be {shape}, got {array.shape}")
