"""Laws of accuracy and equalised odds over several tasks; fairlearn is the second opinion."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenhand.core.errors import InputError
from evenhand.metrics.multi_task import (
    equalized_odds_violation,
    mean_violation,
    rates_by_task,
    relative_accuracy,
    relative_violation,
    task_accuracy,
)


@st.composite
def predictions(draw):
    """Targets, predictions and groups with both groups present; cells may be empty."""
    num_rows, num_tasks = draw(st.sampled_from([(6, 1), (9, 2), (40, 3)]))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    share = draw(st.sampled_from([0.1, 0.5, 0.9]))
    Y_true, Y_pred = (rng.random((2, num_rows, num_tasks)) < share).astype(np.int8)
    s = (rng.random(num_rows) < share).astype(np.int8)
    s[:2] = 0, 1
    return Y_true, Y_pred, s


def test_a_batch_of_eight_by_hand():
    s = np.array([0, 0, 0, 0, 1, 1, 1, 1], np.int8)
    truth = np.array([1, 1, 0, 0, 1, 1, 1, 0], np.int8)
    said = np.array([1, 0, 1, 0, 1, 1, 1, 0], np.int8)
    # Group 0: TPR 1/2, FPR 1/2. Group 1: TPR 3/3, FPR 0/1. Second task: always right.
    Y_true, Y_pred = np.stack([truth, truth], 1), np.stack([said, truth], 1)
    assert equalized_odds_violation(Y_true, Y_pred, s).tolist() == [1.0, 0.0]
    assert task_accuracy(Y_true, Y_pred).tolist() == [0.75, 1.0]
    rates = rates_by_task(Y_true, Y_pred, s)
    assert rates.true_positive[0].tolist() == [0.5, 1.0]
    assert rates.false_positive[0].tolist() == [0.5, 0.0]
    assert rates.positives[0].tolist() == [2, 3]
    assert rates.negatives[0].tolist() == [2, 1]


# fairlearn takes a tenth of a second per rate.
@settings(max_examples=10)
@given(data=predictions())
def test_the_violation_is_the_sum_of_fairlearns_two_differences(data):
    from fairlearn.metrics import false_positive_rate_difference, true_positive_rate_difference

    Y_true, Y_pred, s = data
    ours = equalized_odds_violation(Y_true, Y_pred, s)
    rates = rates_by_task(Y_true, Y_pred, s)
    for t in range(Y_true.shape[1]):
        # Where a group has no positives (or negatives), fairlearn calls 0 of 0 a rate of 0.
        terms = [
            difference(Y_true[:, t], Y_pred[:, t], sensitive_features=s)
            for difference, counts in (
                (true_positive_rate_difference, rates.positives[t]),
                (false_positive_rate_difference, rates.negatives[t]),
            )
            if (counts > 0).all()
        ]
        assert ours[t] == pytest.approx(sum(terms))


@given(data=predictions(), seed=st.integers(0, 99))
def test_neither_the_order_of_rows_nor_the_names_of_groups_matter(data, seed):
    Y_true, Y_pred, s = data
    order = np.random.default_rng(seed).permutation(len(s))
    whole = equalized_odds_violation(Y_true, Y_pred, s)
    assert np.allclose(equalized_odds_violation(Y_true[order], Y_pred[order], s[order]), whole)
    assert np.allclose(equalized_odds_violation(Y_true, Y_pred, (1 - s).astype(np.int8)), whole)
    assert np.allclose(task_accuracy(Y_true[order], Y_pred[order]), task_accuracy(Y_true, Y_pred))


@given(data=predictions())
def test_swapping_yes_and_no_everywhere_keeps_the_violation(data):
    Y_true, Y_pred, s = data
    mirrored = equalized_odds_violation(
        (1 - Y_true).astype(np.int8), (1 - Y_pred).astype(np.int8), s
    )
    assert np.allclose(mirrored, equalized_odds_violation(Y_true, Y_pred, s))


@given(data=predictions())
def test_the_violation_lies_between_0_and_2_and_is_0_for_the_truth_and_for_constants(data):
    Y_true, Y_pred, s = data
    violation = equalized_odds_violation(Y_true, Y_pred, s)
    assert ((violation >= 0) & (violation <= 2)).all()
    for none in (Y_true, np.zeros_like(Y_true), np.ones_like(Y_true)):
        assert (equalized_odds_violation(Y_true, none, s) == 0).all()


def test_predicting_the_group_is_the_worst_there_is():
    s = np.array([0, 0, 1, 1], np.int8)
    assert equalized_odds_violation(np.array([[0], [1], [0], [1]]), s[:, None], s) == [2.0]


def test_an_empty_cell_counts_0_unless_nan_is_asked_for():
    s = np.array([0, 0, 1, 1], np.int8)
    Y_true, Y_pred = np.array([[0], [1], [0], [0]]), np.array([[0], [1], [1], [0]])
    assert equalized_odds_violation(Y_true, Y_pred, s) == [0.5]
    assert np.isnan(equalized_odds_violation(Y_true, Y_pred, s, empty=np.nan)).all()


@given(values=st.lists(st.floats(0.01, 1.0), min_size=1, max_size=5), factor=st.floats(0.1, 5))
def test_relative_to_itself_everything_is_1_and_a_common_factor_comes_out(values, factor):
    values = np.array(values)
    assert relative_accuracy(values, values) == pytest.approx(1)
    assert relative_violation(values, values) == pytest.approx(1)
    assert relative_violation(factor * values, values) == pytest.approx(factor)
    assert relative_accuracy(factor * values, values) == pytest.approx(factor)


def test_a_single_task_violation_near_zero_is_divided_by_the_stated_least():
    violation, single = np.array([0.02, 0.1]), np.array([0.0, 0.2])
    assert relative_violation(violation, single, least=0.01) == pytest.approx((2 + 0.5) / 2)
    assert relative_violation(violation, single) == pytest.approx((20 + 0.5) / 2)
    assert mean_violation(violation) == pytest.approx(0.06)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda y, s: equalized_odds_violation(y, y[:, :1], s), "do not fit"),
        (lambda y, s: equalized_odds_violation(y, y, s[:2]), "do not fit"),
        (lambda y, s: equalized_odds_violation(y, y + 0.5, s), "predictions hold values other"),
        (lambda y, s: equalized_odds_violation(y, y, s * 2), "groups hold values other"),
        (lambda y, s: task_accuracy(y[:0], y[:0]), "no rows"),
        (lambda y, s: relative_accuracy(np.ones(2), np.zeros(2)), "accuracy 0"),
        (lambda y, s: relative_violation(np.ones(2), np.ones(3)), "one number per task"),
        (lambda y, s: relative_violation(np.ones(2), np.ones(2), least=0.0), "least = 0.0"),
    ],
)
def test_what_does_not_fit_is_said_in_a_sentence(call, words):
    Y, s = np.array([[0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1])
    with pytest.raises(InputError, match=words):
        call(Y, s)
