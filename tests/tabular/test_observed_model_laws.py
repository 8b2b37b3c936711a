"""Laws of the model whose observed scores move by other numbers than the true ones."""

import numpy as np
import pytest

from evenhand.core.errors import InputError
from evenhand.data.presets import drift_1, gym
from evenhand.tabular.evaluation import expected_returns, state_laws
from evenhand.tabular.observed import observed_model

ONES = np.ones(2)


def rule(levels, cut=3):
    return np.tile(np.arange(levels) >= cut, (2, 1)).astype(float)


@pytest.mark.parametrize("make", [gym, drift_1])
def test_with_the_true_moves_the_observed_score_is_the_true_level(make):
    population = make()
    model = observed_model(population, ONES, ONES, 500)
    laws = state_laws(model.mdp, model.seen_by(rule(population.num_levels)))[:, -1]
    # Drift may clip both scores alike, so they never part.
    assert laws[:, model.true_level != model.observed].max() < 1e-15


def test_with_the_true_moves_returns_are_those_of_the_person_model():
    population = gym()
    person, model = population.person(2_000), observed_model(population, ONES, ONES, 2_000)
    table = rule(population.num_levels)
    expected = expected_returns(person, np.stack([1 - table, table], -1))[:, 0]
    found = expected_returns(model.mdp, model.seen_by(table))[:, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_the_observed_moves_never_change_what_happens_to_a_person_who_is_always_approved():
    population = gym()
    everybody = np.ones((2, population.num_levels))
    returns = []
    for up, down in ((ONES, ONES), (np.array([0.3, 2.6]), np.array([1.9, 0.0]))):
        model = observed_model(population, up, down, 2_000)
        returns.append(expected_returns(model.mdp, model.seen_by(everybody)))
    np.testing.assert_allclose(returns[0], returns[1], rtol=1e-10)


def test_a_move_between_grid_points_keeps_its_mean():
    population = gym()
    model = observed_model(population, np.array([0.3, 1.4]), np.array([0.6, 0.1]))
    middle = (model.observed >= 2) & (model.observed <= 4)
    mean = model.mdp.transition[:, middle, 1] @ model.observed - model.observed[middle]
    repay = population.repay_prob[:, model.true_level[middle]]
    expected = repay * np.array([[0.3], [1.4]]) - (1 - repay) * np.array([[0.6], [0.1]])
    np.testing.assert_allclose(mean, expected, atol=1e-12)


def test_seen_with_the_true_moves_the_model_is_the_person_model():
    population = gym()
    person, model = population.person(2_000), observed_model(population, ONES, ONES, 2_000, 1)
    table = rule(population.num_levels)
    laws = model.visited(model.seen_by(table))
    seen, shares = model.as_seen(laws)
    np.testing.assert_allclose(shares.sum(1), 1)
    # Up to rewards and moves of levels that nobody of a group ever shows.
    shown = shares > 1e-12
    np.testing.assert_allclose(seen.transition[shown], person.transition[shown], atol=1e-9)
    np.testing.assert_allclose(seen.rewards[shown][..., 0], person.rewards[shown][..., 0])


def test_a_group_whose_score_rises_faster_than_the_truth_is_seen_above_it():
    model = observed_model(gym(), np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    laws = model.visited(model.seen_by(rule(7)))
    ahead = laws @ (model.observed - model.true_level)
    assert abs(ahead[0]) < 1e-12
    assert ahead[1] > 0.3


def test_a_negative_move_is_refused_by_name():
    with pytest.raises(InputError, match="observed_up and observed_down"):
        observed_model(gym(), -ONES, ONES)
