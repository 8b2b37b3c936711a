"""Linear programs through HiGHS, warm-started and checked after every solve (host code).

HiGHS 1.15.1 has open reports of wrong optima after a hot start (#3194, #3294), so a solution
counts only if it passes its own feasibility and duality check here; otherwise it is solved again
from a cold start, and where that settles nothing, by the plain primal method. The solver object
counts how often that happened (`num_cold_fallbacks`, which includes truly infeasible programs) and
how often it changed the answer (`num_overturned`).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from evenhand.core.solution import RESULTS

# Relative to the size of the data; HiGHS is asked for 1e-9.
_CHECK_TOL = 1e-6
_USUAL = {"presolve": "choose", "simplex_strategy": 1}
_PLAIN = {"presolve": "off", "simplex_strategy": 4}  # 4: the primal simplex method
_UNSETTLED = (RESULTS.iteration_limit, RESULTS.numerical)


@dataclass(frozen=True)
class LinearProgram:
    """maximise cost @ x subject to row_lower <= matrix @ x <= row_upper, lower <= x <= upper.

    `matrix` is a scipy CSC matrix. Numbers may be overwritten in place between solves, the
    matrix's pattern of entries may not.
    """

    cost: np.ndarray
    matrix: Any
    row_lower: np.ndarray
    row_upper: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


@dataclass(frozen=True)
class LPSolution:
    """A verified solution; `row_dual` is the change of the optimum per unit of a row's bound."""

    result: RESULTS
    objective: float = np.nan
    x: np.ndarray | None = None
    row_dual: np.ndarray | None = None
    iterations: int = 0


class HighsSolver:
    """Solves a sequence of similar programs, starting each from the last basis that fits."""

    def __init__(self) -> None:
        import highspy

        self._highspy: Any = highspy
        self._highs: Any = highspy.Highs()
        tolerances = {"primal_feasibility_tolerance": 1e-9, "dual_feasibility_tolerance": 1e-9}
        self._set({"output_flag": False, "threads": 1, **tolerances, **_USUAL})
        self._basis: Any = None
        self._shape = (0, 0)
        self._model_of: LinearProgram | None = None
        self._model: Any = None
        self.num_solves = 0
        self.num_cold_fallbacks = 0
        self.num_overturned = 0

    def solve(self, lp: LinearProgram, warm: bool = True) -> LPSolution:
        """A checked solution of the program; a failed check costs one cold solve."""
        warm = warm and self._basis is not None and self._shape == lp.matrix.shape
        solution = self._solve_once(lp, warm)
        # A warm "infeasible" is not believed either.
        if warm and solution.result is not RESULTS.successful:
            self.num_cold_fallbacks += 1
            solution = self._solve_once(lp, warm=False)
            self.num_overturned += solution.result is RESULTS.successful
        if solution.result in _UNSETTLED:
            # The dual method can end without a status, after a presolve more often.
            self.num_cold_fallbacks += 1
            self._set(_PLAIN)
            solution = self._solve_once(lp, warm=False)
            self._set(_USUAL)
            self.num_overturned += solution.result is RESULTS.successful
        return solution

    def basis(self) -> dict[str, np.ndarray]:
        """The basis that the next warm solve starts from, as arrays; empty before the first."""
        if self._basis is None:
            return {}
        statuses = {"columns": self._basis.col_status, "rows": self._basis.row_status}
        return {k: np.array([int(s) for s in v], np.int8) for k, v in statuses.items()}

    def restore(self, basis: dict[str, np.ndarray]) -> None:
        """Start the next warm solve from what `basis` gave, here or in another process."""
        if not basis:
            self._basis = None
            return
        status = self._highspy.HighsBasisStatus
        known = {int(s): s for s in status.__members__.values()}
        self._basis, self._shape = (
            self._highspy.HighsBasis(),
            (len(basis["rows"]), len(basis["columns"])),
        )
        self._basis.col_status = [known[int(s)] for s in basis["columns"]]
        self._basis.row_status = [known[int(s)] for s in basis["rows"]]
        self._basis.valid, self._basis.alien = True, False

    def _set(self, options: dict[str, Any]) -> None:
        for option, value in options.items():
            self._highs.setOptionValue(option, value)

    def _solve_once(self, lp: LinearProgram, warm: bool) -> LPSolution:
        self._highs.clearSolver()
        self._highs.passModel(self._to_highs(lp))
        if warm:
            self._highs.setBasis(self._basis)
        self._highs.run()
        self.num_solves += 1
        status, known = self._highs.getModelStatus(), self._highspy.HighsModelStatus
        if status in (known.kInfeasible, known.kUnboundedOrInfeasible):
            return LPSolution(RESULTS.infeasible)
        if status == known.kUnbounded:
            return LPSolution(RESULTS.unbounded)
        if status != known.kOptimal:
            return LPSolution(RESULTS.iteration_limit)
        found = self._highs.getSolution()
        x, dual = np.array(found.col_value), -np.array(found.row_dual)
        if not check(lp, x, dual):
            return LPSolution(RESULTS.numerical)
        self._basis, self._shape = self._highs.getBasis(), lp.matrix.shape
        iterations = self._highs.getInfo().simplex_iteration_count
        return LPSolution(RESULTS.successful, float(lp.cost @ x), x, dual, iterations)

    def _to_highs(self, lp: LinearProgram) -> Any:
        model = self._model
        if lp is not self._model_of:
            # Copied once: the sparsity pattern of a program object never changes.
            self._model_of, self._model = lp, self._highspy.HighsLp()
            model = self._model
            model.num_row_, model.num_col_ = lp.matrix.shape
            model.a_matrix_.format_ = self._highspy.MatrixFormat.kColwise
            model.a_matrix_.start_ = lp.matrix.indptr
            model.a_matrix_.index_ = lp.matrix.indices
        model.col_cost_ = -lp.cost
        model.col_lower_, model.col_upper_ = lp.lower, lp.upper
        model.row_lower_, model.row_upper_ = lp.row_lower, lp.row_upper
        model.a_matrix_.value_ = lp.matrix.data
        return model


