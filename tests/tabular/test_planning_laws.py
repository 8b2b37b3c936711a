"""Two exact solvers of the same problem must agree, on random problems."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenhand.core.solution import RESULTS
from evenhand.tabular import occupancy_lp
from evenhand.tabular.evaluation import (
    expected_returns,
    final_law,
    occupancy,
    stage_factor,
    state_laws,
    state_values,
    totals,
    visit_count_law,
)
from evenhand.tabular.mdp import TabularMDP
from evenhand.tabular.planning import (
    backward_induction,
    myopic,
    policy_iteration,
    scalar_rewards,
    value_iteration,
)

LAW = settings(deadline=None, derandomize=True, max_examples=20)
SEEDS = st.integers(0, 2**32 - 1)


def random_mdp(seed, horizon=None, discount=1.0, shape=(2, 4, 3), weighted=False):
    rng = np.random.default_rng(seed)
    groups, states, actions = shape
    weight = np.sort(rng.random(horizon))[::-1] if weighted else None
    return TabularMDP(
        transition=rng.dirichlet(np.full(states, 0.5), (groups, states, actions)),
        rewards=rng.normal(size=(groups, states, actions, 2)),
        initial=rng.dirichlet(np.ones(states), groups),
        group_size=rng.uniform(1, 50, groups),
        discount=discount,
        horizon=horizon,
        stage_weight=weight,
        signals=("first", "second"),
    )


def random_policy(seed, *shape):
    return np.random.default_rng(seed).dirichlet(np.ones(shape[-1]), shape[:-1])


@LAW
@given(seed=SEEDS, discount=st.floats(0.1, 0.95))
def test_value_iteration_policy_iteration_and_the_linear_program_agree(seed, discount):
    mdp = random_mdp(seed, discount=discount)
    iterated, improved = value_iteration(mdp), policy_iteration(mdp)
    program = occupancy_lp.solve(mdp)
    assert iterated.result is improved.result is program.result is RESULTS.successful
    np.testing.assert_allclose(iterated.value, improved.value, atol=1e-7)
    np.testing.assert_allclose(program.J[:, 0], improved.J[:, 0], rtol=1e-7, atol=1e-6)
    expected = (mdp.initial * improved.value).sum(1) * mdp.group_size
    np.testing.assert_allclose(improved.J[:, 0], expected, rtol=1e-9, atol=1e-9)


@LAW
@given(seed=SEEDS, discount=st.floats(0.5, 1.0))
def test_backward_induction_and_the_linear_program_agree_with_stage_weights(seed, discount):
    mdp = random_mdp(seed, horizon=5, discount=discount, weighted=True)
    induced, program = backward_induction(mdp), occupancy_lp.solve(mdp)
    np.testing.assert_allclose(program.J[:, 0], induced.J[:, 0], rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(program.value[:, 0], induced.value[:, 0], atol=1e-7)
    start = (mdp.initial * induced.value[:, 0]).sum(1) * mdp.group_size
    np.testing.assert_allclose(induced.J[:, 0], start, atol=1e-9)


@LAW
@given(seed=SEEDS)
def test_no_policy_beats_backward_induction(seed):
    mdp = random_mdp(seed, horizon=4, weighted=True)
    best = backward_induction(mdp).J[:, 0]
    other = expected_returns(mdp, random_policy(seed, 2, 4, 4, 3))[:, 0]
    assert (other <= best + 1e-9).all()
    assert (expected_returns(mdp, myopic(mdp))[:, 0] <= best + 1e-9).all()


@LAW
@given(seed=SEEDS, weight=st.floats(-3, 3))
def test_weights_of_signals_are_the_rewards_that_are_planned_for(seed, weight):
    mdp = random_mdp(seed, horizon=4)
    weights = np.array([1.0, weight])
    best = backward_induction(mdp, weights)
    worth = (mdp.initial * best.value[:, 0]).sum(1) * mdp.group_size
    np.testing.assert_allclose(best.J @ weights, worth, atol=1e-8)
    np.testing.assert_allclose(scalar_rewards(mdp, weights), mdp.rewards @ weights)


@LAW
@given(seed=SEEDS, discount=st.floats(0.0, 0.95))
def test_returns_from_occupancy_equal_returns_from_values(seed, discount):
    mdp = random_mdp(seed, discount=discount)
    policy = random_policy(seed, 2, 4, 3)
    from_values = np.einsum("gs,gsm->gm", mdp.initial, state_values(mdp, policy))
    J = expected_returns(mdp, policy)
    np.testing.assert_allclose(J, from_values * mdp.group_size[:, None], atol=1e-8)
    assert np.allclose(occupancy(mdp, policy).sum((1, 2)), 1 / (1 - discount))


@LAW
@given(seed=SEEDS)
def test_laws_stay_distributions_and_a_stationary_policy_is_its_repetition(seed):
    mdp = random_mdp(seed, horizon=6, weighted=True)
    policy = random_policy(seed, 2, 4, 3)
    assert np.allclose(state_laws(mdp, policy).sum(-1), 1)
    assert np.allclose(final_law(mdp, policy).sum(-1), 1)
    assert np.isclose(visit_count_law(mdp).sum(), 1)
    repeated = np.repeat(policy[:, None], 6, axis=1)
    np.testing.assert_allclose(totals(mdp, repeated), totals(mdp, policy))
    visits = occupancy(mdp, policy).sum((-1, -2))
    np.testing.assert_allclose(visits, np.tile(stage_factor(mdp), (2, 1)))


def test_final_law_averages_over_the_random_number_of_decisions():
    move = np.zeros((1, 3, 1, 3))
    move[0, [0, 1, 2], 0, [1, 2, 2]] = 1  # one state up per decision
    mdp = TabularMDP(
        move, np.zeros((1, 3, 1, 1)), np.eye(3)[:1], np.ones(1), 1.0, 2, np.array([0.7, 0.2])
    )
    law = final_law(mdp, np.ones((1, 3, 1)))
    np.testing.assert_allclose(law, [[0.3, 0.5, 0.2]])


def test_an_infinite_horizon_without_discount_is_refused():
    mdp = random_mdp(0)
    with pytest.raises(ValueError, match="discount < 1"):
        expected_returns(mdp, random_policy(0, 2, 4, 3))


def test_value_iteration_reports_when_it_ran_out_of_iterations():
    mdp = random_mdp(0, discount=0.9)
    assert value_iteration(mdp, max_iterations=2).result is RESULTS.iteration_limit


def test_a_policy_of_the_wrong_shape_is_named():
    mdp = random_mdp(0, horizon=3)
    with pytest.raises(ValueError, match="policy must be"):
        totals(mdp, np.ones((2, 2)))
