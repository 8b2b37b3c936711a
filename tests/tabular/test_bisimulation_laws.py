"""The group bisimulation metric and the matched objective: laws, and an independent witness."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from evenhand.core.errors import InputError
from evenhand.core.solution import RESULTS
from evenhand.tabular.bisimulation import group_bisimulation_metric
from evenhand.tabular.evaluation import under
from evenhand.tabular.mdp import TabularMDP
from evenhand.tabular.quartile_matching import (
    bisimulation_objective,
    matched_distance,
    quartile_shares,
)
from evenhand.tabular.transport import TransportBatch, mass_unit
from evenhand.testing.strategies import laws, tabular_mdps

TOL = 1e-8
DISCOUNTS = st.sampled_from((0.0, 0.5, 0.9, 0.99))


def model(groups, states, width=None, seed=0, actions=2):
    """A random model and policy; each row of the dynamics has `width` successors, or all."""
    rng = np.random.default_rng(seed)
    transition = np.zeros((groups, states, actions, states))
    for row in transition.reshape(-1, states):
        reached = rng.choice(states, width or states, replace=False)
        row[reached] = rng.dirichlet(np.ones(len(reached)))
    rewards = rng.normal(size=(groups, states, actions, 1))
    uniform = np.full((groups, states), 1 / states)
    mdp = TabularMDP(transition, rewards, uniform, np.ones(groups), discount=0.9)
    return mdp, rng.dirichlet(np.ones(actions), (groups, states))


def chain(states):
    """Levels that move one up, one down or not at all; the second group falls more often."""
    transition = np.zeros((2, states, 2, states))
    for g in range(2):
        for s in range(states):
            up = 0.5 + 0.4 * s / states - 0.1 * g
            transition[g, s, 0, s] = 1
            transition[g, s, 1, min(s + 1, states - 1)] += up
            transition[g, s, 1, max(s - 1, 0)] += 1 - up
    rewards = np.zeros((2, states, 2, 1))
    rewards[:, :, 1, 0] = np.linspace(-1, 1, states)
    mdp = TabularMDP(transition, rewards, np.full((2, states), 1 / states), np.ones(2))
    return mdp, np.full((2, states, 2), 0.5)


@st.composite
def problems(draw):
    mdp = draw(tabular_mdps(num_states=(3,), horizons=(None,), num_signals=(1,)))
    return mdp, draw(laws(mdp.num_groups, mdp.num_states, mdp.num_actions))


def laws_and_rewards(mdp, policy):
    move, reward = under(mdp, policy)
    groups, states, _ = move.shape
    law = np.zeros((groups, states, groups, states))
    for g in range(groups):
        law[g, :, g] = move[g]
    return law.reshape(groups * states, -1), reward[..., 0].ravel()


def kantorovich(a, b, cost):
    """Least cost of a coupling, by a linear program over all of its entries."""
    m, n = cost.shape
    sums = np.concatenate([np.kron(np.eye(m), np.ones(n)), np.kron(np.ones(m), np.eye(n))])
    found = linprog(cost.ravel(), A_eq=sums[:-1], b_eq=np.concatenate([a, b])[:-1])
    assert found.status == 0
    return found.fun


def one_sweep(metric, mdp, policy, discount):
    """The right side of equation 5, entry by entry."""
    law, reward = laws_and_rewards(mdp, policy)
    size = len(law)
    swept = np.zeros((size, size))
    for x in range(size):
        for y in range(x):
            a, b = np.flatnonzero(law[x]), np.flatnonzero(law[y])
            moved = kantorovich(law[x, a], law[y, b], metric[np.ix_(a, b)])
            swept[x, y] = swept[y, x] = abs(reward[x] - reward[y]) + discount * moved
    return swept


def solved(mdp, policy, discount, tol=TOL):
    solution = group_bisimulation_metric(mdp, policy, discount, tol)
    assert solution.result is RESULTS.successful
    assert solution.stats["error_bound"] <= tol
    return solution.value


@given(problem=problems(), discount=DISCOUNTS)
def test_theorem_2_differences_of_values_never_exceed_the_distance(problem, discount):
    law, reward = laws_and_rewards(*problem)
    value = np.linalg.solve(np.eye(len(law)) - discount * law, reward)
    distance = solved(*problem, discount)
    assert (np.abs(value[:, None] - value) <= distance + TOL).all()


@given(problem=problems(), discount=DISCOUNTS)
def test_the_distance_is_a_pseudometric(problem, discount):
    distance = solved(*problem, discount)
    assert (distance == distance.T).all()
    assert (np.diag(distance) == 0).all()
    assert (distance >= 0).all()
    detour = (distance[:, :, None] + distance[None]).min(1)
    assert (distance <= detour + 3 * TOL).all()


@settings(max_examples=8)
@given(problem=problems(), discount=DISCOUNTS)
def test_one_more_sweep_by_another_solver_leaves_the_distance_where_it_is(problem, discount):
    distance = solved(*problem, discount)
    swept = one_sweep(distance, *problem, discount)
    assert np.abs(swept - distance).max() <= 2 * TOL


@pytest.mark.parametrize("width", [None, 2])
def test_plain_sweeps_from_zero_reach_the_same_distance(width):
    mdp, policy = model(2, 3, width, seed=1)
    swept = np.zeros((6, 6))
    for _ in range(25):
        swept = one_sweep(swept, mdp, policy, 0.5)
    assert np.abs(solved(mdp, policy, 0.5) - swept).max() < 1e-6


@pytest.mark.parametrize("width", [None, 4])
@pytest.mark.parametrize("discount", [0.9, 0.99])
def test_larger_models_are_certified_and_another_solver_agrees_on_some_pairs(width, discount):
    mdp, policy = model(2, 12, width)
    distance = solved(mdp, policy, discount)
    law, reward = laws_and_rewards(mdp, policy)
    for x, y in np.random.default_rng(2).integers(0, 24, (20, 2)):
        right = abs(reward[x] - reward[y]) + discount * kantorovich(law[x], law[y], distance)
        assert distance[x, y] == pytest.approx(right, abs=1e-7)


@pytest.mark.parametrize("discount", [0.9, 0.99, 0.9999])
def test_chains_of_single_steps_full_of_ties_are_certified(discount):
    mdp, policy = chain(15)
    distance = solved(mdp, policy, discount, tol=1e-6)
    law, reward = laws_and_rewards(mdp, policy)
    value = np.linalg.solve(np.eye(30) - discount * law, reward)
    assert (np.abs(value[:, None] - value) <= distance + 1e-6).all()


@settings(max_examples=30)
@given(problem=problems(), discount=DISCOUNTS)
def test_groups_with_the_same_dynamics_and_policy_are_at_distance_zero(problem, discount):
    mdp, policy = problem
    twins = TabularMDP(
        np.repeat(mdp.transition[:1], 2, 0),
        np.repeat(mdp.rewards[:1], 2, 0),
        np.repeat(mdp.initial[:1], 2, 0),
        np.ones(2),
        discount=0.9,
    )
    distance = solved(twins, np.repeat(policy[:1], 2, 0), discount)
    states = mdp.num_states
    assert np.abs(np.diag(distance[:states, states:])).max() <= TOL


def test_distances_never_fall_when_the_future_counts_more():
    mdp, policy = model(2, 8, 3)
    last = np.zeros((16, 16))
    for discount in (0.0, 0.3, 0.6, 0.9, 0.99):
        distance = solved(mdp, policy, discount)
        assert (distance >= last - 2 * TOL).all()
        last = distance


@settings(max_examples=30)
@given(problem=problems(), factor=st.sampled_from((-2.0, 0.0, 0.5, 10.0)))
def test_distances_scale_with_the_rewards(problem, factor):
    mdp, policy = problem
    scaled = TabularMDP(
        mdp.transition, factor * mdp.rewards, mdp.initial, mdp.group_size, discount=mdp.discount
    )
    expected = abs(factor) * solved(mdp, policy, 0.9)
    assert solved(scaled, policy, 0.9) == pytest.approx(expected, abs=20 * TOL)


def test_without_a_future_the_distance_is_the_difference_of_rewards():
    mdp, policy = model(3, 4)
    _, reward = laws_and_rewards(mdp, policy)
    assert solved(mdp, policy, 0.0) == pytest.approx(np.abs(reward[:, None] - reward))


def test_the_order_of_the_groups_changes_nothing_but_the_order():
    mdp, policy = model(2, 6, 3)
    swapped = TabularMDP(mdp.transition[::-1], mdp.rewards[::-1], mdp.initial, mdp.group_size)
    order = np.roll(np.arange(12), 6)
    distance = solved(swapped, policy[::-1], 0.9)
    assert distance == pytest.approx(solved(mdp, policy, 0.9)[np.ix_(order, order)], abs=2 * TOL)


def test_another_signal_is_measured_by_its_own_rewards():
    mdp, policy = model(2, 4)
    both = TabularMDP(
        mdp.transition,
        np.concatenate([np.zeros_like(mdp.rewards), mdp.rewards], -1),
        mdp.initial,
        mdp.group_size,
        signals=("nothing", "reward"),
    )
    found = group_bisimulation_metric(both, policy, 0.9, TOL, signal=1).value
    assert (found == solved(mdp, policy, 0.9)).all()
    assert (solved(both, policy, 0.9) == 0).all()


def test_a_single_person_is_at_no_distance_from_herself():
    assert solved(*model(1, 1), 0.9).tolist() == [[0.0]]


def test_what_no_arithmetic_can_certify_or_no_iteration_is_allowed_is_not_called_solved():
    mdp, policy = model(2, 6)
    for options in ({"tol": 1e-300}, {"tol": 1e-12, "max_iterations": 1}):
        found = group_bisimulation_metric(mdp, policy, 0.99, **options)
        assert found.result is RESULTS.iteration_limit
        assert found.stats["error_bound"] > options["tol"]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"policy": np.full((2, 4), 0.5)}, "policy must be"),
        ({"policy": np.full((2, 4, 2), 0.6)}, "rows of policy"),
        ({"policy": np.full((2, 4, 2), [1.5, -0.5])}, "rows of policy"),
        ({"policy": np.full((2, 4, 2), np.nan)}, "rows of policy"),
        ({"discount": 1.0}, "discount"),
        ({"discount": -0.1}, "discount"),
        ({"tol": 0.0}, "tol"),
        ({"tol": np.nan}, "tol"),
        ({"signal": 1}, "signal"),
        ({"mdp": replace(model(2, 4)[0], rewards=np.full((2, 4, 2, 1), np.inf))}, "finite"),
    ],
)
def test_input_that_cannot_be_used_is_refused_in_one_sentence(change, word):
    mdp, policy = model(2, 4)
    with pytest.raises(InputError, match=word):
        group_bisimulation_metric(
            **({"mdp": mdp, "policy": policy, "discount": 0.9, "tol": 1e-6} | change)
        )


@settings(max_examples=30)
@given(data=st.data())
def test_couplings_move_exactly_the_masses_given_at_the_least_cost(data):
    # Masses of a few units only: zeros and ties everywhere.
    m, n, count = data.draw(st.sampled_from([(1, 1), (2, 3), (4, 4)])) + (3,)
    rng = np.random.default_rng(data.draw(st.integers(0, 10_000)))
    unit = 12
    assert unit <= mass_unit(m, n)
    supply = rng.multinomial(unit, np.full(m, 1 / m), count)
    demand = rng.multinomial(unit, np.full(n, 1 / n), count)
    metric = rng.integers(0, 4, (6, 6)).astype(float)
    rows, columns = (rng.permuted(np.tile(np.arange(6), (count, 1)), axis=1)[:, :k] for k in (m, n))
    batch = TransportBatch.monotone(rows, columns, supply, demand, unit)
    batch.reoptimise(metric, 1e-12, 1000)
    assert batch.violation(metric) <= 1e-12
    mass, source, target = batch.coupling()
    for p in range(count):
        plan = np.zeros((6, 6))
        np.add.at(plan, (source[p], target[p]), mass[p])
        assert (plan.sum(1)[rows[p]] * unit).round(9).tolist() == supply[p].tolist()
        assert (plan.sum(0)[columns[p]] * unit).round(9).tolist() == demand[p].tolist()
        cost = metric[np.ix_(rows[p], columns[p])]
        least = kantorovich(supply[p] / unit, demand[p] / unit, cost)
        assert (plan * metric).sum() == pytest.approx(least, abs=1e-9)


@given(law=laws(2, 5))
def test_quartiles_are_laws_in_order_of_level_that_mix_to_the_whole(law):
    share = quartile_shares(law)
    assert share.sum(-1) == pytest.approx(np.ones((2, 4)))
    assert share.mean(1) == pytest.approx(law)
    assert (np.diff(share @ np.arange(5.0), axis=1) >= -1e-12).all()


def test_a_boundary_inside_a_level_splits_its_mass():
    share = quartile_shares(np.array([[0.4, 0.1, 0.5]]))
    expected = [[1, 0, 0], [0.6, 0.4, 0], [0, 0, 1], [0, 0, 1]]
    assert share[0] == pytest.approx(np.array(expected))


def test_the_objective_of_a_model_small_enough_for_a_pencil():
    # Two levels; group 1 always moves up and earns 1, group 2 tosses a coin and earns 0.
    transition = np.zeros((2, 2, 1, 2))
    transition[0, :, :, 1] = 1
    transition[1] = 0.5
    rewards = np.array([1.0, 0.0])[:, None, None, None] * np.ones((2, 2, 1, 1))
    laws_now = np.array([[0.5, 0.5], [1.0, 0.0]])
    mdp = TabularMDP(transition, rewards, laws_now, np.ones(2))
    found = bisimulation_objective(mdp, np.ones((2, 2, 1)), laws_now, 0.9)
    assert found.reward == pytest.approx(1)
    assert found.dynamics == pytest.approx(0.9 * np.hypot(1 - 0.5, 0 - 0.5))
    assert found.total == found.reward + found.dynamics
    same = bisimulation_objective(
        mdp,
        np.ones((2, 2, 1)),
        laws_now,
        0.9,
        rewards=np.ones((2, 2, 1)),
        transition=transition[[0, 0]],
    )
    assert same == (0, 0)


@settings(max_examples=30)
@given(problem=problems(), given_action=st.booleans())
def test_the_objective_of_groups_that_are_alike_has_no_reward_part(problem, given_action):
    mdp, policy = problem
    twins = TabularMDP(
        np.repeat(mdp.transition[:1], 3, 0),
        np.repeat(mdp.rewards[:1], 3, 0),
        np.repeat(mdp.initial[:1], 3, 0),
        np.ones(3),
        discount=0.9,
    )
    found = bisimulation_objective(
        twins, np.repeat(policy[:1], 3, 0), twins.initial, 0.9, given_action=given_action
    )
    assert found.reward == pytest.approx(0, abs=1e-12)
    assert found.dynamics >= 0


def test_next_levels_given_the_action_differ_at_least_as_much_in_the_mean():
    # The mean is linear, so mixing actions first can only bring the groups' means nearer.
    mdp, policy = chain(6)
    even = np.full((2, 6), 1 / 6)
    mixed = bisimulation_objective(mdp, policy, even, 0.9).dynamics
    assert bisimulation_objective(mdp, policy, even, 0.9, given_action=True).dynamics > mixed


def test_the_matched_distance_bounds_the_difference_of_the_groups_returns():
    mdp, policy = model(2, 6)
    law, reward = laws_and_rewards(mdp, policy)
    value = np.linalg.solve(np.eye(12) - 0.9 * law, reward).reshape(2, 6)
    returns = (mdp.initial * value).sum(1)
    distance = matched_distance(solved(mdp, policy, 0.9), mdp.initial)
    assert abs(returns[0] - returns[1]) <= distance
    with pytest.raises(InputError, match="metric must be"):
        matched_distance(np.zeros((4, 4)), mdp.initial)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"laws": np.ones((2, 4))}, "rows of laws"),
        ({"laws": np.ones(4)}, "laws must be"),
        ({"rewards": np.ones((2, 4))}, "rewards must be"),
        ({"transition": np.ones((2, 4))}, "transition must be"),
        ({"discount": 1.0}, "discount"),
    ],
)
def test_an_objective_of_unusable_input_is_refused(change, word):
    mdp, policy = model(2, 4)
    usual = {"mdp": mdp, "policy": policy, "laws": mdp.initial, "discount": 0.9}
    with pytest.raises(InputError, match=word):
        bisimulation_objective(**(usual | change))
