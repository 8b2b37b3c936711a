"""Classifiers of several targets as trials: what the rows say, ARA and AREO, and refusals."""

import json
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from evenhand import cli
from evenhand.core.errors import InputError
from evenhand.experiments.record import read_run
from evenhand.experiments.trials import running
from evenhand.experiments.trials.multi_task_trial import MultiTaskTrial
from evenhand.experiments.trials.running import run_trial
from evenhand.experiments.trials.trial import make_trial
from evenhand.supervised import GreedyFMT, load_table

METHODS = ["single-task", "vanilla-mtl", "g-fmt"]
TASKS = ("hired", "promoted")
STUDY = """
kind = "multi-task"
[defaults]
methods = ["single-task", "l2t-fmt"]
data = "people.csv"
tasks = ["hired", "promoted"]
group = "sex"
epochs = 2
batch_size = 32
[scenarios.people]
"""


@pytest.fixture(autouse=True)
def people(tmp_path, monkeypatch):
    """A table of the user's own, and work in this process."""
    rng = np.random.default_rng(0)
    skill, sex = rng.normal(size=300), rng.integers(0, 2, 300)
    hired = skill + 0.8 * sex + rng.normal(size=300) > 0.4
    promoted = skill - 0.8 * sex + rng.normal(size=300) > 0
    pl.DataFrame(
        {
            "skill": skill,
            "years": rng.normal(size=300),
            "sex": np.where(sex == 1, "f", "m"),
            "hired": hired.astype(int),
            "promoted": promoted.astype(int),
        }
    ).write_csv(tmp_path / "people.csv")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(MultiTaskTrial, "separate", False)


def trial(**changes):
    given = {
        "name": "people", "methods": METHODS, "seeds": 1, "data": "people.csv", "tasks": TASKS,
        "group": "sex", "protected": "f", "epochs": 2, "batch_size": 32,
    }  # fmt: skip
    return make_trial("multi-task", given | changes, "here")


def values(run, method):
    rows = run.final.filter(algorithm=method)
    return dict(zip(rows["metric"], rows["value"], strict=True))


@pytest.fixture
def run(tmp_path):
    return read_run(run_trial(trial(), tmp_path / "runs"))


def test_single_task_relative_to_itself_is_one(run):
    found = values(run, "single-task")
    assert min(found[f"violation:{task}"] for task in TASKS) > 1e-3
    assert found["ARA"] == found["AREO"] == 1


def test_ara_and_areo_are_means_of_ratios_to_the_single_task_part_of_the_seed(run):
    alone = values(run, "single-task")
    for method in METHODS:
        found = values(run, method)
        for relative, of in (("ARA", "accuracy"), ("AREO", "violation")):
            ratios = [found[f"{of}:{task}"] / alone[f"{of}:{task}"] for task in TASKS]
            assert found[relative] == pytest.approx(sum(ratios) / 2)
        assert found["mean_violation"] == pytest.approx(
            (found["violation:hired"] + found["violation:promoted"]) / 2
        )


def test_without_single_task_there_is_no_ratio_and_the_budget_says_so(tmp_path):
    found = read_run(run_trial(trial(methods=["vanilla-mtl"]), tmp_path / "runs"))
    assert not {"ARA", "AREO"} & set(found.final["metric"])
    assert "no ARA and AREO, for single-task is not among the methods" in found.manifest["budget"]
    assert "ARA" not in trial().budget


def test_what_a_part_says_is_what_the_classifier_s_own_predictions_say(run):
    table = load_table("people.csv", TASKS, "sex", "f")
    made = GreedyFMT(epochs=2, batch_size=32, random_state=0)
    validation = table.part("val")
    made.fit(
        table.X_train, table.Y_train, sensitive_features=table.s_train, validation=validation
    )  # fmt: skip
    predicted, found = made.predict(table.X_test), values(run, "g-fmt")
    for t, task in enumerate(TASKS):
        truth, said = table.Y_test[:, t], predicted[:, t]
        assert found[f"accuracy:{task}"] == pytest.approx((truth == said).mean())
        rate = [[said[(table.s_test == g) & (truth == y)].mean() for g in (0, 1)] for y in (0, 1)]
        apart = sum(abs(a - b) for a, b in rate)
        assert found[f"violation:{task}"] == pytest.approx(apart)


def test_the_greedy_rule_as_printed_never_trains_for_accuracy_and_vanilla_always_does(run):
    for task in TASKS:
        assert values(run, "g-fmt")[f"worst_group_share:{task}"] == 1
        assert values(run, "vanilla-mtl")[f"worst_group_share:{task}"] == 0
    assert not [name for name in values(run, "single-task") if "worst_group" in name]


def test_curves_have_a_point_for_every_epoch_and_their_mean_over_tasks(run):
    curves = run.curves.filter(algorithm="g-fmt")
    for epoch in (1, 2):
        rows = curves.filter(env_steps=epoch)
        found = dict(zip(rows["metric"], rows["value"], strict=True))
        each = [found[f"validation_accuracy:{task}"] for task in TASKS]
        assert found["validation_accuracy"] == pytest.approx(sum(each) / 2)
    assert set(curves["env_steps"]) == {1, 2}


def test_a_run_that_is_stopped_is_continued_to_the_same_numbers(run, tmp_path, monkeypatch):
    own, done = MultiTaskTrial.run_part, []

    def stopping(self, method, *rest):
        if method == "vanilla-mtl" and not done:
            done.append(method)
            raise KeyboardInterrupt
        return own(self, method, *rest)

    monkeypatch.setattr(MultiTaskTrial, "run_part", stopping)
    monkeypatch.setattr(running, "num_cores", lambda: 1)
    with pytest.raises(KeyboardInterrupt):
        run_trial(trial(), tmp_path / "again")
    assert [path.name for path in tmp_path.glob("again/*/parts/single-task*.json")]
    assert not list(tmp_path.glob("again/*/final.parquet"))
    again = read_run(run_trial(trial(), tmp_path / "again"))
    for method in METHODS:
        one, other = values(run, method), values(again, method)
        assert {k: v for k, v in one.items() if "seconds" not in k} == {
            k: v for k, v in other.items() if "seconds" not in k
        }


