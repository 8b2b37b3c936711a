"""Trials run in processes, are continued, judged and shown, and refuse what they do not know."""

import json

import pytest

from evenhand import cli
from evenhand.core import registry
from evenhand.core.errors import InputError
from evenhand.experiments.paper.study import read_study
from evenhand.experiments.record import read_run
from evenhand.experiments.trials import running
from evenhand.experiments.trials.running import run_trial
from evenhand.experiments.trials.trial import make_trial, trial_class

STUDY = """
kind = "coins"

[paper]
title = "Coins"

[defaults]
methods = ["plain", "bent:by=0.25"]
seeds = 4
throws = 400

[scenarios.even]
[scenarios.uneven]
chances = [0.25, 0.5]
"""
CLAIMS = """
[[claims]]
id = "A"
statement = "The bent coin falls on heads more often."
[[claims.tests]]
scenario = "even"
metric = "heads"
group = ["left", "right"]
a = "bent:by=0.25"
relation = "greater"
b = "plain"
margin = 0.1

[[claims]]
id = "B"
statement = "Even coins fall alike."
[[claims.tests]]
scenario = "even"
metric = "gap:of-coins"
a = "plain"
relation = "less"
b = { scenario = "uneven", method = "plain" }
"""
FIGURES = """
[[columns]]
metric = "gap:of-coins"
better = "lower"

[[figures]]
name = "heads"
kind = "training-curves"
panels = [{ metric = "heads", group = "left", line = 0.5, line_title = "even" }]
[[figures]]
name = "gaps"
kind = "bars"
panels = [{ metric = "gap:of-coins" }]
"""


@pytest.fixture(autouse=True)
def _coins(monkeypatch):
    monkeypatch.setitem(registry.TRIALS, "coins", "experiments.coin_trial:CoinTrial")
    monkeypatch.setitem(registry.TRIAL_METHODS, "coins", ("plain", "bent"))


@pytest.fixture
def paper(tmp_path, monkeypatch):
    folder = tmp_path / "papers" / "coins"
    folder.mkdir(parents=True)
    for name, text in (
        ("tabular", STUDY),
        ("claims-tabular", CLAIMS),
        ("figures-tabular", FIGURES),
    ):
        (folder / f"{name}.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    return folder


def trial(**changes):
    given = {"name": "coins", "methods": ["plain"], "seeds": 3, "throws": 100} | changes
    return make_trial("coins", given, "here")


def test_a_part_done_in_a_process_is_the_part_done_here(tmp_path):
    asked = trial(methods=["plain", "bent:by=0.1"])
    found = read_run(run_trial(asked, tmp_path))
    assert found.groups == ("left", "right")
    for method in asked.methods:
        for seed in range(3):
            rows = asked.run_part(method, seed, lambda _: None, tmp_path / "x")["final"]
            kept = found.final.filter(algorithm=method, seed=seed)
            assert kept["value"].to_list() == [row["value"] for row in rows]


def test_finished_parts_are_not_done_again(tmp_path, monkeypatch):
    folder = run_trial(trial(), tmp_path)
    parts = sorted(folder.glob("parts/*.json"))
    parts[1].unlink()
    done = []
    monkeypatch.setattr(running, "Processes", None)
    monkeypatch.setattr(type(trial()), "separate", False)
    own = type(trial()).run_part
    monkeypatch.setattr(type(trial()), "run_part", lambda *a: done.append(a[2]) or own(*a))
    run_trial(trial(), tmp_path)
    assert done == [1]


def test_seeds_handed_to_one_call_are_the_parts_that_each_would_be(tmp_path, monkeypatch):
    one = read_run(run_trial(trial(seeds=5), tmp_path / "one"))
    calls = []
    monkeypatch.setattr(running, "Processes", None)
    monkeypatch.setattr(type(trial()), "separate", False)
    monkeypatch.setattr(type(trial()), "together", 2)
    own = type(trial()).run_parts
    monkeypatch.setattr(
        type(trial()), "run_parts", lambda *a: calls.append((a[1], tuple(a[2]))) or own(*a)
    )
    many = read_run(run_trial(trial(seeds=5), tmp_path / "many"))
    assert sorted(calls) == [("plain", (0, 1)), ("plain", (2, 3)), ("plain", (4,))]
    assert many.final.equals(one.final)


def test_what_a_part_refuses_is_the_user_s_sentence(tmp_path):
    with pytest.raises(InputError, match="this coin has no sides"):
        run_trial(trial(methods=["bent:fail=1"]), tmp_path)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"methods": ["plian"]}, "there is no method 'plian'; did you mean 'plain'"),
        ({"methods": ["bent:bi=1"]}, "there is no option of bent 'bi'"),
        ({"methods": ["bent:by=.1", "bent:by=0.1"]}, "are the same"),
        ({"methods": []}, "has no methods"),
        ({"throws": 1.5}, "throws is a whole number, got 1.5"),
        ({"throws": True}, "throws is a whole number, got True"),
        ({"trows": 3}, "there is no key 'trows'; did you mean 'throws'"),
        ({"seeds": 0}, "seeds must be at least 1"),
    ],
)
def test_what_cannot_be_run_is_refused_with_its_name(changes, sentence):
    with pytest.raises(InputError, match=sentence):
        trial(**changes)


