"""What fitting promises: scikit-learn's own checks, hostile input, files, and routing."""

import json
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.utils.estimator_checks import check_estimator

from evenhand.core.errors import InputError
from evenhand.supervised import (
    L2TFMT,
    MTAF,
    FairBranch,
    GreedyFMT,
    SingleTask,
    VanillaMTL,
    load_classifier,
)

SMALL: dict[str, Any] = {"hidden": (8, 4), "epochs": 2, "batch_size": 32, "random_state": 0}
CLASSES = (VanillaMTL, GreedyFMT, L2TFMT, SingleTask, MTAF, FairBranch)


def people(n=80, M=2, seed=0):
    rng = np.random.default_rng(seed)
    X, s = rng.normal(size=(n, 4)), np.where(rng.random(n) < 0.5, "f", "m")
    s[:2] = ["f", "m"]
    Y = (X[:, :M] + rng.normal(size=(n, M)) > 0).astype(int)
    Y[:2] = [[0] * M, [1] * M]
    return X, Y, s


def small(made=VanillaMTL, **changes):
    return made(**SMALL | changes)


@pytest.mark.parametrize("made", CLASSES)
def test_predictions_have_the_labels_and_the_shape_of_training(made):
    X, Y, s = people()
    words = np.where(Y == 1, "yes", "no")
    model = small(made).fit(X, words, sensitive_features=s)
    assert set(np.unique(model.predict(X))) <= {"yes", "no"}
    assert model.predict(X).shape == (80, 2)
    assert [p.shape for p in model.predict_proba(X)] == [(80, 2)] * 2
    positive = model.positive_probability(X)
    np.testing.assert_allclose(model.predict_proba(X)[1][:, 1], positive[:, 1])
    assert ((positive > 0.5) == (model.predict(X) == "yes")).all()
    flat = small(made).fit(X, Y[:, 0], sensitive_features=s)
    assert flat.predict(X).shape == (80,)
    assert flat.predict_proba(X).shape == (80, 2)


@pytest.mark.parametrize("made", CLASSES)
def test_a_saved_classifier_predicts_the_same_numbers_and_keeps_its_history(made, tmp_path):
    X, Y, s = people()
    model = small(made).fit(X, np.where(Y == 1, "b", "a").astype(object), sensitive_features=s)
    path = model.save(tmp_path / "model.npz")
    loaded = made.load(path)
    np.testing.assert_array_equal(loaded.positive_probability(X), model.positive_probability(X))
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    np.testing.assert_array_equal(loaded.history_["loss"], model.history_["loss"])
    assert loaded.get_params() == model.get_params()
    assert type(load_classifier(path)) is made


def test_words_in_one_task_leave_the_numbers_of_another_numbers_also_from_a_file(tmp_path):
    X, Y, s = people()
    labels = pd.DataFrame({"hired": np.where(Y[:, 0] == 1, "yes", "no"), "ill": Y[:, 1]})
    model = small().fit(X, labels, sensitive_features=s)
    loaded = load_classifier(model.save(tmp_path / "model.npz"))
    for each in (model, loaded):
        predicted = each.predict(X)
        assert {type(value) for value in predicted[:, 0]} == {str}
        assert set(predicted[:, 1]) <= {0, 1}
        by_hand = (predicted == labels.to_numpy()).mean()
        assert each.score(X, labels) == pytest.approx(by_hand)
        assert by_hand > 0


def test_a_file_that_names_something_else_than_a_classifier_runs_nothing(tmp_path):
    X, Y, s = people()
    path = small().fit(X, Y, sensitive_features=s).save(tmp_path / "model.npz")
    arrays = dict(np.load(path))
    header = json.loads(str(arrays["header"]))
    mark = tmp_path / "mark"
    called = {"module": "os", "class": "mkdir", "settings": {"path": str(mark)}}
    for change in (called, {"class": "load_classifier"}, {"module": "nowhere"}):
        changed = arrays | {"header": np.array(json.dumps(header | change))}
        np.savez(path, **changed)
        with pytest.raises(InputError, match="import it first, if you trust the file"):
            load_classifier(path)
    assert not mark.exists()


