"""MTA-F against written-out losses, against plain multi-task learning, and by counting rows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.core.errors import InputError
from evenhand.supervised import MTAF, VanillaMTL, load_classifier
from evenhand.supervised.exclusive_rows import ExclusiveRows, exclusive
from evenhand.supervised.student_network import features_in_training, logits
from evenhand.supervised.task_loss import Batch

SMALL = {"hidden": (6, 4), "batch_size": 50, "epochs": 3, "random_state": 3}


def people(num_rows=200, seed=0):
    rng = np.random.default_rng(seed)
    s = rng.integers(0, 2, num_rows)
    X = rng.normal(size=(num_rows, 3)).astype(np.float32)
    scores = X @ rng.normal(size=(3, 3)) + 0.8 * s[:, None] + 0.5 * rng.normal(size=(num_rows, 3))
    return X, (scores > 0.3).astype(int), s


@pytest.fixture(scope="module")
def fitted():
    X, Y, s = people()
    return MTAF(**SMALL).fit(X, Y, sensitive_features=s)


@given(st.integers(1, 3).flatmap(lambda M: st.lists(
    st.lists(st.integers(0, 1), min_size=M, max_size=M), min_size=1, max_size=6)))  # fmt: skip
def test_exclusive_rows_and_the_others_partition_the_rows(rows):
    found = np.asarray(exclusive(jnp.asarray(rows)))
    for row, mine in zip(rows, found, strict=True):
        for task, label in enumerate(row):
            others = row[:task] + row[task + 1 :]
            assert mine[task] == all(other == 1 - label for other in others)
            # Of three tasks or more, a row is exclusive to one at most.
        assert len(row) < 3 or mine.sum() <= 1


def worst(found, y, s, chosen):
    """The worst-group loss of one task over the chosen rows, cell by cell in plain numbers."""
    log_prob = jax.nn.log_softmax(found)
    chosen = chosen if chosen.any() else np.ones(len(y), bool)
    total = 0.0
    for label in (0, 1):
        cells = [np.flatnonzero(chosen & (y == label) & (s == group)) for group in (0, 1)]
        means = [-jnp.mean(log_prob[rows, label]) for rows in cells if len(rows)]
        total = total + (jnp.max(jnp.stack(means)) if means else 0.0)
    return total


def written_out(student, moments, batch, fairness_weights, alone):
    """The loss of every task, of its exclusive rows alone or of the others."""
    Z, _ = features_in_training(student.trunk, moments, batch.X)
    found, Y, s = logits(student.heads, Z), np.asarray(batch.Y), np.asarray(batch.s)
    losses = []
    for task, y in enumerate(Y.T):
        rows = np.array([all(o == 1 - row[task] for j, o in enumerate(row) if j != task)
                         for row in Y])  # fmt: skip
        right = -jnp.mean(jax.nn.log_softmax(found[:, task])[np.arange(len(y)), y])
        unfair = worst(found[:, task], y, s, rows if alone else ~rows)
        losses.append(right + fairness_weights[task] * unfair)
    return losses


@pytest.mark.slow
@pytest.mark.parametrize("empty", [False, True])
def test_heads_follow_exclusive_rows_and_the_trunk_the_others(empty):
    X, Y, s = people(40, seed=2)
    if empty:
        Y = np.repeat(Y[:, :1], 3, 1)  # all tasks agree, so no row is exclusive
    batch = Batch(jnp.asarray(X), jnp.asarray(Y), jnp.asarray(s))
    fairness, weights = (0.3, 1.0, 2.0), (0.5, 0.3, 0.2)
    rule = ExclusiveRows(hidden=(6, 4), task_weights=(5.0, 3.0, 2.0), fairness_weights=fairness)
    state = rule.init(np.random.default_rng(1), 3, 3)
    after, record = rule.step(state, batch)
    assert record["exclusive"].sum() == 0 if empty else (record["exclusive"] > 0).all()

    def total(student, alone, weights):
        each = written_out(student, state.moments, batch, fairness, alone)
        return sum(weight * loss for weight, loss in zip(weights, each, strict=True))

    slope = jax.jit(jax.grad(total), static_argnums=(1, 2))
    # The first moment of Adam after its first step is a tenth of the gradient.
    seen = jax.tree.map(lambda leaf: leaf / 0.1, after.optimiser.mean)
    close = lambda a, b: np.testing.assert_allclose(a, b, atol=2e-6)  # noqa: E731
    jax.tree.map(close, seen.heads, slope(state.student, True, (1, 1, 1)).heads)
    jax.tree.map(close, seen.trunk, slope(state.student, False, weights).trunk)


def test_without_fairness_it_is_plain_multi_task_learning():
    X, Y, s = people()
    plain = VanillaMTL(**SMALL, gradnorm_rate=0).fit(X, Y, sensitive_features=s)
    mine = MTAF(**SMALL, fairness_weights=0).fit(X, Y, sensitive_features=s)
    np.testing.assert_allclose(
        mine.positive_probability(X), plain.positive_probability(X), atol=1e-5
    )


def test_exclusive_sizes_count_training_rows_and_survive_a_file(fitted, tmp_path):
    X, Y, s = people()
    given_rows = MTAF(**SMALL | {"epochs": 1}).fit(X, Y, sensitive_features=s, validation=(X, Y, s))
    counted = [sum(1 for row in Y if all(row[j] != row[t] for j in range(3) if j != t))
               for t in range(3)]  # fmt: skip
    np.testing.assert_array_equal(given_rows.exclusive_sizes_, counted)
    loaded = load_classifier(fitted.save(tmp_path / "mtaf.npz"))
    np.testing.assert_array_equal(loaded.exclusive_sizes_, fitted.exclusive_sizes_)
    np.testing.assert_array_equal(loaded.positive_probability(X), fitted.positive_probability(X))


def test_the_search_keeps_the_candidate_that_validates_best(fitted):
    X, Y, s = people()
    best = MTAF.searched(X, Y, sensitive_features=s, candidates=(0.0, 1.0), **SMALL)
    alone = MTAF(**SMALL, fairness_weights=0.0).fit(X, Y, sensitive_features=s)
    scores = [float(np.mean(each.history_["accuracy"][-1] - each.history_["violation"][-1]))
              for each in (alone, fitted)]  # fmt: skip
    assert [score for _, score in best.search_] == pytest.approx(scores, abs=1e-6)
    kept = (alone, fitted)[int(np.argmax(scores))]
    np.testing.assert_allclose(
        best.positive_probability(X), kept.positive_probability(X), atol=1e-6
    )


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"fairness_weights": (1.0, 2.0)}, "fairness_weights has 2 numbers for 3 tasks"),
        ({"fairness_weights": -1.0}, "fairness_weights must be numbers at least 0"),
        ({"task_weights": (1.0, 0.0, 1.0)}, "task_weights must be numbers above 0"),
    ],
)
def test_weights_that_do_not_fit_are_refused(settings, words):
    X, Y, s = people()
    with pytest.raises(InputError, match=words):
        MTAF(**SMALL, **settings).fit(X, Y, sensitive_features=s)