def test_a_whole_number_is_a_number_and_a_name_a_list_of_one():
    assert trial(chances=[1, 0], methods="plain").chances == (1.0, 0.0)


def test_a_study_of_trials_is_run_judged_and_shown(paper, capsys):
    assert cli.main(["run", "papers/coins/tabular", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [claim["verdict"] for claim in found["claims"]] == ["holds", "holds"]
    assert set(found["scenarios"]["even"]["plain"]) == {"heads:left", "heads:right", "gap:of-coins"}
    page = (paper / "results/tabular/page.html").read_text()
    assert "Gap, of coins" in page
    assert "throws" in page
    assert "exact frontier" not in page
    assert cli.main(["claims", "papers/coins", "--json"]) == 0
    assert [row["id"] for row in json.loads(capsys.readouterr().out)["claims"]] == ["A", "B"]


def test_a_changed_study_is_a_scratch_run(paper, capsys):
    words = ["run", "papers/coins", "--set", "throws=50", "--seeds", "1", "--json"]
    assert cli.main(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert "scratch run (seeds 1, throws 50" in found["note"]
    assert not (paper / "results").exists()


def test_scenarios_that_a_change_makes_equal_are_run_once(paper):
    study = read_study(paper / "tabular.toml")
    assert [s.name for s in study.changed(["chances=(0.25,0.5)"]).scenarios] == ["uneven"]
    assert [s.name for s in study.changed(["chances=(0.3,0.5)"]).scenarios] == ["even"]
    # What was changed is said beside the title; what was not keeps its own.
    titles = [s.title for s in study.changed(["chances=(0.3,0.4)"]).scenarios]
    assert all(title.endswith(", with chances=(0.3,0.4)") for title in titles)
    assert study.changed([], seeds=1).scenarios[0].title == study.scenarios[0].title
    # A number of seeds changes every scenario, and does not make another one the kept one.
    assert [s.name for s in study.changed(["chances=(0.25,0.5)"], seeds=1).scenarios] == ["uneven"]


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--set", "trows=3"], "there is no key 'trows'"),
        (["--set", "chances=(2,0)"], "chances must lie from 0 to 1"),
        (["--steps", "5"], "--steps means nothing in this study"),
    ],
)
def test_a_change_that_means_nothing_is_refused(paper, capsys, flags, sentence):
    assert cli.main(["run", "papers/coins/tabular", *flags]) == 2
    assert sentence in capsys.readouterr().err


def test_a_claim_about_an_unknown_measure_is_refused(paper, capsys):
    claims = paper / "claims-tabular.toml"
    claims.write_text(CLAIMS.replace("gap:of-coins", "gaps:of-coins"))
    assert cli.main(["run", "papers/coins/tabular"]) == 2
    assert "there is no metric of coins trials 'gaps'; did you mean 'gap'" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize("kind", sorted(set(registry.TRIALS)))
def test_the_registry_names_the_methods_that_a_kind_knows(kind):
    known = trial_class(kind).known_methods().keys()
    assert set(registry.TRIAL_METHODS[kind]) == known - registry.ALGORITHMS.keys()
