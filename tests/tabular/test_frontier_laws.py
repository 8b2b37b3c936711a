"""The exact frontier against published numbers, against itself, and against simulation."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenhand.core.errors import InputError
from evenhand.core.solution import RESULTS
from evenhand.data.population import LendingPopulation
from evenhand.data.presets import drift_1, drift_2, drift_3, fico_scores, gym
from evenhand.tabular.criteria import CRITERIA
from evenhand.tabular.evaluation import totals
from evenhand.tabular.frontier import Frontier
from evenhand.tabular.lending import (
    criterion_values,
    person_model,
    threshold_policy,
    threshold_values,
)
from evenhand.tabular.planning import backward_induction, myopic
from evenhand.tabular.recall import RecallProblem, qualified_range

ALL = sorted(CRITERIA)
LAW = settings(deadline=None, derandomize=True, max_examples=6)


def random_population(seed, num_groups=2, num_levels=4):
    """Small worlds with unequal groups, moves and drifts."""
    rng = np.random.default_rng(seed)
    return LendingPopulation(
        name="random",
        groups=tuple(f"group {g}" for g in range(num_groups)),
        initial=rng.dirichlet(np.ones(num_levels), num_groups),
        repay_prob=np.sort(rng.uniform(0.05, 0.95, (num_groups, num_levels)), axis=1),
        population_per_group=tuple(int(n) for n in rng.integers(2, 9, num_groups)),
        up=(1,) * num_groups,
        down=tuple(int(n) for n in rng.integers(1, 3, num_groups)),
        drift=rng.dirichlet(np.array([1.0, 4.0, 1.0]), (3, num_groups)),
        initial_levels="independent",
        episode_steps=40,
    )


def profits(frontier, tolerances):
    return np.array([point.profit for point in frontier.sweep(tolerances)])


@pytest.mark.parametrize("method", ["direct", "columns"])
def test_drift_1_frontier_has_its_reference_numbers(method):
    frontier = Frontier(drift_1(), "gain-disparity", 500, method=method)
    reached = profits(frontier, [np.inf, 20, 10, 5, 0])
    np.testing.assert_allclose(reached, [15.446, 14.954, 14.187, 13.786, 13.366], atol=6e-4)
    assert frontier.reach.stats["num_cold_fallbacks"] == 0


def test_time_left_earns_a_little_more_than_visit_count_in_drift_1():
    free = Frontier(drift_1(), policy_class="time").unconstrained
    assert free.profit == pytest.approx(15.477, abs=1e-3)


def test_gym_with_five_a_group_approves_from_the_second_level():
    world = replace(gym(population_per_group=5), initial_levels="independent")
    mdp = world.person(10_000)
    assert backward_induction(mdp).J[:, 0].sum() == pytest.approx(263.7, abs=0.06)
    rules = threshold_values(mdp)
    best = max(rules, key=lambda rule: rule["profit"])
    assert best["threshold"] == 1
    assert best["profit"] == pytest.approx(263.7, abs=0.06)


def test_gym_with_a_thousand_a_group_rewards_one_level_below_the_myopic_rule():
    mdp = gym().person(10_000)
    assert backward_induction(mdp).J[:, 0].sum() == pytest.approx(2081.2, abs=0.06)
    rules = threshold_values(mdp)
    assert rules[2]["profit"] == pytest.approx(2081.0, abs=0.06)
    assert rules[3]["profit"] == pytest.approx(1955.9, abs=0.06)
    np.testing.assert_array_equal(myopic(mdp), threshold_policy(mdp, 3))


@pytest.mark.parametrize("criterion", ALL)
@pytest.mark.parametrize("policy_class", ["visit", "time"])
def test_column_generation_equals_the_direct_program(criterion, policy_class):
    # The search for recall solves many programs: a smaller world keeps the direct ones short.
    world = random_population(1, num_groups=2 if criterion == "recall-gap" else 3)
    world = replace(world, episode_steps=20)
    shared = {"criterion": criterion, "policy_class": policy_class}
    direct = Frontier(world, method="direct", **shared)
    columns = Frontier(world, method="columns", **shared)
    tolerances = direct.unconstrained.disparity * np.array([0.6, 0.1])
    expected, found = direct.sweep(tolerances), columns.sweep(tolerances)
    for one, other in zip(expected, found, strict=True):
        assert one.solution.result is other.solution.result
        assert other.profit == pytest.approx(one.profit, rel=3e-6, abs=3e-6, nan_ok=True)


@LAW
@given(seed=st.integers(0, 2**32 - 1), criterion=st.sampled_from(ALL))
def test_the_returned_policy_reaches_the_reported_profit_and_criterion(seed, criterion):
    frontier = Frontier(random_population(seed), criterion, method="columns")
    point = frontier.point(0.4 * frontier.unconstrained.disparity)
    if point.policy is not None:
        exact = criterion_values(frontier.mdp, point.policy)
        assert exact["profit"] == pytest.approx(point.profit, abs=1e-6)
        assert exact[criterion] == pytest.approx(point.disparity, abs=1e-6)
        assert point.disparity <= point.tolerance + 1e-6
        assert -1e-9 <= point.bound - point.profit <= 1e-5 * max(1, abs(point.profit))


@LAW
@given(seed=st.integers(0, 2**32 - 1), criterion=st.sampled_from(ALL))
def test_knowing_the_time_left_is_worth_at_least_the_visit_count(seed, criterion):
    world = random_population(seed)
    by_visit = Frontier(world, criterion)
    by_time = Frontier(world, criterion, policy_class="time")
    for share in (1.0, 0.5):
        tolerance = share * by_visit.unconstrained.disparity
        visit = by_visit.point(tolerance)
        if visit.policy is not None:
            time = by_time.point(tolerance)
            assert time.bound >= visit.profit - 1e-6 * max(1, abs(visit.profit))


def test_both_classes_have_the_same_totals_for_a_stationary_policy():
    world = random_population(3)
    policy = np.random.default_rng(0).dirichlet(np.ones(2), (2, 4))
    by_visit = totals(person_model(world), policy)
    np.testing.assert_allclose(by_visit, totals(person_model(world, None, "time"), policy))


@LAW
@given(seed=st.integers(0, 2**32 - 1))
def test_the_frontier_is_concave_and_never_falls_with_tolerance(seed):
    for criterion in ("gain-disparity", "approval-gap", "score-w1"):
        frontier = Frontier(random_population(seed), criterion)
        least, most = frontier.least_tolerance, frontier.unconstrained.disparity
        reached = profits(frontier, np.linspace(least, max(least, most), 6))
        steps = np.diff(reached)
        assert (steps >= -1e-6).all()
        assert (np.diff(steps) <= 1e-6).all()


@settings(LAW, max_examples=3)
@given(seed=st.integers(0, 2**32 - 1))
def test_recall_frontier_never_falls_with_tolerance(seed):
    frontier = Frontier(random_population(seed), "recall-gap")
    reached = profits(frontier, frontier.even_tolerances(4)[::-1])
    assert (np.diff(reached) >= -2e-6 * np.abs(reached).max()).all()


@pytest.mark.parametrize("criterion", ALL)
def test_the_price_is_the_slope_of_the_frontier(criterion):
    frontier = Frontier(drift_1(), criterion)
    middle, step = 0.613 * frontier.unconstrained.disparity, 1e-3
    low, at, high = frontier.sweep(middle * np.array([1 - step, 1, 1 + step]))
    slope = (high.profit - low.profit) / (2 * step * middle)
    assert at.dual == pytest.approx(slope, rel=0.02)


def test_recall_search_beats_a_fine_grid_of_lowest_recalls():
    frontier = Frontier(random_population(5), "recall-gap", method="columns")
    tolerance = 0.3 * frontier.unconstrained.disparity
    best = frontier.point(tolerance)
    qualified = qualified_range(frontier.mdp, frontier.layout)
    problem = RecallProblem(frontier.layout, frontier.objective, tolerance, qualified)
    tried = [frontier.reach.maximise(problem.goal(t, t)) for t in np.linspace(0, 1, 41)]
    found = max(optimum.objective for optimum in tried if optimum.totals is not None)
    assert best.profit >= found - 1e-6 * abs(found)
    assert best.bound >= found


@pytest.mark.parametrize("method", ["direct", "columns"])
def test_an_impossible_tolerance_is_reported_as_infeasible(method):
    frontier = Frontier(drift_1(), "score-w1", method=method)
    point = frontier.point(0.05)
    assert point.solution.result is RESULTS.infeasible
    assert point.policy is None
    assert np.isnan(point.profit)
    least = point.solution.stats["least_tolerance"]
    assert least == pytest.approx(0.18349, abs=1e-5)
    assert frontier.point(least + 1e-6).policy is not None


@pytest.mark.parametrize("policy_class", ["visit", "time"])
@pytest.mark.parametrize("criterion", ALL)
def test_simulating_the_stream_confirms_profit_and_criterion(criterion, policy_class):
    world = random_population(11)
    frontier = Frontier(world, criterion, policy_class=policy_class)
    point = frontier.point(0.7 * frontier.unconstrained.disparity)
    seen = frontier.confirm(point, episodes=4000)
    assert abs(seen.profit - point.profit) < 4 * seen.profit_se
    assert abs(seen.disparity - point.disparity) < 4 * seen.disparity_se + 1e-3


def test_four_groups_and_ten_thousand_steps_close_their_gap():
    world = fico_scores(groups=("white", "black", "hispanic", "asian"))
    frontier = Frontier(world, policy_class="time", keep_policies=False)
    for point in frontier.sweep([300, 0]):
        assert point.solution.result is RESULTS.successful
        assert point.bound - point.profit <= 1e-6 * point.profit


@pytest.mark.parametrize("make", [drift_1, drift_2, drift_3])
def test_a_twenty_point_frontier_takes_seconds(make):
    frontier = Frontier(make())
    points = frontier.sweep(frontier.even_tolerances(20))
    assert all(point.solution.result is RESULTS.successful for point in points)
    assert sum(point.seconds for point in points) < 5


def test_unequal_sizes_do_not_count_as_disparity():
    world = drift_1()
    same = replace(
        world,
        initial=world.initial[[0, 0]],
        population_per_group=(100, 300),
        initial_levels="independent",
    )
    values = criterion_values(same.person(), np.full((2, 14, 2), 0.5))
    for name in ALL:
        assert values[name] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"criterion": "gain-disparty"}, "did you mean 'gain-disparity'"),
        ({"policy_class": "visits"}, "did you mean 'visit'"),
        ({"steps": 0}, "steps must be at least 1"),
        ({"steps": 10**9, "policy_class": "time"}, "too many"),
    ],
)
def test_wrong_names_and_sizes_are_named_before_any_work(changes, message):
    with pytest.raises(InputError, match=message):
        Frontier(drift_1(), **changes)


def test_a_frontier_needs_two_groups_and_a_tolerance_of_zero_or_more():
    with pytest.raises(InputError, match="at least two"):
        Frontier(fico_scores(groups=("white",)))
    with pytest.raises(InputError, match="0 or more"):
        Frontier(drift_1()).point(-1.0)


@pytest.mark.parametrize("criterion", ALL)
@pytest.mark.parametrize("steps", [1, 300])
def test_tiny_groups_and_lone_steps_are_solved_like_any_other(criterion, steps):
    world = replace(
        random_population(2, num_groups=3, num_levels=2), population_per_group=(1, 1, 3)
    )
    frontier = Frontier(world, criterion, steps)
    for point in frontier.sweep([np.inf, 0.1 * frontier.unconstrained.disparity, 0.0]):
        assert point.solution.result in (RESULTS.successful, RESULTS.infeasible)
        if point.policy is not None:
            assert np.allclose(point.policy.sum(-1), 1)
            assert point.disparity <= point.tolerance + 1e-6


def test_recall_of_a_group_that_never_repays_is_refused_by_name():
    world = replace(drift_1(), repay_prob=np.zeros((2, 14)))
    with pytest.raises(InputError, match="would repay"):
        Frontier(world, "recall-gap").even_tolerances(3)


def test_the_exact_solvers_load_without_an_accelerator_library():
    code = "import sys, evenhand.tabular.frontier; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
