"""Policies as a person writes them, and classifiers that learn."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from evenhand.algorithms.classifiers import (
    accuracy_threshold,
    max_util_fitted,
    monotone_rate,
)
from evenhand.algorithms.parts.burn_in import label_counts
from evenhand.algorithms.policies import READS, make_policy, read_policy
from evenhand.algorithms.rules import score_cut
from evenhand.algorithms.sklearn_policy import classifier_policy
from evenhand.core.errors import InputError
from evenhand.core.registry import POLICIES
from evenhand.core.rollout import evaluate
from evenhand.data.choose import choose_population
from evenhand.data.presets import fico_scores, gym
from evenhand.envs.lending import Lending
from evenhand.experiments.choose_policy import check_policy, parse_policy, policy_notes

ENV = Lending(gym(population_per_group=50))
PARAMS = ENV.default_params()


def approval(text, env=ENV):
    """P(approve) by group and level of a tabular policy."""
    policy = make_policy(text, env, env.default_params(), jr.key(0))
    np.testing.assert_allclose(policy.table.sum(-1), 1, rtol=1e-6)
    return np.asarray(policy.table[..., 1])


def test_constants_and_thresholds_approve_what_they_say():
    assert (approval("approve-all") == 1).all()
    assert (approval("deny-all") == 0).all()
    assert (approval("constant:0.25") == 0.25).all()
    level = np.arange(7)
    assert (approval("threshold:3") == (level >= 3)).all()
    assert (approval("threshold:7") == 0).all()
    both = approval("threshold:3,1.5")
    assert (both[0] == (level >= 3)).all()
    np.testing.assert_allclose(both[1], [0, 0.5, 1, 1, 1, 1, 1])


def test_a_score_on_an_edge_is_exact_and_one_inside_a_level_is_noted():
    env = Lending(fico_scores(num_levels=10))
    assert (approval("score>=30", env)[0] == (np.arange(10) >= 3)).all()
    assert policy_notes("score>=30", env) == []
    assert (approval("score >= 34.9", env) == approval("threshold:3", env)).all()
    (note,) = policy_notes("score>=34.9", env)
    assert "nearest edge, 30" in note
    assert score_cut(100.0, (0.0, 50.0, 100.0)) == (2, None)
    assert policy_notes("threshold:3", env) == []


def test_a_table_is_read_by_group_name_or_index(tmp_path):
    rows = [f"{g},{level},{level / 6 / (g + 1)}" for g in range(2) for level in range(7)]
    file = tmp_path / "mine.csv"
    file.write_text("group,level,approve\n" + "\n".join(rows))
    expected = np.arange(7) / 6 / np.array([[1], [2]])
    np.testing.assert_allclose(approval(str(file)), expected, rtol=1e-6)
    named = [f"group {int(row[0]) + 1}{row[1:]}" for row in reversed(rows)]
    file.write_text("\ufeffgroup,level,approve\n" + "\n".join(named))
    np.testing.assert_allclose(approval(str(file)), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("group,level\n0,1", "lacks column 'approve'"),
        ("group,level,approve\n0,1,2", "line 2: approve lies in"),
        ("group,level,approve\n0,9,1", "level must be 0 to 6"),
        ("group,level,approve\n0,1,1\n0,1,1", "line 3: group 0, level 1 came before"),
        ("group,level,approve\n0,1,1", "says nothing of group group 1, level 0"),
        ("group,level,approve\ngroup 3,1,1", "did you mean"),
        ("group,level,approve\n0,one,1", "must be a number"),
    ],
)
def test_a_wrong_table_is_answered_with_the_line_and_the_remedy(tmp_path, content, problem):
    file = tmp_path / "mine.csv"
    file.write_text(content)
    with pytest.raises(InputError, match=problem):
        make_policy(str(file), ENV, PARAMS, jr.key(0))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("max-utl", "did you mean 'max-util'"),
        ("table", "there is no policy 'table'"),
        ("model", "there is no policy 'model'"),
        ("threshold", "write threshold:3"),
        ("threshold:x", "must be a number, got 'x'"),
        ("threshold:8", "0 to 7"),
        ("threshold:nan", "finite"),
        ("threshold:1,2,3", "3 levels for 2 groups"),
        ("constant:1.5", r"lies in \[0, 1\]"),
        ("score>620", "reads score>=620"),
        ("score>=620", "no score scale; write threshold:K"),
        ("max-util:3", "takes no ':3'"),
        ("approve-all:1", "takes no ':1'"),
        ("max-util", "reads feature 'level-shares'"),
        ("max-util-fitted:0", "at least 1"),
        ("nowhere.csv", "cannot read"),
    ],
)
def test_a_policy_that_cannot_be_is_answered_in_one_sentence(text, problem):
    with pytest.raises(InputError, match=problem):
        make_policy(text, ENV, PARAMS, jr.key(0))


def test_scores_off_the_scale_are_refused():
    env = Lending(fico_scores())
    with pytest.raises(InputError, match="between 0 and 100, got 620"):
        make_policy("score>=620", env, env.default_params(), jr.key(0))


@pytest.mark.slow
def test_every_named_policy_acts_in_a_world_that_shows_what_it_reads(tmp_path):
    table = tmp_path / "all.csv"
    rows = [f"{g},{level},1" for g in range(2) for level in range(7)]
    table.write_text("group,level,approve\n" + "\n".join(rows))
    forms = {"constant": "constant:0.5", "threshold": "threshold:2", "table": str(table)}
    for name in set(POLICIES) - {"score", "model"}:
        text = forms.get(name, name)
        policy, env = parse_policy(text, ENV, PARAMS, jr.key(0))
        assert read_policy(text).name == name
        assert ("level-shares" in env.slices) == (name in READS)
        state = env.reset(jr.key(1), PARAMS)
        obs = env.observe(state, PARAMS)
        action = policy.act(jr.key(2), obs)
        assert action.dtype == jnp.int32
        assert float(policy.log_prob(obs, action)) <= 0
        check_policy(text, ENV, PARAMS)


def test_a_burn_in_counts_every_applicant_once():
    counts = np.asarray(label_counts(jr.key(0), ENV, PARAMS, 300))
    assert counts.shape == (2, 7, 2)
    assert counts.sum() == 300


def test_rates_are_made_monotone_and_unseen_levels_join_their_neighbours():
    counts = np.array([[9, 1], [0, 0], [6, 4], [7, 3], [1, 9]])
    rate = monotone_rate(counts.astype(float))
    np.testing.assert_allclose(rate[[0, 2, 3, 4]], [0.1, 0.35, 0.35, 0.9], atol=1e-6)
    assert 0.1 - 1e-6 <= rate[1] <= 0.35 + 1e-6
    with pytest.raises(InputError, match="saw nobody"):
        monotone_rate(np.zeros((3, 2)))


def test_the_accuracy_threshold_is_the_best_of_all():
    draw = np.random.default_rng(0)
    for _ in range(20):
        counts = draw.integers(0, 20, (6, 2)).astype(float)
        right = [counts[:k, 0].sum() + counts[k:, 1].sum() for k in range(7)]
        assert right[accuracy_threshold(counts)] == max(right)


@pytest.mark.parametrize(("preset", "cut"), [("gym", 3), ("drift-2", 7)])
def test_fitted_on_a_long_burn_in_max_util_finds_break_even(preset, cut):
    env = Lending(choose_population(preset))
    policy = max_util_fitted(env, env.default_params(), jr.key(0), 20_000)
    level = np.arange(env.num_levels)
    np.testing.assert_array_equal(policy.table[0, :, 1], level >= cut)


def test_a_burn_in_depends_on_its_key_only():
    one, two = (np.asarray(label_counts(key, ENV, PARAMS, 200)) for key in (jr.key(1), jr.key(1)))
    np.testing.assert_array_equal(one, two)


def training_rows(columns):
    draw = np.random.default_rng(0)
    group, level = draw.integers(0, 2, 500), draw.integers(0, 7, 500)
    label = draw.random(500) < gym().repay_prob[group, level]
    return np.stack([group, level], 1)[:, columns], label.astype(int)


def test_a_classifier_of_group_and_level_becomes_a_table():
    rows, label = training_rows([0, 1])
    estimator = LogisticRegression().fit(rows, label)
    cells = np.array([[g, level] for g in range(2) for level in range(7)])
    expected = estimator.predict_proba(cells)[:, 1].reshape(2, 7)
    drawn = classifier_policy(estimator, ENV, threshold=None)
    np.testing.assert_allclose(drawn.table[..., 1], expected, atol=1e-6)
    hard = classifier_policy(estimator, ENV, threshold=0.5)
    np.testing.assert_array_equal(hard.table[..., 1], estimator.predict(cells).reshape(2, 7))


def test_a_classifier_of_the_level_alone_treats_groups_alike_and_needs_no_probabilities():
    rows, label = training_rows([1])
    for estimator in (DecisionTreeClassifier(max_depth=2), LinearSVC()):
        policy = classifier_policy(estimator.fit(rows, label), ENV)
        np.testing.assert_array_equal(policy.table[0], policy.table[1])
        expected = estimator.predict(np.arange(7)[:, None])
        np.testing.assert_array_equal(policy.table[0, :, 1], expected)


def test_a_classifier_of_observations_is_asked_on_the_host_and_agrees_with_its_table():
    rows, label = training_rows([0, 1])
    shown = np.zeros((500, ENV.obs_size), np.float32)
    shown[np.arange(500), rows[:, 1]] = 1
    shown[np.arange(500), 7 + rows[:, 0]] = 1
    estimator = LogisticRegression().fit(shown, label)
    policy = classifier_policy(estimator, ENV, threshold=None)
    obs = jnp.asarray(shown[:5])
    expected = estimator.predict_proba(shown[:5])[:, 1]
    np.testing.assert_allclose(jax.vmap(policy.approve_prob)(obs), expected, atol=1e-6)
    hard = classifier_policy(estimator, ENV, inputs="observation")
    found = evaluate(jr.key(0), ENV, PARAMS, hard, num_episodes=2, steps=20)
    assert found.rewards.shape == (2, 20, len(ENV.signals))


def test_a_classifier_that_only_ever_saw_one_outcome_is_certain_of_it():
    rows, label = training_rows([1])
    for only in (0, 1):
        estimator = DecisionTreeClassifier().fit(rows, np.full_like(label, only))
        assert (np.asarray(classifier_policy(estimator, ENV).table[..., 1]) == only).all()


def test_a_classifier_whose_inputs_are_unknown_is_refused():
    rows, label = training_rows([0, 1, 1])
    estimator = LogisticRegression().fit(rows, label)
    with pytest.raises(InputError, match="3 columns are; pass inputs="):
        classifier_policy(estimator, ENV)
    with pytest.raises(InputError, match="did you mean 'group-level'"):
        classifier_policy(estimator, ENV, inputs="group-levels")
    words = LogisticRegression().fit(rows[:, :2], np.where(label, "yes", "no"))
    with pytest.raises(InputError, match="labels 0 and 1"):
        classifier_policy(words, ENV)
    with pytest.raises(InputError, match="probability or None"):
        classifier_policy(words, ENV, threshold=2.0)
