import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from evenhand.data.river_swim import River
from evenhand.tabular import evaluation, learning
from evenhand.tabular.group_fair_lp import GroupFairLP
from evenhand.tabular.least_gap import LeastGapLP, least_gap
from evenhand.tabular.mdp import TabularMDP
from evenhand.tabular.river_swim import river_swim_mdp
from evenhand.testing.strategies import laws


@st.composite
def guesses(draw):
    """(truth, model, radius, policy) with rewards in [0, 1] and the confidence event just held."""
    G, S, M, H = (draw(st.sampled_from(n)) for n in ((2, 3), (2, 3), (1, 2), (2, 4)))
    A = 2
    rewards = draw(laws(G, S, A, M + 1))[..., :M]
    truth = TabularMDP(
        transition=draw(laws(G, S, A, S)),
        rewards=rewards / rewards.max(),
        initial=draw(laws(G, S)),
        group_size=np.ones(G),
        horizon=H,
        signals=tuple(f"task {m}" for m in range(M)),
    )
    other = draw(laws(G, S, A, S))
    model = truth.transition + draw(st.sampled_from((0.0, 0.02, 0.3, 1.0))) * (
        other - truth.transition
    )
    radius = np.abs(model - truth.transition).max(-1)
    return truth, model, radius, draw(laws(G, H, S, A))


def returns(truth, transition, rewards, policy):
    world = TabularMDP(
        transition / transition.sum(-1, keepdims=True),
        rewards,
        truth.initial,
        truth.group_size,
        horizon=truth.horizon,
        signals=truth.signals,
    )
    return evaluation.expected_returns(world, policy)


@given(guess=guesses())
def test_shifted_returns_on_the_model_enclose_the_true_ones_when_the_event_holds(guess):
    truth, model, radius, policy = guess
    assert learning.confidence_event(model, truth.transition, radius)
    shift = learning.reward_coefficient(truth.num_states, truth.horizon)
    upper, lower = learning.shifted_rewards(truth.rewards, radius, shift)
    true = evaluation.expected_returns(truth, policy)
    assert (returns(truth, model, upper, policy) >= true - 1e-9).all()
    assert (returns(truth, model, lower, policy) <= true + 1e-9).all()


def test_the_coefficient_is_less_than_three_times_what_a_worst_case_needs():
    """One uncertain step into states that earn 1 for ever, or nothing: all errors add up."""
    S, H, off = 9, 6, 0.02
    stay = np.eye(S)[None, :, None, :].copy()
    truth, model = stay.copy(), stay
    truth[0, 0, 0] = np.r_[0, np.full(S - 1, 1 / (S - 1))]
    model[0, 0, 0] = truth[0, 0, 0] + off * np.r_[0, np.ones(4), -np.ones(4)]
    rewards = np.zeros((1, S, 1, 1))
    rewards[0, 5:] = 1.0
    radius = np.zeros((1, S, 1))
    radius[0, 0] = off
    start, policy = np.eye(S)[:1], np.ones((1, H, S, 1))
    true = learning.policy_returns(truth, start, rewards, policy)[0, 0]
    assert true == pytest.approx((H - 1) / 2)

    def enclosed(shift):
        upper, _ = learning.shifted_rewards(rewards, radius, shift)
        _, lower = learning.shifted_rewards(1 - rewards, radius, shift)
        above = learning.policy_returns(model, start, upper, policy)[0, 0]
        below = learning.policy_returns(model, start, lower, policy)[0, 0]
        return above >= true and below <= H - true

    assert enclosed(learning.reward_coefficient(S, H))
    needed = (S - 1) / 2 * (H - 1)
    assert needed < learning.reward_coefficient(S, H) < 3 * needed
    assert enclosed(needed * (1 + 1e-9))
    assert not enclosed(needed * 0.99)


@given(guess=guesses())
def test_fast_returns_and_occupancies_are_those_of_the_evaluation(guess):
    truth, _, _, policy = guess
    fast = learning.occupancies(truth.transition, truth.initial, policy)
    np.testing.assert_allclose(fast, evaluation.occupancy(truth, policy).sum(1), atol=1e-12)
    J = learning.policy_returns(truth.transition, truth.initial, truth.rewards, policy)
    np.testing.assert_allclose(J, evaluation.expected_returns(truth, policy), atol=1e-12)


def test_the_event_fails_as_soon_as_one_entry_leaves_its_radius():
    truth = np.full((2, 3, 2, 3), 1 / 3)
    model = truth.copy()
    model[1, 2, 0] += [0.02, -0.01, -0.01]
    radius = np.full((2, 3, 2), 0.03)
    assert learning.confidence_event(model, truth, radius)
    radius[1, 2, 0] = 0.019
    assert not learning.confidence_event(model, truth, radius)


def test_a_model_is_the_share_of_what_was_seen_and_uniform_without_any():
    counts = np.zeros((1, 3, 2, 3))
    counts[0, 1, 0] = 6, 3, 1
    model = learning.empirical_model(counts)
    np.testing.assert_allclose(model[0, 1, 0], [0.6, 0.3, 0.1])
    np.testing.assert_allclose(np.delete(model.reshape(6, 3), 2, 0), 1 / 3)