def test_files_that_are_not_classifiers_are_named(tmp_path):
    path = tmp_path / "other.npz"
    with pytest.raises(InputError, match="cannot be read as a classifier"):
        load_classifier(path)
    np.savez(path, a=np.ones(2))
    with pytest.raises(InputError, match="not a classifier that this version"):
        load_classifier(path)
    np.save(tmp_path / "other.npy", np.ones(2))
    with pytest.raises(InputError, match="cannot be read as a classifier"):
        load_classifier(tmp_path / "other.npy")
    X, Y, s = people()
    small().fit(X, Y, sensitive_features=s).save(path)
    (tmp_path / "half.npz").write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match="cannot be read as a classifier"):
        load_classifier(tmp_path / "half.npz")
    with pytest.raises(InputError, match="holds a VanillaMTL, not a L2TFMT"):
        L2TFMT.load(path)
    with pytest.raises(InputError, match="call fit first"):
        small().save(path)


HOSTILE = {
    "no groups": ({"s": None}, "sensitive_features is missing"),
    "one group": ({"s": ["f"] * 80}, "only one class, 'f'"),
    "three groups": ({"s": ["a", "b", "c", "a"] * 20}, "3 values .*merge values"),
    "short groups": ({"s": ["f", "m"] * 39}, r"each of the 80 rows of X"),
    "missing group": ({"s": ["f", None] * 40}, "missing values"),
    "missing group of pandas": ({"s": np.array(["f", pd.NA] * 40, object)}, "missing values"),
    "one class": ({"Y": np.ones((80, 2))}, "task 1 of Y has only one class"),
    "three classes": ({"Y": np.arange(160).reshape(80, 2) % 3}, "3 values"),
    "continuous": ({"Y": np.linspace(0, 1, 160).reshape(80, 2)}, "continuous"),
    "missing label": ({"Y": np.array([[0.0, 1.0], [1.0, np.nan]] * 40)}, "NaN"),
    "short labels": ({"Y": people(10)[1]}, "80 rows and Y 10"),
    "missing input": ({"X": np.full((80, 4), np.nan)}, "NaN"),
    "infinite input": ({"X": np.full((80, 4), np.inf)}, "infinity"),
    "words as input": ({"X": np.full((80, 4), "x")}, "could not convert string"),
    "no labels": ({"Y": None}, "target y is None"),
    "cube of labels": ({"Y": np.zeros((80, 2, 2))}, "column for each task"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_input_that_cannot_be_used_is_answered_before_training(case):
    changes, words = HOSTILE[case]
    X, Y, s = people()
    given = {"X": X, "Y": Y, "s": s} | changes
    with pytest.raises(ValueError, match=words):
        small().fit(given["X"], given["Y"], sensitive_features=given["s"])


@pytest.mark.parametrize(
    ("made", "name", "value", "words"),
    [
        (VanillaMTL, "epochs", 0, "epochs must be"),
        (VanillaMTL, "batch_size", 0, "batch_size must be"),
        (VanillaMTL, "hidden", (), "hidden must name"),
        (VanillaMTL, "learning_rate", -1.0, "learning_rate must be"),
        (VanillaMTL, "learning_rate", float("inf"), "learning_rate must be"),
        (VanillaMTL, "gradnorm_rate", -1.0, "gradnorm_rate must be a number at least 0"),
        (VanillaMTL, "gradnorm_alpha", float("nan"), "gradnorm_alpha must be a number at least"),
        (VanillaMTL, "validation_fraction", 1.0, "validation_fraction"),
        (VanillaMTL, "keep", "first", "no model to keep 'first'"),
        (VanillaMTL, "gradnorm_target", "x", "no gradnorm_target"),
        (VanillaMTL, "norm_layers", "x", "no norm_layers"),
        (GreedyFMT, "compare", "x", "no way to compare"),
        (L2TFMT, "teacher_hidden", (), "teacher_hidden must name widths"),
        (L2TFMT, "look_ahead", "x", "no look_ahead"),
        (L2TFMT, "teacher_update", "x", "no teacher_update"),
        (L2TFMT, "discount", 1.0, "discount must be"),
    ],
)
def test_settings_that_cannot_be_used_are_named(made, name, value, words):
    X, Y, s = people()
    with pytest.raises(InputError, match=words):
        small(made, **{name: value}).fit(X, Y, sensitive_features=s)


def test_ten_rows_are_enough_to_train_on():
    X, Y, s = people(10)
    model = small(batch_size=1024).fit(X, Y, sensitive_features=s)
    assert np.isfinite(model.positive_probability(X)).all()


def test_a_group_of_two_trains_and_validates_on_all_rows():
    X, Y, _ = people(40)
    s = np.array(["f"] * 2 + ["m"] * 38)
    model = small().fit(X, Y, sensitive_features=s)
    assert np.isfinite(model.history_["violation"]).all()


def test_data_frames_name_the_tasks_and_the_features():
    X, Y, s = people()
    frame = pd.DataFrame(X, columns=["age", "hours", "years", "rooms"])
    labels = pd.DataFrame(Y, columns=["employed", "insured"])
    model = small().fit(frame, labels, sensitive_features=pd.Series(s))
    assert model.task_names_ == ["employed", "insured"]
    assert list(model.feature_names_in_) == list(frame.columns)
    turned = frame, labels[["insured", "employed"]], s
    with pytest.raises(InputError, match="tasks in the order insured, employed"):
        small().fit(frame, labels, sensitive_features=s, validation=turned)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame.rename(columns={"age": "weight"}))
    other = small().fit(X, pl.DataFrame(Y, schema=["employed", "insured"]), sensitive_features=s)
    assert other.task_names_ == ["employed", "insured"]
    np.testing.assert_array_equal(other.predict(X), model.predict(frame))


def test_given_validation_rows_are_used_and_must_have_known_values():
    X, Y, s = people()
    held = people(40, seed=1)
    model = small().fit(X, Y, sensitive_features=s, validation=held)
    right = (model.predict(held[0]) == held[1]).mean(0)
    np.testing.assert_allclose(model.history_["accuracy"][-1], right, atol=1e-6)
    strange = np.where(held[2] == "f", "x", "m")
    with pytest.raises(InputError, match="value 'x', which training rows do not have"):
        small().fit(X, Y, sensitive_features=s, validation=(held[0], held[1], strange))
    with pytest.raises(InputError, match="value 'x', which training rows do not have"):
        small().fit(X, Y, sensitive_features=s, validation=(*held[:2], strange.astype(object)))
    with pytest.raises(InputError, match="validation needs rows, labels and groups"):
        small().fit(X, Y, sensitive_features=s, validation=held[:2])
    with pytest.raises(InputError, match="have 2 tasks, the others 3"):
        small().fit(X, np.column_stack([Y, Y[:, 0]]), sensitive_features=s, validation=held)


@pytest.mark.slow
@pytest.mark.parametrize("made", [VanillaMTL, SingleTask, MTAF])
def test_pictures_are_learned_from_and_kept_in_files(made, tmp_path):
    # A bright patch at one of two places: no single number tells, but its place does.
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 16, 16, 3)).astype(np.float32)
    Y = rng.integers(0, 2, (400, 2))
    for i in range(400):
        X[i, 2:7, 2 + 8 * Y[i, 0] : 7 + 8 * Y[i, 0]] += 1.5
        X[i, 9 + 2 * Y[i, 1] : 14 + 2 * Y[i, 1], 8:13, 0] += 2.0
    s = rng.integers(0, 2, 400)
    model = small(made, hidden=(16, 8), epochs=25, learning_rate=3e-3).fit(
        X[:300], Y[:300], sensitive_features=s[:300]
    )
    assert model.score(X[300:], Y[300:]) > 0.8
    loaded = made.load(model.save(tmp_path / "model.npz"))
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    with pytest.raises(InputError, match=r"rows of shape \(8, 8, 3\)"):
        model.predict(X[:, :8, :8])


