"""A network per task against a second implementation, and against fits of one task alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from evenhand.core.errors import InputError
from evenhand.supervised import SingleTask, load_classifier
from evenhand.supervised.separate_students import SeparateStudents
from evenhand.supervised.student_network import draw_student, features_in_training, logits
from evenhand.supervised.task_loss import Batch, both_losses

SMALL = {"hidden": (6, 4), "batch_size": 50, "epochs": 4, "random_state": 3}


def people(num_rows=200, seed=0):
    rng = np.random.default_rng(seed)
    s = rng.integers(0, 2, num_rows)
    X = rng.normal(size=(num_rows, 3)).astype(np.float32)
    scores = X @ rng.normal(size=(3, 3)) + 0.8 * s[:, None] + 0.5 * rng.normal(size=(num_rows, 3))
    return X, (scores > 0.3).astype(int), s


@pytest.fixture(scope="module")
def fitted():
    X, Y, s = people()
    return {keep: SingleTask(**SMALL, keep=keep).fit(X, Y, sensitive_features=s)
            for keep in ("best", "last")}  # fmt: skip


def adamw(start, grad, steps):
    """The leaves after steps of AdamW at torch's defaults, as its paper's algorithm 2 has them."""
    leaves, shape = jax.tree.flatten(start)
    leaves = [np.asarray(leaf, float) for leaf in leaves]
    mean, square = ([np.zeros_like(leaf) for leaf in leaves] for _ in range(2))
    for t in range(1, steps + 1):
        at = jax.tree.unflatten(shape, [jnp.asarray(leaf, jnp.float32) for leaf in leaves])
        for i, g in enumerate(jax.tree.leaves(grad(at))):
            mean[i] = 0.9 * mean[i] + 0.1 * np.asarray(g)
            square[i] = 0.999 * square[i] + 0.001 * np.asarray(g) ** 2
            step = mean[i] / (1 - 0.9**t) / (np.sqrt(square[i] / (1 - 0.999**t)) + 1e-8)
            leaves[i] = leaves[i] - 1e-3 * (step + 0.01 * leaves[i])
    return leaves


def test_a_step_is_that_of_one_adamw_per_task():
    X, Y, s = people(50)
    rule = SeparateStudents(hidden=(6, 4), fairness_weight=0.7)
    batch = Batch(jnp.asarray(X), jnp.asarray(Y), jnp.asarray(s))
    state = rule.init(np.random.default_rng(1), 3, 3)
    for _ in range(2):
        state, _ = rule.step(state, batch)
    for task in range(3):
        student, moments = draw_student(np.random.default_rng(1), 3, (6, 4), 1)

        def loss(student, moments=moments, task=task):
            Z, _ = features_in_training(student.trunk, moments, batch.X)
            found = both_losses(logits(student.heads, Z), batch.Y[:, [task]], batch.s)
            return found[0, 0] + 0.7 * found[1, 0]

        expected = adamw(student, jax.jit(jax.grad(loss)), 2)
        mine = [np.asarray(leaf)[task] for leaf in jax.tree.leaves(state.network.student)]
        for i, (found, wanted) in enumerate(zip(mine, expected, strict=True)):
            # A bias under a normalisation has no gradient but rounding, which Adam makes large.
            if i != 1:
                np.testing.assert_allclose(found, wanted, atol=2e-5)


@pytest.mark.slow
def test_a_task_is_predicted_the_same_whatever_is_fitted_beside_it(fitted):
    X, Y, s = people()
    together = fitted["best"].positive_probability(X)
    for tasks in ([1], [2, 0]):
        apart = SingleTask(**SMALL).fit(X, Y[:, tasks], sensitive_features=s)
        np.testing.assert_allclose(apart.positive_probability(X), together[:, tasks], atol=2e-4)
        np.testing.assert_array_equal(apart.task_epochs_, fitted["best"].task_epochs_[tasks])


def test_every_task_keeps_the_epoch_of_its_best_validation_accuracy(fitted):
    accuracy = fitted["best"].history_["accuracy"]
    epochs = fitted["best"].task_epochs_
    np.testing.assert_array_equal(epochs, accuracy.argmax(0))
    assert len(set(epochs)) > 1, "the tasks' epochs should differ, or nothing is tested"
    X, Y, s = people()
    for task, epoch in enumerate(epochs):
        # Training is the same up to that epoch, so ending there gives that network.
        ended = SingleTask(**SMALL | {"epochs": int(epoch) + 1}, keep="last")
        ended.fit(X, Y, sensitive_features=s)
        np.testing.assert_allclose(
            ended.positive_probability(X)[:, task],
            fitted["best"].positive_probability(X)[:, task], atol=1e-6,
        )  # fmt: skip


def test_the_last_model_is_that_of_the_last_epoch(fitted):
    state = fitted["last"].state_
    moved = jax.tree.map(
        lambda a, b: bool(jnp.any(a != b)),
        state.network.student,
        fitted["best"].state_.network.student,
    )
    assert any(jax.tree.leaves(moved))
    np.testing.assert_array_equal(state.best_epoch, fitted["best"].task_epochs_)


def test_a_file_gives_back_predictions_and_epochs(fitted, tmp_path):
    X = people()[0]
    loaded = load_classifier(fitted["best"].save(tmp_path / "single.npz"))
    np.testing.assert_array_equal(
        loaded.positive_probability(X), fitted["best"].positive_probability(X)
    )
    np.testing.assert_array_equal(loaded.task_epochs_, fitted["best"].task_epochs_)


def test_a_negative_fairness_weight_is_refused():
    X, Y, s = people()
    with pytest.raises(InputError, match="fairness_weight must be at least 0"):
        SingleTask(fairness_weight=-1).fit(X, Y, sensitive_features=s)
