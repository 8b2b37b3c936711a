"""Losses and scores of a batch against sums written out by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.supervised.chooser import LargerLoss
from evenhand.supervised.student_network import draw_heads
from evenhand.supervised.task_loss import (
    accuracy_loss,
    both_losses,
    cross_entropy,
    scores,
    worst_group_loss,
)

SHAPE = (12, 2)


@st.composite
def batches(draw, every_cell=False):
    """Logits, labels and groups of 12 rows and two tasks; with `every_cell`, none is empty."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    logits = rng.normal(size=(*SHAPE, 2)).astype(np.float32) * 2
    Y = rng.integers(0, 2, SHAPE).astype(np.int32)
    s = rng.integers(0, 2, SHAPE[0]).astype(np.int32)
    if every_cell:
        s[:4], Y[:4] = [0, 0, 1, 1], [[0, 0], [1, 1], [0, 0], [1, 1]]
    return jnp.asarray(logits), jnp.asarray(Y), jnp.asarray(s)


def by_hand(logits, Y, s, task):
    """Mean cross-entropy of each cell that has rows, and the batch's, with probabilities."""
    e = np.exp(np.asarray(logits[:, task], np.float64))
    right = e[np.arange(len(Y)), Y[:, task]] / e.sum(1)
    loss = -np.log(right)
    cells = {}
    for g in (0, 1):
        for y in (0, 1):
            inside = (np.asarray(s) == g) & (np.asarray(Y[:, task]) == y)
            if inside.any():
                cells[g, y] = loss[inside].mean()
    return cells, loss.mean()


@given(batch=batches())
def test_losses_are_the_mean_and_the_sum_of_the_worse_groups_cells(batch):
    logits, Y, s = batch
    found = np.asarray(both_losses(*batch))
    for task in range(SHAPE[1]):
        cells, mean = by_hand(logits, Y, s, task)
        worst = sum(
            max((v for (g, label), v in cells.items() if label == y), default=0.0) for y in (0, 1)
        )
        np.testing.assert_allclose(found[:, task], [mean, worst], rtol=1e-5, atol=1e-6)


@given(batch=batches())
def test_cross_entropy_is_never_negative_where_the_printed_sign_would_make_it_so(batch):
    assert (np.asarray(cross_entropy(batch[0], batch[1])) >= 0).all()


@given(batch=batches(every_cell=True))
def test_the_worst_group_loss_is_never_the_smaller_one_while_no_cell_is_empty(batch):
    losses = both_losses(*batch)
    assert (np.asarray(losses[1]) >= np.asarray(losses[0]) - 1e-6).all()
    heads = draw_heads(np.random.default_rng(0), 3, SHAPE[1])
    assert LargerLoss().choose((), heads, losses, losses).tolist() == [1, 1]


def test_sums_instead_of_means_would_turn_the_greedy_rule_around():
    # Equations 10 and 11 read literally: the accuracy loss adds both groups, F keeps the larger.
    rng = np.random.default_rng(0)
    for _ in range(50):
        loss, s, y = rng.exponential(size=20), rng.integers(0, 2, 20), rng.integers(0, 2, 20)
        F = sum(max(loss[(s == g) & (y == label)].sum() for g in (0, 1)) for label in (0, 1))
        assert loss.sum() + 1e-12 >= F


def test_a_batch_without_some_cells_has_finite_losses_and_gradients():
    logits, Y = jnp.zeros((4, 1, 2)), jnp.ones((4, 1), jnp.int32)
    s = jnp.zeros(4, jnp.int32)
    value, slope = jax.value_and_grad(lambda x: worst_group_loss(x, Y, s).sum())(logits)
    assert value == pytest.approx(np.log(2))
    assert np.isfinite(np.asarray(slope)).all()


def test_the_worst_group_loss_of_eight_rows_is_the_number_worked_out_by_hand():
    # Probability .8 for label 1 everywhere; then .5 in one cell of positives.
    logit = np.log(4.0)
    logits = np.zeros((8, 1, 2), np.float32)
    logits[:, 0, 1] = logit
    logits[:2, 0, 1] = 0.0
    Y, s = np.array([1, 1, 1, 1, 0, 0, 0, 0])[:, None], np.array([0, 0, 1, 1, 0, 0, 1, 1])
    found = worst_group_loss(jnp.asarray(logits), jnp.asarray(Y), jnp.asarray(s))
    assert float(found[0]) == pytest.approx(-np.log(0.5) - np.log(0.2), abs=1e-5)
    mean = accuracy_loss(jnp.asarray(logits), jnp.asarray(Y))
    assert float(mean[0]) == pytest.approx(
        -(2 * np.log(0.5) + 2 * np.log(0.8) + 4 * np.log(0.2)) / 8, abs=1e-5
    )


@given(batch=batches())
def test_scores_are_those_of_counted_rates(batch):
    logits, Y, s = (np.asarray(leaf) for leaf in batch)
    found = scores(*batch)
    for task in range(SHAPE[1]):
        predicted = logits[:, task, 1] > logits[:, task, 0]
        assert float(found.accuracy[task]) == pytest.approx((predicted == Y[:, task]).mean())
        apart = 0.0
        for y in (0, 1):
            cells = [(s == g) & (Y[:, task] == y) for g in (0, 1)]
            if all(cell.any() for cell in cells):
                apart += abs(predicted[cells[0]].mean() - predicted[cells[1]].mean())
        assert float(found.violation[task]) == pytest.approx(apart, abs=1e-6)


@given(batch=batches())
def test_swapping_the_names_of_the_groups_changes_nothing(batch):
    logits, Y, s = batch
    swapped = both_losses(logits, Y, 1 - s)
    np.testing.assert_allclose(np.asarray(swapped), np.asarray(both_losses(*batch)), rtol=1e-6)
    a, b = scores(*batch), scores(logits, Y, 1 - s)
    np.testing.assert_allclose(np.asarray(a.violation), np.asarray(b.violation), atol=1e-6)