def test_branching_of_pictures_is_refused_before_training():
    _, Y, s = people(20)
    with pytest.raises(InputError, match="give features of them"):
        small(FairBranch).fit(np.zeros((20, 8, 8, 3)), Y, sensitive_features=s)


def test_the_best_model_is_kept_where_asked_for():
    X, Y, s = people(200)
    model = small(epochs=8, keep="best", learning_rate=0.05).fit(X, Y, sensitive_features=s)
    score = (model.history_["accuracy"] - model.history_["violation"]).mean(1)
    assert model.best_epoch_ == int(score.argmax())
    held = people(100, seed=3)
    kept = small(epochs=8, keep="best", learning_rate=0.05).fit(
        X, Y, sensitive_features=s, validation=held
    )
    best = kept.best_epoch_
    right = (kept.predict(held[0]) == held[1]).mean(0)
    np.testing.assert_allclose(kept.history_["accuracy"][best], right, atol=1e-6)


def test_a_callback_sees_each_epoch_and_can_end_training():
    X, Y, s = people()
    seen = []
    model = small(epochs=9).fit(
        X, Y, sensitive_features=s,
        after_epoch=lambda epoch, scores: seen.append(epoch) or epoch == 3,
    )  # fmt: skip
    assert seen == [1, 2, 3]
    assert len(model.history_["loss"]) == 3


