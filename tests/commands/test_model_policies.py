"""A fitted model in a file on the command line."""

import json
import shutil

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from skops.io import dump

from evenhand.cli import main
from evenhand.commands.compare import Compare
from evenhand.commands.flags import command_line

WORLD = ["--set", "population_per_group=20", "--episodes", "2"]
SHORT = ["--algorithms=", "--seeds", "2", "--evaluation-steps", "20", "--frontier-points", "2"]


def model_of_level():
    """Label 1, default, from level 2 down: P(default) crosses 1/2 between levels 2 and 3."""
    level = np.arange(7)[:, None]
    return LogisticRegression().fit(level, (level < 3).ravel())


def answer(capfd, *words):
    assert main([*words, "--json"]) == 0
    return json.loads(capfd.readouterr().out)


def test_a_model_of_default_and_its_threshold_do_the_same_to_everybody(tmp_path, capfd):
    dump(model_of_level(), tmp_path / "card.skops")
    model, rule = (
        answer(capfd, "evaluate", *WORLD, "--steps", "100", "--policy", policy)
        for policy in (f"{tmp_path}/card.skops<0.5", "threshold:3")
    )
    assert model["metrics"] == rule["metrics"]
    assert model["notes"] == []


@pytest.mark.slow
def test_a_comparison_with_a_pickle_continues_under_the_same_command(tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    joblib.dump(model_of_level(), "card.joblib")
    words = ["compare", *WORLD, *SHORT, "--policy-class", "visit", "--policies", "card.joblib<0.5"]
    assert main(words) == 2
    assert not (tmp_path / "runs").exists()
    capfd.readouterr()
    whole = answer(capfd, *words, "--allow-pickle")
    folder = tmp_path / whole["folder"]
    # As after an interruption: tables, page and the last seed are not there.
    for path in [*folder.glob("*.parquet"), *folder.glob("parts/*0001.json")]:
        path.unlink()
    assert main(words) == 2
    again = answer(capfd, *words, "--allow-pickle")
    assert again["folder"] == whole["folder"]
    told = {key: value for key, value in whole.items() if "seconds" not in key}
    assert {key: again[key] for key in told} == told
    command = json.loads((folder / "experiment.json").read_text())["command"]
    assert "--policies 'card.joblib<0.5' --allow-pickle" in command
    shutil.rmtree(folder)


def test_a_pickle_is_decomposed_with_leave_as_the_rule_it_amounts_to(tmp_path, capfd):
    joblib.dump(model_of_level(), tmp_path / "card.joblib")
    words = ["decompose", "--set", "population_per_group=20", "--steps", "50", "--policy"]
    assert main([*words, f"{tmp_path}/card.joblib<0.5"]) == 2
    assert "--allow-pickle" in capfd.readouterr().err
    model = answer(capfd, *words, f"{tmp_path}/card.joblib<0.5", "--allow-pickle")
    rule = answer(capfd, *words, "threshold:3")
    told = {key for key in rule if key not in ("policy", "wall_seconds")}
    assert {key: model[key] for key in told} == {key: rule[key] for key in told}


def test_notes_about_a_model_reach_a_decomposition(tmp_path, capfd):
    level = np.tile(np.arange(7), 2)
    table = pd.DataFrame({"level": level, "group_group 1": np.arange(14) // 7})
    dump(LogisticRegression().fit(table, level > 2), tmp_path / "card.skops")
    words = ["--set", "population_per_group=20", "--steps", "50"]
    told = answer(capfd, "decompose", *words, "--policy", f"{tmp_path}/card.skops")
    assert "takes as its reference group" in " ".join(told["notes"])


def test_the_command_that_makes_a_run_again_names_a_flag_without_a_value():
    assert command_line("compare", Compare(allow_pickle=True)).endswith("compare --allow-pickle")
    assert "pickle" not in command_line("compare", Compare())
