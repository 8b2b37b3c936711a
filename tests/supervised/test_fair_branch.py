"""Branching against plain loops, copies against each other, a step against a written-out tree."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from evenhand.core.errors import InputError
from evenhand.supervised import FairBranch, load_classifier
from evenhand.supervised.branching import linear_cka, mutual_pairs, without_conflict
from evenhand.supervised.branching_students import BranchingStudents
from evenhand.supervised.shared_student import SharedStudent
from evenhand.supervised.student_network import Student, features_in_training, logits
from evenhand.supervised.task_loss import Batch, accuracy_loss, worst_group_loss

ROWS = 40


def batch_of(seed, twins=True):
    """Rows of four tasks; with `twins`, the first two are one task and so are the last two."""
    rng = np.random.default_rng(seed)
    X, s = rng.normal(size=(ROWS, 3)).astype(np.float32), rng.integers(0, 2, ROWS)
    scores = X @ np.array([[2, 2, -1, -1], [1, 1, 2, 2], [0, 0, 1, 1]]) + s[:, None]
    if not twins:
        scores = scores + 2 * rng.normal(size=scores.shape)
    return Batch(jnp.asarray(X), jnp.asarray((scores > 0.4).astype(int)), jnp.asarray(s))


def test_alignment_is_that_of_centred_features():
    rng = np.random.default_rng(0)
    V = rng.normal(size=(4, 6, 3))
    V[3] = 2 * V[0] @ np.linalg.qr(rng.normal(size=(3, 3)))[0] + 1  # turned, scaled and moved
    found = np.asarray(linear_cka(jnp.asarray(V, jnp.float32)))
    for i, A in enumerate(V - V.mean(1, keepdims=True)):
        for j, B in enumerate(V - V.mean(1, keepdims=True)):
            norm = np.linalg.norm(A.T @ A) * np.linalg.norm(B.T @ B)
            assert found[i, j] == pytest.approx(np.linalg.norm(A.T @ B) ** 2 / norm, abs=1e-5)
    assert found[0, 3] == pytest.approx(1, abs=1e-5)


def test_branches_unite_where_each_is_the_others_most_similar():
    rng = np.random.default_rng(1)
    united = 0
    for members in ([0, 1, 2, 3, 4], [0, 1, 0, 3, 1], [0, 0, 0, 0, 4]):
        for _ in range(8):
            S = rng.random((5, 5))
            S = (S + S.T) / 2
            found = np.asarray(mutual_pairs(jnp.asarray(S), jnp.asarray(members), 0.5)).tolist()
            firsts = sorted(set(members))
            expected = {first: first for first in firsts}
            for a in firsts:
                for b in firsts:
                    if a < b and S[a, b] >= 0.5:
                        rivals = [S[a, c] for c in firsts if c not in (a, b)]
                        rivals += [S[b, c] for c in firsts if c not in (a, b)]
                        if all(S[a, b] > rival for rival in rivals):
                            expected[b] = a
            assert found == [expected[first] for first in members]
            united += found != members
    assert 0 < united < 24


def test_conflicting_gradients_lose_what_opposes_the_other():
    g = jnp.asarray([[1.0, 0.0], [-1.0, 1.0], [3.0, 0.0], [-2.0, 0.0]])
    parts, members = jnp.arange(4), jnp.asarray([0, 0, 2, 3])
    found = without_conflict({"w": g}, parts, members, jnp.asarray(True))["w"]
    np.testing.assert_allclose(found, [[0.5, 0.5], [0, 1], [3, 0], [-2, 0]], atol=1e-6)
    same = without_conflict({"w": g}, parts, members, jnp.asarray(False))["w"]
    np.testing.assert_array_equal(same, g)
    # Parts of two tasks each: the means (1, 0) and (-1, 1), as above.
    of_four = jnp.asarray([[0.0, 0.0], [2.0, 0.0], [-1.0, 2.0], [-1.0, 0.0]])
    twos = without_conflict(
        of_four, jnp.asarray([0, 0, 2, 2]), jnp.zeros(4, int), jnp.asarray(True)
    )
    np.testing.assert_allclose(twos, [[0.5, 0.5], [0.5, 0.5], [0, 1], [0, 1]], atol=1e-6)


def test_copies_in_a_branch_are_equal_at_all_times_and_branches_are_nested():
    rule = BranchingStudents(hidden=(6, 5, 4), branch_every=2, learning_rate=0.01)
    state, step = rule.init(np.random.default_rng(0), 3, 4), jax.jit(rule.step)
    shared_then_not = []
    for seed in range(9):
        state, record = step(state, batch_of(seed))
        members = np.asarray(state.members)
        for i, row in enumerate(members):
            layer = state.network.student.trunk.dense[i], state.optimiser.mean.trunk.dense[i]
            for leaf in jax.tree.leaves(layer):
                np.testing.assert_array_equal(np.asarray(leaf), np.asarray(leaf)[row])
        for above, below in zip(members[1:], members[:-1], strict=True):
            assert all(below[above[t]] == below[t] for t in range(4))
        shared_then_not.append(members[-1].tolist())
        assert (record["fairness_weight"] == 0).all() or seed >= 2
    assert shared_then_not[0] == [0, 0, 0, 0]
    assert shared_then_not[-1] == [0, 0, 2, 2]
    apart = np.asarray(state.network.student.trunk.dense[2].weight)
    assert np.abs(apart[0] - apart[2]).max() > 1e-3


def test_two_alike_tasks_never_branch_and_three_always_do():
    rule = BranchingStudents(hidden=(6, 4), branch_every=1, similarity_threshold=0.0)
    batch = batch_of(0, twins=False)
    for tasks, branched in (([0, 2], 0), ([0, 1, 2], 1)):
        state = rule.init(np.random.default_rng(0), 3, len(tasks))
        state, _ = jax.jit(rule.step)(state, Batch(batch.X, batch.Y[:, np.array(tasks)], batch.s))
        assert int(state.num_branched) == branched


def test_before_it_branches_it_is_plain_multi_task_learning():
    mine = BranchingStudents(hidden=(6, 4), branch_every=100)
    plain = SharedStudent(hidden=(6, 4), gradnorm_rate=0.0)
    state = mine.init(np.random.default_rng(0), 3, 4)
    network = state.network
    other = plain.init(np.random.default_rng(0), 3, 4)
    heads = jax.tree.map(lambda leaf: leaf[:, 0], network.student.heads)
    trunk = jax.tree.map(lambda leaf: leaf[0], network.student.trunk)
    other = eqx.tree_at(lambda state: state.student, other, Student(trunk, heads))
    step, plain_step = jax.jit(mine.step), jax.jit(plain.step)
    for seed in range(4):
        batch = batch_of(seed, twins=False)
        state, other = step(state, batch)[0], plain_step(other, batch)[0]
    # A bias under a normalisation has no gradient but rounding, which Adam makes as large as any.
    without = lambda s: eqx.tree_at(lambda s: s.trunk.dense[0].bias, s, 0.0)  # noqa: E731
    mine, expected = without(state.network.student), without(other.student)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a[:, 0], b, atol=1e-5),
                 mine.heads, expected.heads)  # fmt: skip
    for copy in range(4):
        jax.tree.map(lambda a, b, copy=copy: np.testing.assert_allclose(
            np.asarray(a)[copy] if np.ndim(a) else a, b, atol=1e-5),
            mine.trunk, expected.trunk)  # fmt: skip


def written_out(trunks, heads, batch, moments):
    """Both losses `(2, M)` of tasks that go through these trunks, task by task."""
    found = []
    for task, trunk in enumerate(trunks):
        Z, _ = features_in_training(trunk, moments, batch.X)
        head = jax.tree.map(lambda leaf, task=task: leaf[task], heads)
        found.append(logits(head, Z))
    found = jnp.concatenate(found, 1)
    return jnp.stack([accuracy_loss(found, batch.Y), worst_group_loss(found, batch.Y, batch.s)])


@pytest.mark.slow
def test_a_step_in_branches_follows_a_tree_written_out_with_its_conflicts_taken_out():
    rule = BranchingStudents(hidden=(6, 4), branch_every=100, fairness_weight=0.8)
    start = rule.init(np.random.default_rng(3), 3, 3)
    members = jnp.asarray([[0, 0, 0], [0, 0, 2]])
    whole = eqx.tree_at(lambda s: (s.members, s.num_branched), start, (members, jnp.asarray(1)))
    step, conflicts, opposed = jax.jit(rule.step), 0, 0
    slopes = jax.jit(jax.jacrev(written_out, (0, 1)))
    for seed in range(6):
        batch = batch_of(seed, twins=False)
        batch = Batch(batch.X, batch.Y[:, 1:], batch.s)
        state = eqx.tree_at(lambda s: s.optimiser, whole, start.optimiser)
        trunks = [jax.tree.map(lambda leaf, t=t: leaf[t], state.network.student.trunk)
                  for t in range(3)]  # fmt: skip
        heads = state.network.student.heads
        moments = jax.tree.map(lambda leaf: leaf[0], state.network.moments)
        by_trunk, by_head = slopes(trunks, heads, batch, moments)
        flat = lambda tree, *at: np.concatenate(  # noqa: E731
            [np.asarray(leaf)[at].ravel() for leaf in jax.tree.leaves(tree)])  # fmt: skip
        head = [[flat(by_head, loss, t, t) for t in range(3)] for loss in (0, 1)]
        weight = [0.8 * (head[0][t] @ head[1][t] >= 0) for t in range(3)]
        opposed += weight.count(0.0)
        right = [flat(by_trunk[t].dense[1], 0, t) for t in range(3)]
        unfair = [weight[t] * flat(by_trunk[t].dense[1], 1, t) for t in range(3)]
        g1, g2 = unfair[:2]
        if g1 @ g2 < 0:
            conflicts += 1
            unfair[0], unfair[1] = g1 - g1 @ g2 / (g2 @ g2) * g2, g2 - g1 @ g2 / (g1 @ g1) * g1
        upper = (right[0] + unfair[0] + right[1] + unfair[1]) / 2, right[2] + unfair[2]
        lower = sum(flat(by_trunk[t].dense[0], 0, t) + weight[t] * flat(by_trunk[t].dense[0], 1, t)
                    for t in range(3)) / 3  # fmt: skip
        whole, record = step(state, batch)
        # Adam's first average is a tenth of the gradient.
        slope = jax.tree.map(lambda leaf: leaf / 0.1, whole.optimiser.mean)
        np.testing.assert_allclose(record["fairness_weight"], weight, atol=1e-6)
        for task, expected in enumerate((upper[0], upper[0], upper[1])):
            np.testing.assert_allclose(flat(slope.trunk.dense[1], task), expected, atol=3e-6)
            np.testing.assert_allclose(flat(slope.trunk.dense[0], task), lower, atol=3e-6)
            own = head[0][task] + weight[task] * head[1][task]
            np.testing.assert_allclose(flat(slope.heads, task), own, atol=3e-6)
    assert conflicts
    assert opposed


def test_branches_are_named_and_survive_a_file(tmp_path):
    batch = batch_of(0)
    X, Y, s = (np.asarray(part) for part in (batch.X, batch.Y, batch.s))
    made = FairBranch(hidden=(6, 4), batch_size=10, epochs=2, branch_every=3, random_state=0)
    made.fit(X, Y, sensitive_features=s)
    assert made.branches_[-1] == [["task 1", "task 2"], ["task 3", "task 4"]]
    assert sorted(name for branch in made.branches_[0] for name in branch) == made.task_names_
    loaded = load_classifier(made.save(tmp_path / "branches.npz"))
    assert loaded.branches_ == made.branches_
    np.testing.assert_array_equal(loaded.positive_probability(X), made.positive_probability(X))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"similarity_threshold": 1.5}, "similarity_threshold must be from 0 to 1"),
        ({"branch_every": 0}, "branch_every must be a whole number of batches"),
        ({"fairness_weight": -0.1}, "fairness_weight must be at least 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, words):
    batch = batch_of(0)
    with pytest.raises(InputError, match=words):
        FairBranch(**settings).fit(batch.X, batch.Y, sensitive_features=batch.s)
