"""One step of the shared student against gradients of losses written out whole."""

from dataclasses import dataclass, replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from evenhand.supervised.chooser import AbstractChooser, LargerLoss, OneLoss
from evenhand.supervised.shared_gradient import (
    forward,
    student_gradient,
    tree_norm,
    trunk_norms,
)
from evenhand.supervised.shared_student import SharedStudent
from evenhand.supervised.student_network import (
    Student,
    draw_student,
    features,
    features_in_training,
    logits,
)
from evenhand.supervised.task_loss import Batch, both_losses
from evenhand.supervised.training import mixed_order, train

F, M, HIDDEN = 5, 3, (8, 6, 4)


@pytest.fixture(scope="module")
def batch():
    return rows(64, 0)


def rows(n, seed):
    rng = np.random.default_rng(seed)
    X, s = rng.normal(size=(n, F)), rng.integers(0, 2, n)
    Y = X[:, :M] + 0.5 * s[:, None] + rng.normal(size=(n, M)) > 0
    return Batch(jnp.asarray(X, jnp.float32), jnp.asarray(Y, jnp.int32), jnp.asarray(s, jnp.int32))


@pytest.fixture(scope="module")
def network():
    return draw_student(np.random.default_rng(1), F, HIDDEN, M)


def of_task(student, moments, batch, choice, m):
    """Task m's chosen loss of the whole student."""
    Z, _ = features_in_training(student.trunk, moments, batch.X)
    return both_losses(logits(student.heads, Z), batch.Y, batch.s)[int(choice[m]), m]


@pytest.mark.parametrize("choice", [(0, 0, 0), (1, 0, 1)])
def test_heads_follow_their_own_loss_and_the_trunk_the_weighted_sum(batch, network, choice):
    student, moments = network
    weights = jnp.array([0.2, 0.5, 0.3])
    passed, back = forward(student.trunk, moments, batch.X)
    slope = jax.grad(
        lambda found: sum(both_losses(found, batch.Y, batch.s)[choice[m], m] for m in range(M))
    )(logits(student.heads, passed.Z))
    found = student_gradient(student, passed, back, slope, weights)
    whole = [
        jax.grad(lambda student, m=m: of_task(student, moments, batch, choice, m))(student)
        for m in range(M)
    ]
    trunk = jax.tree.map(
        lambda *leaves: sum(w * leaf for w, leaf in zip(weights, leaves, strict=True)),
        *(each.trunk for each in whole),
    )
    heads = jax.tree.map(lambda *leaves: sum(leaves), *(each.heads for each in whole))
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(Student(trunk, heads)), strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("layers", ["last", "all"])
def test_norms_are_those_of_each_tasks_own_gradient(batch, network, layers):
    student, moments = network
    passed, back = forward(student.trunk, moments, batch.X)
    slope = jax.grad(lambda found: jnp.sum(both_losses(found, batch.Y, batch.s)[0]))(
        logits(student.heads, passed.Z)
    )
    found = trunk_norms(student.heads, slope, passed, back, layers)
    for m in range(M):
        whole = jax.grad(lambda s, m=m: of_task(s, moments, batch, (0, 0, 0), m))(student).trunk
        own = whole if layers == "all" else whole.dense[-1]
        assert float(found[m]) == pytest.approx(float(tree_norm(own)), rel=1e-3)


def test_the_trunk_moves_in_a_step_and_stays_where_it_is_asked_to(batch):
    # In the released code it never moves: its gradients are thrown away.
    for train_trunk in (True, False):
        rule = SharedStudent(hidden=HIDDEN, train_trunk=train_trunk)
        before = rule.init(np.random.default_rng(0), F, M)
        after, _ = rule.step(before, batch)
        moved = jax.tree.map(
            lambda a, b: float(jnp.max(jnp.abs(a - b))), before.student, after.student
        )
        assert max(jax.tree.leaves(moved.trunk)) > 1e-4 if train_trunk else True
        assert train_trunk or max(jax.tree.leaves(moved.trunk)) == 0
        assert min(jax.tree.leaves(moved.heads)) > 1e-4


def test_the_printed_greedy_rule_trains_exactly_as_the_worst_group_loss_alone():
    rule = SharedStudent(hidden=HIDDEN)
    parts = rows(256, 2), rows(128, 3)
    greedy, worst = (
        train(replace(rule, chooser=chooser), 5, *parts, epochs=3, batch_size=64)
        for chooser in (LargerLoss(), OneLoss(1))
    )
    assert (greedy.history["choice"] == 1).all()
    same(greedy.last.student, worst.last.student)


