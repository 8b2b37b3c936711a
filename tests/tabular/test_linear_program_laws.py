"""The checked solver: what it certifies, and what it does with a basis that misleads."""

import numpy as np
import pytest
from scipy import sparse

from evenhand.core.solution import RESULTS
from evenhand.tabular.linear_program import HighsSolver, LinearProgram, LPSolution, check


def box(cost, limit, low=-np.inf):
    """maximise cost @ x with 0 <= x and low <= sum x <= limit."""
    size = len(cost)
    matrix = sparse.csc_matrix(np.ones((1, size)))
    bounds = np.zeros(size), np.full(size, np.inf)
    return LinearProgram(
        np.asarray(cost, float), matrix, np.array([low]), np.array([limit]), *bounds
    )


def test_the_dual_of_a_row_is_what_one_more_unit_of_it_earns():
    found = HighsSolver().solve(box([1, 3], 2.0))
    assert found.objective == pytest.approx(6)
    assert found.row_dual == pytest.approx([3])


def test_a_warm_sweep_gives_the_same_optima_as_cold_solves():
    rng, warm = np.random.default_rng(0), HighsSolver()
    for _ in range(20):
        lp = box(rng.normal(size=5), rng.uniform(1, 2))
        cold = HighsSolver().solve(lp)
        assert warm.solve(lp).objective == pytest.approx(cold.objective)


def test_infeasible_and_unbounded_programs_say_so():
    assert HighsSolver().solve(box([1], 1.0, low=2.0)).result is RESULTS.infeasible
    assert HighsSolver().solve(box([1], np.inf)).result is RESULTS.unbounded


def test_an_infeasible_program_in_a_warm_sweep_is_believed_only_cold():
    solver = HighsSolver()
    solver.solve(box([1], 1.0))
    assert solver.solve(box([1], 1.0, low=2.0)).result is RESULTS.infeasible
    assert solver.num_cold_fallbacks == 1


def test_a_cold_solve_that_settles_nothing_is_tried_once_more_by_the_plain_method(monkeypatch):
    """HiGHS can end without a status; the primal method without presolve finds the optimum."""
    solver = HighsSolver()
    honest, tried = solver._solve_once, []

    def fails_after_presolve(lp, warm):
        tried.append(solver._highs.getOptionValue("presolve")[1])
        return honest(lp, warm) if tried[-1] == "off" else LPSolution(RESULTS.iteration_limit)

    monkeypatch.setattr(solver, "_solve_once", fails_after_presolve)
    assert solver.solve(box([1, 3], 2.0)).objective == pytest.approx(6)
    assert tried == ["choose", "off"]
    assert (solver.num_cold_fallbacks, solver.num_overturned) == (1, 1)
    assert solver._highs.getOptionValue("presolve")[1] == "choose"


def test_an_unchanged_program_object_may_carry_new_numbers_but_keeps_its_pattern():
    lp, solver = box([1, 3], 2.0), HighsSolver()
    solver.solve(lp)
    lp.cost[:], lp.matrix.data[:], lp.row_upper[:] = (5, 1), (2, 1), 4
    assert solver.solve(lp).objective == pytest.approx(10)
    assert solver.num_cold_fallbacks == 0


def test_the_check_refuses_a_point_that_is_infeasible_or_not_optimal():
    lp = box([1, 3], 2.0)
    assert check(lp, np.array([0.0, 2.0]), np.array([3.0]))
    assert not check(lp, np.array([0.0, 2.5]), np.array([3.0]))
    assert not check(lp, np.array([2.0, 0.0]), np.array([3.0]))
    assert not check(lp, np.array([0.0, 2.0]), np.array([1.0]))
