"""Fitted models in files: what they are told, what they answer, and what is refused."""

import builtins
import pickle
import threading
import warnings

import jax.random as jr
import joblib
import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from sklearn.svm import LinearSVC
from skops.io import dump

from evenhand.algorithms.model_file import load_model
from evenhand.algorithms.model_text import allow_pickles, read_model_text
from evenhand.algorithms.policies import make_policy, read_policy
from evenhand.core.errors import InputError
from evenhand.data.presets import fico_scores, gym
from evenhand.envs.lending import Lending
from evenhand.experiments.choose_policy import check_policy, policy_notes
from evenhand.experiments.config import Experiment
from evenhand.experiments.workers import run_jobs

GYM = Lending(gym(population_per_group=50))
FICO = Lending(fico_scores(("white", "black", "hispanic", "asian"), num_levels=10))
NAMES = FICO.built_from.value.groups
MIDDLES = np.arange(5, 100, 10.0)
GROUP, LEVEL = np.indices((len(NAMES), 10)).reshape(2, -1)


def approval(text, env=FICO):
    """P(approve) by group and level."""
    policy = make_policy(str(text), env, env.default_params(), jr.key(0))
    np.testing.assert_allclose(policy.table.sum(-1), 1, rtol=1e-6)
    return np.asarray(policy.table[..., 1])


def fitted(columns, model=None, label=None):
    """A model fitted on a data frame, by default to the scores above 50."""
    table = pd.DataFrame(columns)
    label = MIDDLES[LEVEL] > 50 if label is None else label
    return (model or LogisticRegression()).fit(table, label.astype(int))


def saved(tmp_path, model, suffix="skops"):
    path = tmp_path / f"card.{suffix}"
    dump(model, path) if suffix == "skops" else joblib.dump(model, path)
    return str(path)


def scorecard():
    """P(label 1) = 1 / (1 + exp(-(score - 47) / 4)), which passes 1/2 between levels 4 and 5."""
    model = fitted({"score": MIDDLES[LEVEL]})
    model.coef_, model.intercept_ = np.array([[0.25]]), np.array([-47 / 4])
    return model


def test_a_scorecard_is_the_threshold_computed_by_hand(tmp_path):
    path = saved(tmp_path, scorecard())
    by_hand = 1 / (1 + np.exp(-(MIDDLES - 47) / 4))
    np.testing.assert_array_equal(approval(path), approval("threshold:5"))
    # At P >= 0.9: score >= 47 + 4 log 9 = 55.8, the first middle above which is that of level 6.
    np.testing.assert_array_equal(approval(f"{path}>=0.9"), approval("threshold:6"))
    np.testing.assert_array_equal(approval(f"{path} < 0.9"), 1 - approval("threshold:6"))
    np.testing.assert_allclose(
        approval(f"{path}:random"), by_hand[None].repeat(len(NAMES), 0), 1e-5
    )
    assert policy_notes(path, FICO) == []


@pytest.mark.parametrize("suffix", ["skops", "joblib", "pkl"])
def test_all_kinds_of_files_hold_the_same_model(tmp_path, suffix):
    path = saved(tmp_path, scorecard(), suffix)
    assert read_policy(path).name == "model"
    with allow_pickles(suffix != "skops"):
        np.testing.assert_array_equal(approval(path), approval("threshold:5"))


