"""Drawn objects are valid, and laws of the library hold for them."""

import numpy as np
from hypothesis import given, settings

from evenhand.tabular.evaluation import expected_returns, final_law
from evenhand.testing.strategies import lending_populations, outcomes, tabular_mdps


@given(mdp=tabular_mdps(horizons=(4,)))
@settings(max_examples=30)
def test_state_laws_of_drawn_problems_are_distributions(mdp):
    policy = np.full((mdp.num_groups, mdp.num_states, mdp.num_actions), 1 / mdp.num_actions)
    assert np.allclose(final_law(mdp, policy).sum(-1), 1)


@given(population=lending_populations())
@settings(max_examples=20)
def test_nobody_moves_and_nothing_is_earned_where_all_are_denied_without_drift(population):
    person = population.person()
    deny = np.zeros((person.num_groups, person.num_states, 2))
    deny[..., 0] = 1
    profit, gain, approved, *_ = expected_returns(person, deny).T
    assert np.allclose(profit, 0)
    assert np.allclose(approved, 0)
    assert population.drift is not None or np.allclose(gain, 0)


@given(outcome=outcomes(num_groups=2, num_people=6))
@settings(max_examples=30)
def test_drawn_people_belong_to_their_groups(outcome):
    assert np.array_equal(outcome.group, np.asarray(outcome.person) // 3)