def test_sensitive_features_are_routed_through_a_pipeline():
    import sklearn
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    X, Y, s = people()
    with sklearn.config_context(enable_metadata_routing=True):
        model = small().set_fit_request(sensitive_features=True)
        pipeline = make_pipeline(StandardScaler(), model).fit(X, Y, sensitive_features=s)
        assert pipeline.predict(X).shape == Y.shape
        with pytest.raises(ValueError, match="sensitive_features is missing"):
            make_pipeline(StandardScaler(), small()).fit(X, Y)


class FromRows:
    """Takes the group from the first input, for checks that know of no groups."""

    def fit(self, X: Any, Y: Any, sensitive_features: Any = None, **rest: Any) -> Any:
        if sensitive_features is None and Y is not None:
            first = np.asarray(X)
            first = first[:, 0] if first.ndim == 2 and first.shape[1:] > (0,) else np.zeros(2)
            try:
                ranks = np.argsort(np.argsort(first, kind="stable"), kind="stable")
            except TypeError:
                ranks = np.arange(len(first))
            sensitive_features = (2 * ranks >= len(first)).astype(int)
        return super().fit(X, Y, sensitive_features=sensitive_features, **rest)  # type: ignore[misc]


class VanillaMTLFromRows(FromRows, VanillaMTL): ...


class GreedyFMTFromRows(FromRows, GreedyFMT): ...


class L2TFMTFromRows(FromRows, L2TFMT): ...


class SingleTaskFromRows(FromRows, SingleTask): ...


class MTAFFromRows(FromRows, MTAF): ...


class FairBranchFromRows(FromRows, FairBranch): ...


FROM_ROWS = (
    VanillaMTLFromRows, GreedyFMTFromRows, L2TFMTFromRows, SingleTaskFromRows, MTAFFromRows,
    FairBranchFromRows,
)  # fmt: skip


# Check -> why it cannot pass here. scikit-learn itself skips one, of other array libraries.
EXPECTED_FAILURES = {
    "check_do_not_raise_errors_in_init_or_set_params": "it sets settings of wrong types, which the "
    "type checker of these tests refuses at once; without that checker it passes",
}
SKIPPED = {"check_array_api_input": "needs SCIPY_ARRAY_API set before SciPy is imported"}


@pytest.mark.long
@pytest.mark.parametrize("made", FROM_ROWS)
def test_scikit_learns_own_checks_pass(made):
    model = made(hidden=(16, 8), epochs=60, batch_size=32, random_state=0, learning_rate=0.01)
    found = check_estimator(
        model, on_skip=None, on_fail=None, expected_failed_checks=EXPECTED_FAILURES
    )
    by_status: dict[str, set[str]] = {"failed": set(), "skipped": set()}
    for each in found:
        by_status.setdefault(each["status"], set()).add(each["check_name"])
    assert not by_status["failed"]
    assert by_status["skipped"] <= set(SKIPPED)
    assert len(by_status["passed"]) > 40