class Touch:
    """Unpickled, it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("suffix", ["joblib", "pkl", "pickle", "PKL"])
def test_a_pickle_runs_nothing_unless_the_caller_trusts_it(tmp_path, suffix):
    trap, path = tmp_path / "trap", tmp_path / f"card.{suffix}"
    path.write_bytes(pickle.dumps(Touch(trap)))
    for make in (approval, lambda text: check_policy(text, FICO, None)):
        with pytest.raises(
            InputError, match=r"is a pickle, .* any code .* --allow-pickle .* skops"
        ):
            make(str(path))
    with allow_pickles(False), pytest.raises(InputError, match="is a pickle"):
        approval(path)
    assert not trap.exists()
    # The trap works: only leave to load it springs it.
    with warnings.catch_warnings(), allow_pickles():
        warnings.simplefilter("ignore")
        with pytest.raises(InputError, match="TextIOWrapper, which has no predict"):
            approval(path)
    assert trap.exists()
    with pytest.raises(InputError, match="is a pickle"):
        approval(path)


def test_bytes_of_a_pickle_run_nothing_either(tmp_path):
    trap = tmp_path / "trap"
    text = read_model_text("card.joblib")
    assert text is not None
    with pytest.raises(InputError, match="is a pickle"):
        load_model(text, pickle.dumps(Touch(trap)))
    assert not trap.exists()


@pytest.mark.parametrize("version", ["0.9", "0.11.0", "0.11.dev0"])
def test_a_skops_that_can_be_tricked_loads_nothing(tmp_path, monkeypatch, version):
    path = saved(tmp_path, scorecard())
    monkeypatch.setattr("skops.__version__", version)
    monkeypatch.setattr("skops.io.loads", lambda data: pytest.fail("it was loaded"))
    with pytest.raises(InputError, match=rf"skops {version} can be made to run .*skops>=0.12"):
        check_policy(path, FICO, None)


def test_a_pickle_under_a_safe_name_is_not_unpickled(tmp_path):
    for suffix in ("skops", "onnx"):
        path = tmp_path / f"card.{suffix}"
        path.write_bytes(pickle.dumps(Touch(tmp_path / "trap")))
        with allow_pickles(), pytest.raises(InputError, match="cannot be loaded"):
            approval(path)
    assert not (tmp_path / "trap").exists()


def test_the_threads_of_a_run_have_the_leave_of_their_maker(tmp_path):
    path, found = saved(tmp_path, scorecard(), "joblib"), []
    for allowed in (True, False):
        with allow_pickles(allowed):
            try:
                run_jobs([0], lambda _: found.append(approval(path)), 1, threading.Event())
            except InputError as error:
                found.append(str(error))
    np.testing.assert_array_equal(found[0], approval("threshold:5"))
    assert "is a pickle" in found[1]


def test_cuts_that_differ_in_the_last_digit_are_different_runs(tmp_path):
    path = saved(tmp_path, scorecard())
    cuts = ("0.7", "0.70", "0.7000001", "0.70000012")
    digests = [Experiment(methods=(f"{path}>={cut}",)).digest() for cut in cuts]
    assert digests[0] == digests[1]
    assert len({*digests}) == 3


def test_a_digest_follows_the_content_of_a_model_and_its_rule(tmp_path):
    path = saved(tmp_path, scorecard())
    other = tmp_path / "again.skops"
    other.write_bytes((tmp_path / "card.skops").read_bytes())
    one, moved, cut = (
        Experiment(methods=(str(name),)).digest() for name in (path, other, f"{path}>=0.6")
    )
    assert one == moved != cut
    dump(fitted({"score": MIDDLES[LEVEL]}), path)
    assert Experiment(methods=(path,)).digest() != one


def test_groups_are_told_by_index_by_name_or_one_column_each(tmp_path):
    wide = LogisticRegression(C=1e4)
    one_hot = {f"group_{name}": g == GROUP for g, name in enumerate(NAMES)}
    encoder = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["group"]),
                                      remainder="passthrough")  # fmt: skip
    label = (GROUP == 1) | (LEVEL >= 8)
    tables = {
        "one": {"level": LEVEL, **one_hot},
        "names": {"level": LEVEL, "group": np.array(NAMES)[GROUP]},
        "index": {"level": LEVEL, "group": GROUP},
    }
    for name, columns in tables.items():
        model = wide if name == "one" else make_pipeline(encoder, wide)
        path = saved(tmp_path, fitted(columns, model, label))
        assert (approval(path)[1] == 1).all(), name
        assert (approval(path)[[0, 2, 3]] == (np.arange(10) >= 8)).all(), name
    plain = saved(tmp_path, fitted({"group": GROUP}, LogisticRegression(), GROUP >= 2))
    assert (approval(plain) == (np.arange(4) >= 2)[:, None]).all()


def test_columns_without_names_go_by_their_number(tmp_path):
    rows = np.indices((2, 7)).reshape(2, -1).T
    label = rows.sum(1) >= 4
    for take in ([1], [0, 1]):
        model = LinearSVC().fit(rows[:, take], label)
        expected = model.predict(rows[:, take]).reshape(2, 7)
        assert (approval(saved(tmp_path, model), GYM) == expected).all()
    with pytest.raises(InputError, match="has 3 columns without names"):
        approval(saved(tmp_path, LinearSVC().fit(rows[:, [0, 1, 1]], label)), GYM)


def test_a_group_that_the_model_never_saw_is_refused_or_noted(tmp_path):
    some = GROUP < 2
    columns = {"level": LEVEL[some], "group": np.array(NAMES)[GROUP[some]]}
    label = LEVEL[some] > 4
    for unknown in ("ignore", "error"):
        coder = make_column_transformer((OneHotEncoder(handle_unknown=unknown), ["group"]))
        path = saved(tmp_path, fitted(columns, make_pipeline(coder, LogisticRegression()), label))
        with pytest.raises(InputError, match=f"does not know {NAMES[2]}, {NAMES[3]}; .*--groups"):
            approval(path)
    path = saved(tmp_path, fitted({"group_martian": LEVEL}))
    with pytest.raises(InputError, match=f"column 'group_martian', .* among level, .*{NAMES[0]}"):
        approval(path)
    path = saved(tmp_path, fitted({f"group_{NAMES[0]}": GROUP == 0, "level": LEVEL}))
    with pytest.raises(InputError, match=r"no column for the groups .* cannot tell them apart"):
        approval(path)
    one_hot = {f"group_{name}": g == GROUP for g, name in enumerate(NAMES) if g}
    path = saved(tmp_path, fitted({"level": LEVEL, **one_hot}))
    (note,) = policy_notes(path, FICO)
    assert f"no column for group {NAMES[0]!r}" in note


def test_models_that_answer_wrongly_are_told_what_is_wanted(tmp_path):
    level = {"level": LEVEL}
    with pytest.raises(InputError, match=r"answers -?\d.* for level=\d; .* in \[0, 1\]"):
        approval(saved(tmp_path, fitted(level, LinearRegression(), 3 * LEVEL - 9)))
    with pytest.raises(InputError, match="between labels 1, 2; fit it on labels 0 and 1"):
        approval(saved(tmp_path, fitted(level, label=1 + (LEVEL > 4))))
    broken = fitted(level)
    broken.intercept_[:] = np.nan
    with pytest.raises(InputError, match="answers nan for level=0"):
        approval(saved(tmp_path, broken))
    broken.coef_ = np.ones((1, 3))
    with pytest.raises(InputError, match=r"fails on columns level .*mismatch"):
        approval(saved(tmp_path, broken))
    with pytest.raises(InputError, match=r"column 'income', which .* among level, group, score"):
        approval(saved(tmp_path, fitted({"level": LEVEL, "income": LEVEL})))
    with pytest.raises(InputError, match=r"'score', .* no score scale"):
        approval(saved(tmp_path, scorecard()), GYM)


class Long(LogisticRegression):
    """It answers twice as often as it is asked."""

    def predict_proba(self, X):
        return np.concatenate([super().predict_proba(X)] * 2)


def test_files_that_hold_no_model_are_told_apart(tmp_path):
    for name, content, problem in (
        ("none.skops", None, "cannot be read: No such file"),
        ("empty.onnx", b"", "is empty"),
        ("text.skops", b"abc", "cannot be loaded as a model"),
        ("text.joblib", b"abc", "cannot be loaded as a model"),
        ("text.onnx", b"abc", "cannot be loaded as an ONNX model"),
    ):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with allow_pickles(), pytest.raises(InputError, match=problem):
            approval(tmp_path / name)
    with pytest.raises(InputError, match="holds a dict, which has no predict"):
        approval(saved(tmp_path, {"a": 1}))
    strange = make_pipeline(FunctionTransformer(approval), LogisticRegression())
    with pytest.raises(InputError, match=r"does not trust \(.*approval\) and is not loaded"):
        approval(saved(tmp_path, strange))
    with allow_pickles(), pytest.raises(InputError, match="one number a row"):
        approval(saved(tmp_path, fitted({"level": LEVEL}, Long()), "joblib"))


def test_a_model_of_another_version_is_noted(tmp_path, monkeypatch):
    monkeypatch.setattr("sklearn.base.__version__", "1.0.0")
    path = saved(tmp_path, scorecard(), "joblib")
    monkeypatch.undo()
    with allow_pickles():
        (note,) = policy_notes(path, FICO)
    assert "saved with scikit-learn 1.0.0" in note


def test_a_package_that_is_not_installed_is_named_with_the_way_to_get_it(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name.partition(".")[0] in ("skops", "onnxruntime", "joblib"):
            raise ImportError(name)
        return real(name, *rest, **more)

    for suffix, package in (("skops", "skops"), ("onnx", "onnxruntime"), ("pkl", "joblib")):
        path = tmp_path / f"uncached.{suffix}"
        path.write_bytes(b"anything")
        with monkeypatch.context() as patch, allow_pickles():
            patch.setattr(builtins, "__import__", without)
            with pytest.raises(InputError, match=rf"package {package}.* 'evenhand\[models\]'"):
                approval(path)


def onnx_file(tmp_path, nodes, inputs, outputs, opset=(("", 17), ("ai.onnx.ml", 3))):
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info(*one) for one in inputs],
        [helper.make_tensor_value_info(*one) for one in outputs],
    )  # fmt: skip
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid(*one) for one in opset], ir_version=8
    )
    onnx.save(model, tmp_path / "card.onnx")
    return str(tmp_path / "card.onnx")


def linear(slope, cut, **more):
    """A classifier whose P(label 1) is the logistic of slope (x - cut)."""
    return helper.make_node(
        "LinearClassifier", more.pop("inputs", ["x"]), ["label", "scores"], domain="ai.onnx.ml",
        classlabels_ints=more.pop("labels", [0, 1]), post_transform="LOGISTIC",
        coefficients=[-float(slope), float(slope)],
        intercepts=[float(slope * cut), -float(slope * cut)],
    )  # fmt: skip


LABEL, FLOAT = ("label", TensorProto.INT64, [None]), TensorProto.FLOAT


def test_an_onnx_classifier_of_the_level_is_the_logistic_curve(tmp_path):
    inputs = [("x", FLOAT, [None, 1])]
    path = onnx_file(tmp_path, [linear(1, 2.5)], inputs, [LABEL, ("scores", FLOAT, [None, 2])])
    curve = 1 / (1 + np.exp(2.5 - np.arange(7.0)))
    np.testing.assert_allclose(approval(f"{path}:random", GYM), np.stack([curve] * 2), rtol=1e-5)
    np.testing.assert_array_equal(approval(path, GYM), approval("threshold:3", GYM))


def test_an_onnx_classifier_may_answer_with_dicts_or_with_labels_alone(tmp_path):
    zipped = helper.make_node(
        "ZipMap", ["scores"], ["maps"], domain="ai.onnx.ml", classlabels_int64s=[0, 1]
    )
    inputs = [("score", FLOAT, [None, 1])]
    value = helper.make_sequence_type_proto(
        helper.make_map_type_proto(TensorProto.INT64, helper.make_tensor_type_proto(FLOAT, []))
    )
    path = onnx_file(tmp_path, [linear(0.25, 47, inputs=["score"]), zipped], inputs, [LABEL])
    labels = approval(path)
    model = onnx.load(path)
    model.graph.output.append(helper.make_value_info("maps", value))
    onnx.save(model, path)
    np.testing.assert_array_equal(labels, approval("threshold:5"))
    np.testing.assert_array_equal(approval(path), labels)
    np.testing.assert_array_equal(approval(f"{path}>=0.9"), approval("threshold:6"))


def test_an_onnx_model_with_one_input_a_column_goes_by_their_names(tmp_path):
    text = ("group", TensorProto.STRING, [None, 1])
    encode = helper.make_node(
        "LabelEncoder", ["group"], ["shift"], domain="ai.onnx.ml",
        keys_strings=list(NAMES), values_floats=[0.0, 3.0, 0.0, 0.0],
    )  # fmt: skip
    nodes = [encode, helper.make_node("Add", ["level", "shift"], ["x"]), linear(4, 6.5)]
    inputs = [("level", FLOAT, [None, 1]), text]
    path = onnx_file(tmp_path, nodes, inputs, [LABEL, ("scores", FLOAT, [None, 2])])
    np.testing.assert_array_equal(approval(path), approval("threshold:7,4,7,7"))


def test_onnx_models_that_do_not_fit_are_refused(tmp_path):
    out = [LABEL, ("scores", FLOAT, [None, 2])]
    path = onnx_file(tmp_path, [linear(1, 2, labels=[1, 2])], [("x", FLOAT, [None, 1])], out)
    with pytest.raises(InputError, match="between labels 1, 2; fit it on labels 0 and 1"):
        approval(path)
    path = onnx_file(tmp_path, [linear(1, 2)], [("x", FLOAT, [None, None])], out)
    with pytest.raises(InputError, match="an unknown number of columns without names"):
        approval(path)
    identity = helper.make_node("Identity", ["level"], ["y"])
    path = onnx_file(tmp_path, [identity], [("level", FLOAT, [None, 1])], [("y", FLOAT, [None, 1])])
    with pytest.raises(InputError, match=r"answers 2 for level=2"):
        approval(path)


@pytest.mark.parametrize(
    "rule", [">=1.5", ">0.5", "<=0.2", ">=half", ":", ":prob", "@0.7", ">=nan", "<"]
)
def test_a_rule_that_is_none_is_answered_with_those_there_are(rule):
    with pytest.raises(InputError, match=r"reads card.skops>=0.7 .* got 'card.skops"):
        read_model_text(f"card.skops{rule}")
    assert read_model_text("threshold:3") is None
