"""The teacher's reward, targets, look-ahead and choices, each against a second way to get it."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.supervised.look_ahead import Outlook, head_states, look_ahead, reward
from evenhand.supervised.q_network import q_targets, q_values
from evenhand.supervised.shared_student import SharedStudent
from evenhand.supervised.student_network import (
    Heads,
    Student,
    draw_student,
    features_in_training,
    logits,
)
from evenhand.supervised.task_loss import Batch, Scores, both_losses, scores
from evenhand.supervised.teacher import Teacher
from evenhand.supervised.training import train

F, M, HIDDEN = 4, 3, (6, 5)
TEACHER = Teacher(hidden=(8, 8, 4))


def rows(n=48, seed=0):
    rng = np.random.default_rng(seed)
    X, s = rng.normal(size=(n, F)), rng.integers(0, 2, n)
    Y = X[:, :M] + 0.5 * s[:, None] + rng.normal(size=(n, M)) > 0
    return Batch(jnp.asarray(X, jnp.float32), jnp.asarray(Y, jnp.int32), jnp.asarray(s, jnp.int32))


def outlook(accuracy, violation):
    state = jnp.zeros((1, 2)), jnp.zeros((1, 2, 2))
    return Outlook(*state, jnp.asarray([accuracy] * 1), jnp.asarray([violation] * 1))


@given(
    acc=st.floats(0.1, 0.99), eo=st.floats(0, 1.9), best=st.floats(0.1, 0.99), low=st.floats(0, 0.9)
)
def test_a_reward_is_positive_only_where_accuracy_and_equality_both_gain(acc, eo, best, low):
    seen = outlook([acc, acc], [eo, eo])
    found = float(reward(seen, jnp.array([best]), jnp.array([low]))[0, 0])
    expected = min((acc - best) / best, (low - eo) / max(1 - low, 0.05))
    assert found == pytest.approx(expected, abs=2e-4, rel=2e-4)
    if found > 1e-4:
        assert acc > best
        assert eo < low


def test_a_best_violation_above_one_does_not_turn_the_reward_around():
    # Equality 1 - 1.4 is negative: divided by it, a gain would count as a loss.
    seen = outlook([0.9, 0.9], [1.2, 1.6])
    better, worse = reward(seen, jnp.array([0.8]), jnp.array([1.4]))[0]
    assert float(better) > 0 > float(worse)


def test_targets_add_the_discounted_larger_value_of_the_next_state():
    network = TEACHER.init(np.random.default_rng(0), HIDDEN[-1], M).network
    rng = np.random.default_rng(1)
    after = jnp.asarray(rng.normal(size=(2, M, 2, 2 * HIDDEN[-1])), jnp.float32)
    R = jnp.asarray(rng.normal(size=(2, M, 2)), jnp.float32)
    found = np.asarray(q_targets(network, after, R, 0.9))
    for n in range(2):
        for m in range(M):
            for a in (0, 1):
                alone = q_values(network, jnp.broadcast_to(after[n, m, a][None, None], (1, M, 10)))
                expected = float(R[n, m, a]) + 0.9 * float(jnp.max(alone[0, m]))
                assert found[n, m, a] == pytest.approx(expected, abs=1e-5)


def test_without_a_future_the_teacher_learns_the_rewards_of_two_states():
    teacher = replace(TEACHER, discount=0.0, learning_rate=1e-2, weight_decay=0.0)
    state = teacher.init(np.random.default_rng(0), HIDDEN[-1], M)
    rng = np.random.default_rng(2)
    s = jnp.asarray(rng.normal(size=(2, M, 10)), jnp.float32)
    R = jnp.asarray(rng.uniform(-1, 1, size=(2, M, 2)), jnp.float32)
    learn = jax.jit(teacher.learn)
    for _ in range(600):
        state, losses = learn(state, s, jnp.stack([s, s], 2), R)
    assert float(jnp.max(losses)) < 1e-3
    np.testing.assert_allclose(np.asarray(q_values(state.network, s)), np.asarray(R), atol=0.08)
    # And it then chooses, from a head, the loss that was rewarded more.
    heads = Heads(s[0].reshape(M, HIDDEN[-1], 2), jnp.zeros((M, 2)))
    losses = jnp.ones((2, M))
    chosen = teacher.choose(state, heads, losses, losses)
    assert chosen.tolist() == np.argmax(np.asarray(R[0]), 1).tolist()


def test_decisions_turn_where_rewards_are_turned_around():
    teacher = replace(TEACHER, discount=0.0, learning_rate=1e-2)
    start = teacher.init(np.random.default_rng(0), HIDDEN[-1], M)
    s = jnp.asarray(np.random.default_rng(3).normal(size=(1, M, 10)), jnp.float32)
    R = jnp.asarray([[[1.0, -1.0], [-1.0, 1.0], [1.0, -1.0]]])
    heads, ones = Heads(s[0].reshape(M, HIDDEN[-1], 2), jnp.zeros((M, 2))), jnp.ones((2, M))
    chosen = []
    learn = jax.jit(teacher.learn)
    for sign in (1.0, -1.0):
        state = start
        for _ in range(100):
            state, _ = learn(state, s, jnp.stack([s, s], 2), sign * R)
        chosen.append(teacher.choose(state, heads, ones, ones))
    assert chosen[0].tolist() == [0, 1, 0]
    assert chosen[1].tolist() == [1, 0, 1]


def test_the_teachers_heads_follow_their_own_error_and_its_trunk_the_newly_weighted_sum():
    teacher = replace(TEACHER, gradnorm_rate=0.1)
    state = teacher.init(np.random.default_rng(0), HIDDEN[-1], M)
    rng = np.random.default_rng(4)
    draw = lambda *shape: jnp.asarray(rng.normal(size=shape), jnp.float32)  # noqa: E731
    s, after, R = draw(5, M, 10), draw(5, M, 2, 10), draw(5, M, 2)
    # Targets are numbers: the network's values of the next states, without a gradient.
    later = [np.asarray(q_values(state.network, after[:, :, a])).max(-1) for a in (0, 1)]
    wanted = np.asarray(R) + 0.9 * np.stack(later, -1)

    def error(network, m):
        return jnp.mean((q_values(network, s)[:, m] - wanted[:, m]) ** 2)

    slopes = [jax.jit(jax.grad(error), static_argnums=1)(state.network, m) for m in range(M)]
    found, losses = teacher.learn(state, s, after, R)
    np.testing.assert_allclose(losses, [error(state.network, m) for m in range(M)], rtol=1e-4)
    g = np.array([np.sqrt(sum((np.asarray(leaf) ** 2).sum() for leaf in jax.tree.leaves(x.trunk)))
                  for x in slopes])  # fmt: skip
    # Its first losses are these, so all have come equally far: the aim is the mean of G.
    weights = 1 / M - 0.1 * np.sign(g - g.mean()) * g
    weights = np.maximum(weights, 1e-6) / np.maximum(weights, 1e-6).sum()
    np.testing.assert_allclose(found.weights, weights, rtol=1e-3)
    given = jax.tree.map(lambda leaf: np.asarray(leaf) / 0.1, found.optimiser.mean)
    shared = jax.tree.map(
        lambda *leaves: sum(w * leaf for w, leaf in zip(weights, leaves, strict=True)),
        *(slope.trunk for slope in slopes),
    )
    heads = jax.tree.map(lambda *leaves: sum(leaves), *(slope.heads for slope in slopes))
    close = lambda a, b: np.testing.assert_allclose(a, b, atol=1e-4)  # noqa: E731
    jax.tree.map(close, given, type(given)(shared, heads))


@pytest.fixture(scope="module")
def looked():
    student, moments = draw_student(np.random.default_rng(1), F, HIDDEN, M)
    batch = rows()
    modes = {mode: look_ahead(student, moments, batch, mode=mode, rate=1e-2) for mode in
             ("head", "full")}  # fmt: skip
    return student, moments, batch, modes


@pytest.mark.parametrize("mode", ["head", "full"])
def test_an_outlook_is_a_step_of_adam_on_one_tasks_one_loss(looked, mode):
    import optax

    student, moments, batch, modes = looked
    found = modes[mode]
    np.testing.assert_array_equal(found.states, head_states(student.heads))
    for m in range(M):
        for a in (0, 1):

            def loss(student, m=m, a=a):
                Z, _ = features_in_training(student.trunk, moments, batch.X)
                return both_losses(logits(student.heads, Z), batch.Y, batch.s)[a, m]

            slope = jax.grad(loss)(student)
            if mode == "head":
                slope = Student(jax.tree.map(jnp.zeros_like, slope.trunk), slope.heads)
            adam = optax.adam(1e-2)
            with jax.numpy_dtype_promotion("standard"):
                move, _ = adam.update(slope, adam.init(student))
            stepped = jax.tree.map(jnp.add, student, move)
            Z, _ = features_in_training(stepped.trunk, moments, batch.X)
            scored = scores(logits(stepped.heads, Z), batch.Y, batch.s)
            np.testing.assert_allclose(
                np.asarray(found.next_states[m, a]), np.asarray(head_states(stepped.heads)[m]),
                atol=1e-5,
            )  # fmt: skip
            assert float(found.accuracy[m, a]) == pytest.approx(float(scored.accuracy[m]))
            assert float(found.violation[m, a]) == pytest.approx(
                float(scored.violation[m]), abs=1e-5
            )


def test_bests_start_at_the_first_batch_and_then_only_get_better():
    student, moments = draw_student(np.random.default_rng(1), F, HIDDEN, M)
    state = TEACHER.init(np.random.default_rng(0), HIDDEN[-1], M)
    before = Scores(jnp.full(M, 0.6), jnp.full(M, 0.3))
    state, record = TEACHER.observe(state, student, moments, rows(), before)
    np.testing.assert_array_equal(state.best.violation, before.violation)
    record = jax.tree.map(lambda leaf: leaf[None], record)
    worse = Scores(jnp.full(M, 0.5), jnp.array([0.2, 0.4, 0.3]))
    state, _ = TEACHER.end_epoch(state, record, worse)
    np.testing.assert_allclose(state.best.accuracy, 0.6)
    np.testing.assert_allclose(state.best.violation, [0.2, 0.3, 0.3])


@pytest.mark.parametrize("update", ["epoch", "batch"])
def test_history_holds_what_was_chosen_and_both_losses_rewards(update):
    rule = SharedStudent(chooser=replace(TEACHER, update=update), hidden=HIDDEN)
    found = train(rule, 0, rows(96), rows(48, 1), epochs=2, batch_size=32)
    history = found.history
    assert history["choice"].shape == (2, 3, M)
    assert set(np.unique(history["choice"])) <= {0, 1}
    assert history["reward"].shape == (2, 3, M, 2)
    assert np.isfinite(history["reward"]).all()
    assert np.isfinite(history["teacher_loss"]).all()
    assert history["teacher_loss"].shape == ((2, M) if update == "epoch" else (2, 3, M))