@pytest.mark.parametrize("chance", [0.03, 0.35, 0.5])
@pytest.mark.parametrize("rule", ["paper", "hoeffding"])
def test_an_estimate_leaves_its_radius_at_most_as_often_as_the_union_bound_allows(rule, chance):
    G, S, A, H, K, delta = 2, 7, 2, 10, 20_000, 0.1
    radius = learning.confidence_radius((G, S, A), H, K, delta, rule=rule)
    for visits in (5, 80, 1000):
        seen = np.arange(visits + 1)
        outside = np.abs(seen / visits - chance) > radius(np.full(1, float(visits)))
        exact = binom.pmf(seen, visits, chance)[outside].sum()
        assert exact <= delta / (G * S * S * A * H * K)


def test_the_radius_is_that_of_the_formula_and_hoeffding_is_tighter():
    shape = (2, 7, 2)
    paper = learning.confidence_radius(shape, 10, 20_000, 0.1, scale=0.5)
    log = np.log(4 * 2**2 * 7**2 * 2 * 10 * 20_000 / 0.1)
    np.testing.assert_allclose(
        paper(np.array([0.0, 1.0, 9.0])), 0.5 * np.sqrt(log) / np.array([1, 1, 3])
    )
    tight = learning.confidence_radius(shape, 10, 20_000, 0.1, scale=0.5, rule="hoeffding")
    assert tight.weight < paper.weight / 2
    assert paper(np.full(1, paper.visits_for(0.01))) == pytest.approx(0.01)


def test_one_task_and_two_groups_have_the_predecessors_coefficient_and_bonus():
    S, H, slack = 7, 10, 1.0
    c = learning.predecessor_coefficient(2, S, H)
    assert c == 1 + 2 * S * H
    alpha = learning.exploration_bonus(c, 2, H, slack)
    assert alpha == pytest.approx(1 + 2 * S * H + 8 * H * (1 + 2 * S * H) / slack)
    assert learning.exploration_bonus(c, 2, H) == c


@given(upper=laws(3, 2), lower=laws(3, 2))
def test_the_largest_gap_is_that_of_all_ordered_pairs(upper, lower):
    pairs = [(i, j) for i in range(3) for j in range(3) if i != j]
    brute = max(upper[i, m] - lower[j, m] for i, j in pairs for m in range(2))
    assert learning.largest_gap(upper, lower) == pytest.approx(brute)
    brute = max(abs(upper[i, 1] - upper[j, 1]) for i, j in pairs)
    assert learning.gaps(upper)[1] == pytest.approx(brute)


@given(guess=guesses())
def test_the_least_gap_is_where_programs_with_a_tolerance_begin_to_have_a_solution(guess):
    truth, model, radius, _ = guess
    found = LeastGapLP(truth).solve()
    gap = found.stats["gap"]
    J = evaluation.expected_returns(truth, found.policy)
    assert learning.gaps(J).max() == pytest.approx(gap, abs=1e-6)
    assert GroupFairLP(truth, gap + 1e-5).solve().policy is not None
    assert gap < 1e-5 or GroupFairLP(truth, gap - 1e-5).solve().policy is None
    upper, lower = learning.shifted_rewards(truth.rewards, radius, 1.0)
    assert LeastGapLP(truth).solve(model, upper, lower).stats["gap"] >= -1e-9


def test_the_least_gap_counts_only_the_tasks_it_is_asked_about():
    mdp = river_swim_mdp(River(tasks=("predecessor", "near-goal")))
    rewards = mdp.rewards.copy()
    rewards[0, :, :, 1] = 1.0
    unequal = TabularMDP(
        mdp.transition, rewards, mdp.initial, mdp.group_size, 1.0, 10, signals=mdp.signals
    )
    only_first = LeastGapLP(unequal, np.array([True, False])).solve().stats["gap"]
    assert only_first == pytest.approx(0, abs=1e-7)
    assert least_gap(unequal) > 5


def test_a_solver_restored_from_its_basis_goes_on_bit_by_bit():
    mdp = river_swim_mdp(River(tasks=("predecessor", "near-goal")))
    rng = np.random.default_rng(0)
    first, second = GroupFairLP(mdp, 1.1), GroupFairLP(mdp, 1.1)
    for k in range(12):
        counts = rng.integers(1, 50, mdp.transition.shape).astype(float)
        model = learning.empirical_model(counts)
        if k >= 4:
            again = second.solve(model)
        one = first.solve(model)
        if k >= 4:
            np.testing.assert_array_equal(one.occupancy, again.occupancy)
            assert one.stats["iterations"] == again.stats["iterations"]
        if k >= 3 and k % 3 == 0:
            second = GroupFairLP(mdp, 1.1)
            second.solver.restore(first.solver.basis())


@given(scale=st.floats(1e-4, 1), least=st.integers(1, 20), seed=st.integers(0, 99))
def test_what_was_hardly_visited_is_unknown_whatever_the_scale(scale, least, seed):
    visits = np.random.default_rng(seed).integers(0, 40, (2, 7, 2)).astype(float)
    shape = ((2, 7, 2), 10, 20_000, 0.1)
    plain = learning.confidence_radius(*shape, scale)(visits)
    held = learning.confidence_radius(*shape, scale, min_visits=least)(visits)
    np.testing.assert_array_equal(held[visits >= least], plain[visits >= least])
    # c = S H times the radius: as much as a step can change a return.
    assert (learning.reward_coefficient(7, 10) * held[visits < least] >= 10 - 1e-12).all()