def check(lp: LinearProgram, x: np.ndarray, row_dual: np.ndarray) -> bool:
    """True where x is feasible and the duals prove its objective optimal, both up to 1e-6."""
    reached = lp.matrix @ x
    scale = 1 + np.abs(x).max(initial=0)
    outside = max(
        np.max(lp.row_lower - reached, initial=0),
        np.max(reached - lp.row_upper, initial=0),
        np.max(lp.lower - x, initial=0),
        np.max(x - lp.upper, initial=0),
    )
    reduced = lp.cost - lp.matrix.T @ row_dual
    # Near an infeasible tolerance prices reach thousands, and rounding grows with them.
    noise = max(1e-7, 1e-9 * np.abs(row_dual).max(initial=0))
    bound = _dual_bound(row_dual, lp.row_lower, lp.row_upper, noise)
    bound += _dual_bound(reduced, lp.lower, lp.upper, noise)
    objective = lp.cost @ x
    feasible = outside <= _CHECK_TOL * scale
    # An infinite bound would pass a relative comparison.
    proved = np.isfinite(bound) and abs(bound - objective) <= _CHECK_TOL * (1 + abs(objective))
    return bool(feasible and proved)


def _dual_bound(dual: np.ndarray, lower: np.ndarray, upper: np.ndarray, noise: float) -> float:
    """Most that dual * v reaches for lower <= v <= upper; inf where a real dual has no bound."""
    limit = np.where(dual > 0, upper, lower)
    real = np.abs(dual) > noise
    if not np.isfinite(limit[real]).all():
        return np.inf
    # Multipliers at rounding level times an infinite bound say nothing.
    return float(dual[np.isfinite(limit)] @ limit[np.isfinite(limit)])
