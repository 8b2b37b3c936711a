"""Programs over occupancies of several groups: against other solvers, bounds and known optima."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from evenhand.core.errors import InputError
from evenhand.core.solution import RESULTS
from evenhand.data.river_swim import SWIMMERS, TASKS, River
from evenhand.tabular.evaluation import expected_returns, occupancy
from evenhand.tabular.occupancy_lp import GroupFairLP
from evenhand.tabular.planning import backward_induction
from evenhand.tabular.river_swim import oracle_initial_policy, river_swim_mdp
from evenhand.testing.strategies import tabular_mdps

TWO_TASKS = ("predecessor", "near-goal")


def gaps(J):
    return np.abs(J[:, None] - J[None]).max((0, 1))


def members(mdp):
    return replace(mdp, group_size=np.ones(mdp.num_groups))


def small_problems():
    drawn = tabular_mdps(num_groups=(2, 3), num_signals=(1, 2), horizons=(4,))
    return drawn.map(members)


def reference_optimum(mdp, tolerance, bonus=0.0, upper=None, lower=None, transition=None):
    """The optimum by scipy from dense rows that are written out one by one."""
    P = mdp.transition if transition is None else transition
    upper = mdp.rewards if upper is None else upper
    lower = mdp.rewards if lower is None else lower
    G, S, A, M = mdp.rewards.shape
    H, w = mdp.horizon, mdp.weights
    at = np.arange(G * H * S * A).reshape(G, H, S, A)
    flow, inflow, rows, bounds = [], [], [], []
    for g, h, s in product(range(G), range(H), range(S)):
        row = np.zeros(at.size)
        row[at[g, h, s]] = 1
        if h:
            row[at[g, h - 1]] -= P[g, :, :, s]
        flow.append(row)
        inflow.append(0 if h else mdp.initial[g, s])
    for m, i, j in product(range(M), range(G), range(G)):
        if i != j and np.isfinite(tolerance[m]):
            row = np.zeros(at.size)
            for h in range(H):
                row[at[i, h]] += w[h] * upper[i, ..., m]
                row[at[j, h]] -= w[h] * lower[j, ..., m]
            rows.append(row)
            bounds.append(tolerance[m])
    cost = (w[:, None, None] * (mdp.rewards.sum(-1) + bonus)[:, None]).ravel()
    none = (None, None) if not rows else (np.array(rows), bounds)
    return linprog(-cost, *none, np.array(flow), inflow)


@given(mdp=small_problems(), tolerance=st.sampled_from((0.05, 0.3, 1.0, np.inf)))
@settings(max_examples=40)
def test_the_optimum_is_that_of_another_solver_on_rows_written_out_one_by_one(mdp, tolerance):
    found = GroupFairLP(mdp, tolerance).solve()
    expected = reference_optimum(mdp, np.full(len(mdp.signals), tolerance))
    assert (found.result is RESULTS.successful) == (expected.status == 0)
    if expected.status == 0:
        assert found.stats["objective"] == pytest.approx(-expected.fun, abs=1e-8)
        assert (gaps(found.J) <= tolerance + 1e-8).all()


@given(mdp=small_problems())
def test_the_policy_earns_and_visits_what_the_solution_says(mdp):
    found = GroupFairLP(mdp, 2.0).solve()
    if found.policy is not None:
        assert np.allclose(found.policy.sum(-1), 1)
        assert np.allclose(found.J, expected_returns(mdp, found.policy), atol=1e-7)
        assert np.allclose(found.occupancy, occupancy(mdp, found.policy), atol=1e-7)
        assert found.stats["objective"] == pytest.approx(found.J.sum(), abs=1e-7)


@given(mdp=small_problems())
def test_without_a_tolerance_every_group_gets_what_backward_induction_finds(mdp):
    best = backward_induction(mdp, np.ones(len(mdp.signals)))
    found = GroupFairLP(mdp, np.inf).solve()
    assert np.allclose(found.J.sum(1), best.J.sum(1), atol=1e-7)
    by_state = np.einsum("gs,gs->g", mdp.initial, found.value[:, 0])
    assert np.allclose(by_state, best.J.sum(1), atol=1e-7)


@given(mdp=small_problems())
@settings(max_examples=25)
def test_prices_of_the_rows_bound_the_optimum_from_above_by_backward_induction(mdp):
    """Lagrange: reward each group by its signals less prices; what that earns is the optimum."""
    found = GroupFairLP(mdp, 0.3).solve()
    if found.policy is None:
        return
    price = found.stats["prices"]
    assert (price >= -1e-9).all()
    weights = 1 - (price.sum(2) - price.sum(1)).T
    bound = (weights * backward_induction(mdp, weights).J).sum() + 0.3 * price.sum()
    assert bound == pytest.approx(found.stats["objective"], abs=1e-6)


@pytest.mark.parametrize(("num_groups", "num_tasks"), list(product((1, 2, 3), (1, 2, 3))))
def test_there_is_a_row_for_every_task_and_ordered_pair_of_groups(num_groups, num_tasks):
    mdp = river_swim_mdp(River(SWIMMERS[:num_groups], TASKS[:num_tasks]))
    rows = num_tasks * num_groups * (num_groups - 1)
    assert GroupFairLP(mdp, 0.5).num_fairness_rows == rows
    only_first = np.where(np.arange(num_tasks) == 0, 0.5, np.inf)
    assert GroupFairLP(mdp, only_first).num_fairness_rows == num_groups * (num_groups - 1)


@pytest.mark.parametrize(
    ("tasks", "tolerance", "J"),
    [
        (TASKS[:1], 1.1, [[0.4149], [1.5149]]),
        (TASKS[:1], np.inf, [[0.4149], [3.1885]]),
        (TWO_TASKS, 0.5, [[0.3729, 0.3497], [0.8729, 0.8497]]),
    ],
)
def test_the_known_optima_of_river_swim_come_out(tasks, tolerance, J):
    found = GroupFairLP(river_swim_mdp(River(tasks=tasks)), tolerance).solve()
    assert np.allclose(found.J, J, atol=6e-5)


def test_one_constrained_task_leaves_the_gap_of_the_other_to_grow():
    mdp = river_swim_mdp(River(tasks=TWO_TASKS))
    both, first, second = (
        GroupFairLP(mdp, np.array(t)).solve().J for t in ((0.5, 0.5), (0.5, np.inf), (np.inf, 0.5))
    )
    assert np.allclose(gaps(both), 0.5)
    assert gaps(first)[1] == pytest.approx(2.51, abs=5e-3)
    assert gaps(second)[0] == pytest.approx(1.72, abs=5e-3)
    assert GroupFairLP(mdp, 1.1).solve().stats["objective"] == pytest.approx(3.64538, abs=1e-5)


def test_the_oracle_starts_within_its_tolerance_and_below_the_optimum():
    mdp = river_swim_mdp()
    found = oracle_initial_policy(mdp, 0.1)
    assert np.allclose(found.J[:, 0], [0.3923, 0.4877], atol=6e-5)
    two = river_swim_mdp(River(SWIMMERS, TASKS))
    start = oracle_initial_policy(two, 0.1)
    assert (gaps(expected_returns(two, start.policy)) <= 0.1 + 1e-8).all()
    assert start.J.sum() < GroupFairLP(two, 0.1).solve().J.sum() - 0.1


def changing_models(mdp, length, rng):
    """What a learner passes: counts grow, bonuses shrink, reward bounds close in."""
    G, S, A, _ = mdp.transition.shape
    counts = rng.integers(0, 3, (G, S, A, S)).astype(float)
    for _ in range(length):
        flat = mdp.transition.reshape(-1, S)
        counts += np.array([rng.multinomial(4, row) for row in flat]).reshape(counts.shape)
        total = counts.sum(-1)
        radius = 0.02 / np.sqrt(total)
        yield (
            counts / total[..., None],
            mdp.rewards + radius[..., None],
            mdp.rewards - radius[..., None],
            50 * radius,
        )


@pytest.mark.parametrize("num_groups", [2, 3])
def test_a_warm_sequence_ends_where_cold_solves_of_two_solvers_do(num_groups):
    mdp = river_swim_mdp(River(SWIMMERS[:num_groups], TWO_TASKS, num_states=5, horizon=5))
    tolerance = np.array([0.4, 0.6])
    lp, answered = GroupFairLP(mdp, tolerance), 0
    for model in changing_models(mdp, 12, np.random.default_rng(3)):
        warm = lp.solve(*model)
        cold = GroupFairLP(mdp, tolerance).solve(*model)
        P, upper, lower, bonus = model
        other = reference_optimum(mdp, tolerance, bonus, upper, lower, P)
        assert warm.result is cold.result
        assert (warm.result is RESULTS.successful) == (other.status == 0)
        if warm.policy is not None:
            answered += 1
            assert warm.stats["objective"] == pytest.approx(-other.fun, abs=1e-8)
            assert cold.stats["objective"] == pytest.approx(-other.fun, abs=1e-8)
            learned = replace(mdp, transition=P)
            assert np.allclose(warm.J, expected_returns(learned, warm.policy), atol=1e-7)
            most = expected_returns(replace(learned, rewards=upper), warm.policy)
            least = expected_returns(replace(learned, rewards=lower), warm.policy)
            for i, j in product(range(num_groups), repeat=2):
                assert i == j or (most[i] - least[j] <= tolerance + 1e-7).all()
    assert answered >= 6
    assert lp.solve(*model).stats["iterations"] == 0


def test_an_impossible_tolerance_is_answered_in_words_and_the_next_model_solved_again():
    mdp = river_swim_mdp()
    lp = GroupFairLP(mdp, 0.1)
    before = lp.solve()
    apart = lp.solve(upper_rewards=mdp.rewards + 1, lower_rewards=mdp.rewards - 1)
    assert apart.result is RESULTS.infeasible
    assert apart.policy is None
    assert apart.stats["num_cold_fallbacks"] == 1
    after = lp.solve()
    assert after.stats["objective"] == pytest.approx(before.stats["objective"], abs=1e-9)


@pytest.mark.parametrize("tasks", [TASKS[:1], TWO_TASKS, TASKS[1:]])
def test_the_largest_minimum_is_that_of_a_grid_of_task_weights(tasks):
    """Minimax: max over policies of the least task = min over task weights of the best sum."""
    mdp = river_swim_mdp(River(tasks=tasks))
    found = GroupFairLP(mdp, np.inf, "worst-group").solve()
    grid = [np.array([1.0])] if len(tasks) == 1 else [np.array([w, 1 - w]) for w in FINE]
    best = [(backward_induction(mdp, w).J @ w).tolist() for w in grid]
    least = np.min(best, 0).min()
    assert least - 5e-3 <= found.stats["objective"] <= least + 1e-8
    assert found.J.min() == pytest.approx(found.stats["objective"], abs=1e-7)


FINE = np.linspace(0, 1, 201)


@given(mdp=small_problems())
@settings(max_examples=25)
def test_no_policy_of_the_largest_total_has_a_larger_minimum_and_conversely(mdp):
    total = GroupFairLP(mdp, 1.0).solve()
    worst = GroupFairLP(mdp, 1.0, "worst-group").solve()
    assert total.result is worst.result
    if total.J is not None:
        assert worst.J.min() >= total.J.min() - 1e-7
        assert worst.J.sum() <= total.J.sum() + 1e-7
        assert (gaps(worst.J) <= 1 + 1e-7).all()


@pytest.mark.parametrize(
    ("tolerance", "maximise", "message"),
    [
        (-0.1, "total", "0 or more"),
        (np.nan, "total", "0 or more"),
        (np.ones(3), "total", "one per task"),
        (1.0, "totl", "did you mean 'total'"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_any_work(tolerance, maximise, message):
    with pytest.raises(InputError, match=message):
        GroupFairLP(river_swim_mdp(), tolerance, maximise)
    lp = GroupFairLP(river_swim_mdp())
    with pytest.raises(InputError, match="bonus must be"):
        lp.solve(bonus=np.zeros((3, 7, 2)))