def test_the_weight_of_mta_f_is_searched_unless_it_is_given():
    asked = trial(methods=["mta-f", "mta-f:fairness_weights=0.5", "vanilla-mtl"])
    assert [asked.work(method) for method in asked.methods] == [8, 2, 2]


def test_progress_counts_as_many_epochs_as_there_is_work(tmp_path):
    asked = trial(methods=["mta-f"], rows=60)
    told = []
    asked.run_part("mta-f", 0, told.append, tmp_path / "state")
    assert sum(told) == asked.work("mta-f")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"methods": ["l2t-ftm"]}, "there is no method 'l2t-ftm'; did you mean 'l2t-fmt'"),
        ({"methods": ["l2t-fmt:look=full"]}, "there is no option of l2t-fmt 'look'"),
        ({"methods": ["l2t-fmt:epochs=3"]}, "there is no option of l2t-fmt 'epochs'"),
        ({"methods": ["l2t-fmt:look_ahead=all"]}, "l2t-fmt: there is no look_ahead 'all'"),
        ({"methods": ["l2t-fmt:discount=x"]}, "l2t-fmt: an option has a value of the wrong kind"),
        ({"methods": ["g-fmt:hidden=()"]}, "g-fmt: hidden must name widths"),
        ({"preset": "papers"}, "there is no preset 'papers'; did you mean 'paper'"),
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"rows": -1}, "rows must be at least 0, got -1"),
        ({"rows": 3}, "num_rows must be at least 4"),
        ({"data": "acs-masachusetts"}, "did you mean 'acs-massachusetts'"),
        ({"data": "nobody.csv"}, "nobody.csv"),
        ({"group": ""}, "needs the columns of the targets and of the group"),
        ({"states": ["CA"]}, "states means nothing for data = people.csv"),
        ({"tasks": ["hired", "fired"]}, "fired"),
        ({"data": "census-income", "tasks": [], "group": "sex"}, "group means nothing for data"),
        (
            {"data": "census-income", "tasks": ["Maried"], "group": "", "protected": ""},
            "did you mean 'Married'",
        ),
    ],
)
def test_what_cannot_be_run_is_refused_before_any_training(changes, sentence):
    with pytest.raises(InputError, match=sentence) as told:
        trial(**changes).world()
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "flag", ["data=nobody.csv", "methods=l2t-ftm", "methods=l2t-fmt:discount=2", "rows=2"]
)
def test_a_wrong_word_ends_the_command_with_code_2_and_writes_nothing(tmp_path, capsys, flag):
    folder = tmp_path / "papers" / "people"
    folder.mkdir(parents=True)
    (folder / "experiment.toml").write_text(STUDY)
    assert cli.main(["run", "papers/people", "--set", flag]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not (tmp_path / "runs").exists()
    assert not (folder / "results").exists()


def test_both_figures_about_tasks_are_drawn_from_a_command(tmp_path, capsys):
    folder = tmp_path / "papers" / "people"
    folder.mkdir(parents=True)
    (folder / "experiment.toml").write_text(STUDY)
    (folder / "figures.toml").write_text(
        '[[figures]]\nname = "boxes"\nkind = "task-boxes"\npanels = [{ metric = "violation" }]\n'
        '[[figures]]\nname = "map"\nkind = "share-map"\n'
        'panels = [{ metric = "worst_group_share", none = "accuracy", all = "worst group" }]\n'
        '[overview]\nmethods = ["l2t-fmt"]\nmetrics = [{ metric = "AREO", better = "lower" }]\n'
    )
    assert cli.main(["run", "papers/people", "--seeds", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    means = found["scenarios"]["people"]["l2t-fmt"]
    assert {"ARA", "AREO", "mean_violation", "accuracy:hired", "violation:promoted"} <= set(means)
    written = tmp_path / "runs" / "people" / "scratch" / "preliminary"
    row = next(
        line for line in (written / "tables.md").read_text().splitlines() if "AREO |" in line
    )
    assert row.startswith("| People | AREO |")
    assert f"**{means['AREO']:.2f}" in row
    drawn = written / "figures"
    assert {path.stem for path in drawn.glob("*.png")} == {"boxes", "map"}


def test_a_target_in_words_is_told_which_word_counts_as_1(tmp_path):
    frame = pl.read_csv("people.csv")
    words = pl.when(pl.col("hired") == 1).then(pl.lit("taken")).otherwise(pl.lit("turned down"))
    frame.with_columns(words.alias("hired")).write_csv("words.csv")
    told = trial(data="words.csv", tasks=("hired=taken", "promoted")).table
    plain = trial().table
    assert told.task_names == plain.task_names
    np.testing.assert_array_equal(told.Y_test, plain.Y_test)
    with pytest.raises(InputError, match="no value 'take'; positive is one of"):
        trial(data="words.csv", tasks=("hired=take",)).world()


def test_seeds_differ_and_the_same_seed_does_not(tmp_path):
    asked = trial(methods=["vanilla-mtl"], seeds=3)
    made = [asked.run_part("vanilla-mtl", seed, lambda _: None, tmp_path) for seed in (0, 0, 1)]
    numbers = [[r["value"] for r in m["curves"] if "seconds" not in r["metric"]] for m in made]
    assert [one == other for one, other in pairwise(numbers)] == [True, False]