def test_without_an_update_of_weights_training_is_adamw_on_the_mean_of_the_losses():
    # An independent loop: the gradient of one scalar, and optax called from here.
    import optax

    rule = SharedStudent(hidden=HIDDEN, gradnorm_rate=0.0)
    state = rule.init(np.random.default_rng(3), F, M)
    student, moments = state.student, state.moments
    optimiser = optax.adamw(1e-3, weight_decay=0.01)
    memory = optimiser.init(student)
    for k in range(4):
        batch = rows(64, 10 + k)
        state, _ = rule.step(state, batch)

        def loss(student, held, moments=moments, batch=batch):
            Z, (_, found) = features_in_training(student.trunk, moments, batch.X)
            # Heads on the sum, the trunk on the mean: M times the gradient at the heads.
            scaled = logits(held, Z), logits(student.heads, jax.lax.stop_gradient(Z))
            shared, own = (both_losses(x, batch.Y, batch.s)[0] for x in scaled)
            return jnp.mean(shared) + jnp.sum(own), found

        slope, moments = jax.grad(loss, has_aux=True)(student, student.heads)
        with jax.numpy_dtype_promotion("standard"):
            move, memory = optimiser.update(slope, memory, student)
        student = eqx.apply_updates(student, move)
    # A bias before a normalisation has gradient 0; Adam magnifies what rounding leaves of it.
    for i in (0, 1):
        where = lambda student, i=i: student.trunk.dense[i].bias  # noqa: E731
        student = eqx.tree_at(where, student, where(state.student))
    same(state.student, student, 2e-5)


def test_evaluation_reads_each_row_by_itself(network, batch):
    student, moments = network
    whole = np.asarray(features(student.trunk, moments, batch.X))
    alone = np.asarray(features(student.trunk, moments, batch.X[3:4]))
    np.testing.assert_allclose(alone[0], whole[3], rtol=1e-5, atol=1e-6)


def test_running_moments_come_to_those_of_all_rows():
    rule = SharedStudent(hidden=HIDDEN, learning_rate=0.0, weight_decay=0.0)
    data = rows(512, 4)
    found = train(rule, 0, data, data, epochs=30, batch_size=128).last
    before = found.student.trunk.dense[0](data.X)
    np.testing.assert_allclose(np.asarray(found.moments.mean[0]), np.mean(before, 0), atol=0.05)
    np.testing.assert_allclose(np.asarray(found.moments.variance[0]), np.var(before, 0), rtol=0.05)


def test_every_stretch_of_an_order_holds_the_groups_in_their_shares():
    s = jnp.asarray((np.arange(1000) % 10 == 0).astype(np.int32))
    order = np.asarray(mixed_order(jax.random.key(0), s))
    assert sorted(order.tolist()) == list(range(1000))
    counts = np.asarray(s)[order].reshape(20, 50).sum(1)
    assert counts.min() >= 4
    assert counts.max() <= 6
    other = np.asarray(mixed_order(jax.random.key(1), s))
    assert (order != other).mean() > 0.9


def test_the_same_seed_trains_the_same_numbers_and_another_seed_others():
    rule, parts = SharedStudent(hidden=HIDDEN), (rows(128, 2), rows(64, 3))
    a, b, c = (train(rule, seed, *parts, epochs=2, batch_size=64) for seed in (1, 1, 2))
    same(a.last, b.last, 0.0)
    assert (a.history["loss"] != c.history["loss"]).any()


def same(a, b, tolerance=1e-6):
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_allclose(np.asarray(x), np.asarray(y), atol=tolerance, rtol=0)


@dataclass(frozen=True)
class InTurn(AbstractChooser):
    """One list of choices after the other."""

    turns: tuple[tuple[int, ...], ...]

    def init(self, rng, width, num_tasks):
        return 0

    def choose(self, state, heads, losses, first):
        return jnp.asarray(self.turns[state], jnp.int32)

    def observe(self, state, student, moments, batch, before):
        return state + 1, {}


def test_the_trunk_follows_the_weights_of_this_batch_and_each_loss_its_own_first_value(batch):
    turns = ((0, 0, 1), (1, 0, 1), (0, 1, 1))
    rule = SharedStudent(chooser=InTurn(turns), hidden=HIDDEN, gradnorm_rate=0.3)
    state = rule.init(np.random.default_rng(0), F, M)
    weights, first = np.full(M, 1 / M), None
    for k, choice in enumerate(turns):
        here = rows(64, 20 + k)
        before = state
        state, (log, _) = rule.step(before, here)
        student, moments = before.student, before.moments
        losses = np.array([[of_task(student, moments, here, (a,) * M, m) for m in range(M)]
                           for a in (0, 1)], float)  # fmt: skip
        first = losses if first is None else first
        slopes = [
            jax.grad(lambda s, m=m: of_task(s, moments, here, choice, m))(student)  # noqa: B023
            for m in range(M)
        ]
        g = np.array([float(tree_norm(slope.trunk.dense[-1])) for slope in slopes])
        mine = range(M), choice
        relative = np.array([losses[a, m] / first[a, m] for m, a in zip(*mine, strict=True)])
        G = weights * g
        weights = np.maximum(
            weights - 0.3 * np.sign(G - G.mean() * relative / relative.mean()) * g, 1e-6
        )
        weights = weights / weights.sum()
        np.testing.assert_allclose(np.asarray(log["weight"]), weights, rtol=2e-3, atol=1e-6)
        # Adam's first average is b m + (1 - b) g, so it tells the gradient that it was given.
        given = jax.tree.map(
            lambda new, old: (new - 0.9 * old) / 0.1, state.optimiser.mean, before.optimiser.mean
        )
        shared = jax.tree.map(
            lambda *leaves: sum(w * leaf for w, leaf in zip(weights, leaves, strict=True)),  # noqa: B023
            *(slope.trunk for slope in slopes),
        )
        heads = jax.tree.map(lambda *leaves: sum(leaves), *(slope.heads for slope in slopes))
        same(given, Student(shared, heads), 1e-4)
