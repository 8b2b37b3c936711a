"""The catalogue on an evaluation small enough to count by hand, and on real ones."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from evenhand.core.environment import Outcome, Population
from evenhand.core.errors import InputError
from evenhand.core.policy import threshold_policy
from evenhand.core.rollout import Evaluation, evaluate, group_returns
from evenhand.data.presets import gym
from evenhand.envs.lending import Lending
from evenhand.metrics import metric
from evenhand.metrics.catalogue import METRICS, measure
from evenhand.metrics.statistics import approvals_over_time, final_score, scores_over_time


class College:
    """As much of a world as metrics read."""

    num_groups, num_people = 3, 6
    signals = ("reward", "cost_paid")


def by_hand():
    """One episode; group 2 is never seen; person 1 pays twice and is admitted, person 0 is not."""
    outcome = Outcome(
        group=jnp.array([[0, 0, 1, 0, 0]]),
        person=jnp.array([[0, 1, 2, 1, 0]]),
        decision=jnp.array([[0, 0, 1, 1, 1]]),
        label=jnp.array([[1, 1, 0, 1, 1]]),
        weight=jnp.array([[1.0, 1.0, 1.0, 1.0, 0.0]]),
    )
    rewards = jnp.array([[[0.0, 4.0], [0.0, 2.0], [-1.0, 1.0], [1.0, 3.0], [9.0, 9.0]]])
    people = Population(
        group=jnp.array([[[0, 0, 1, 1, 2, 2]]] * 1),
        weight=jnp.ones((1, 1, 6)),
        true_score=jnp.array([[[0.0, 1.0, 1.0, 2.0, 3.0, 3.0]]]),
        observed_score=jnp.array([[[0.0, 1.0, 0.5, 0.5, 3.0, 3.0]]]),
    )
    one = jnp.zeros((3, 2))
    return Evaluation(one[None], rewards, outcome, people)


def test_every_metric_counted_by_hand():
    found = measure(by_hand(), College(), None)
    nan = np.nan
    expected = {
        "return": ([1, -1, nan], [3, 1, 0], 0),
        "return_by_group": ([1, -1, nan], [3, 1, 0], nan),
        "profit_rate": ([1 / 3, -1, nan], [3, 1, 0], 0),
        "approval_rate": ([1 / 3, 1, nan], [3, 1, 0], 0.5),
        "recall": ([1 / 3, nan, nan], [3, 0, 0], 1 / 3),
        "credit_gap_true": ([0.5, 1.5, 3], [2, 2, 2], 2.5),
        "credit_gap_observed": ([0.5, 0.5, 3], [2, 2, 2], 2.5),
        "qualification_gain": ([nan] * 3, [0, 0, 0], nan),
        "social_burden": ([5, 1, nan], [1, 1, 0], 3),
    }
    assert list(found) == list(METRICS) == list(expected)
    for name, (by_group, count, value) in expected.items():
        one = found[name]
        np.testing.assert_allclose(one.by_group[0], by_group, rtol=1e-6, err_msg=name)
        np.testing.assert_allclose(one.count[0], count, err_msg=name)
        np.testing.assert_allclose(one.value[0], value, rtol=1e-6, err_msg=name)
        assert np.isnan(one.difference[0]) == np.isnan(by_group).any(), name
        assert np.isnan(one.signed_difference[0]), name
    np.testing.assert_allclose(found["credit_gap_observed"].pairs[0], [0.5, 2.5, 2.5])


def test_the_mean_over_pairs_is_there_beside_the_largest():
    found = final_score("true_score", by_hand(), College(), None)
    np.testing.assert_allclose(metric.largest_pair(found), [2.5])
    np.testing.assert_allclose(metric.mean_pair(found), [(1 + 2.5 + 1.5) / 3])


@pytest.fixture(scope="module")
def lending():
    env = Lending(gym(3, 20))
    params = env.default_params()
    found = evaluate(jr.key(0), env, params, threshold_policy(env, 3), num_episodes=3, steps=400)
    return env, params, found


def test_no_data_is_nan_with_count_0_and_data_never_is(lending):
    env, params, evaluation = lending
    for name, one in measure(evaluation, env, params).items():
        assert one.by_group.shape == one.count.shape == (3, 3), name
        np.testing.assert_array_equal(np.isnan(one.by_group), one.count == 0, err_msg=name)


def test_returns_are_those_of_the_evaluation(lending):
    env, params, evaluation = lending
    found = measure(evaluation, env, params, ["return", "qualification_gain", "profit_rate"])
    np.testing.assert_allclose(found["return"].by_group, evaluation.J[..., 0], rtol=1e-6)
    gain = found["qualification_gain"].by_group
    np.testing.assert_allclose(gain, evaluation.J[..., 1], atol=1e-4)
    np.testing.assert_allclose(found["profit_rate"].value * 400, found["return"].value, rtol=1e-5)
    again = group_returns(evaluation.rewards[0], _first(evaluation.outcomes), 3)
    np.testing.assert_allclose(again, evaluation.J[0], atol=1e-5)


def _first(outcomes):
    fields = ("group", "person", "decision", "label", "weight")
    return Outcome(*(getattr(outcomes, name)[0] for name in fields))


def test_qualification_gain_telescopes_to_the_change_of_potential(lending):
    env, params, evaluation = lending
    phi = np.asarray(params.gain)[np.asarray(evaluation.population.true_score).astype(int)]
    change = phi[:, -1] - phi[:, 0]
    group = np.asarray(evaluation.population.group)[0, 0]
    expected = np.stack([change[:, group == g].sum(1) for g in range(3)], -1)
    found = measure(evaluation, env, params, ["qualification_gain"])["qualification_gain"]
    np.testing.assert_allclose(found.by_group, expected, atol=1e-3)


def test_over_time_ends_where_the_episode_does(lending):
    env, params, evaluation = lending
    approvals = approvals_over_time(evaluation, env)
    found = measure(evaluation, env, params, ["approval_rate", "credit_gap_true"])
    rate = found["approval_rate"]
    np.testing.assert_allclose(approvals[:, -1], rate.by_group * rate.count, rtol=1e-5)
    scores = scores_over_time(evaluation, env)
    assert scores.pairs.shape == (3, 21, 3)
    np.testing.assert_allclose(scores.pairs[:, -1], found["credit_gap_true"].pairs, atol=1e-5)
    np.testing.assert_allclose(scores.by_group[:, 0, 0] - scores.by_group[:, 0, 2], 1, atol=1e-5)


def test_an_unknown_metric_is_answered_with_the_nearest(lending):
    env, params, evaluation = lending
    with pytest.raises(InputError, match="did you mean 'recall'"):
        measure(evaluation, env, params, ["recal"])


def test_the_table_is_complete_and_says_what_it_averages():
    for name, one in METRICS.items():
        assert one.id == name
        assert one.definition.endswith(".")
        assert one.direction in ("higher", "lower", None)
        assert one.unit
    for name in ("return_by_group", "recall", "approval_rate", "credit_gap_true"):
        assert "ESR" in METRICS[name].definition
