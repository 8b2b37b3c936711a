"""`evenhand audit` on the command line: output, pages, and what it refuses."""

import json
import subprocess
import sys

import pytest

from evenhand.cli import main
from evenhand.data.params_file import write_params
from evenhand.data.presets import fico_scores

SMALL = "--set population_per_group=20 --set episode_steps=60"

REFUSED = [
    ("audit --preset fico", "--policy"),
    ("audit --policy nope", "no policy 'nope'"),
    ("audit --policy threshold:99", "from 0 to 7"),
    ("audit --policy equal-opportunity", "no table over group and level"),
    ("audit --policy missing.csv", "missing.csv"),
    ("audit --policy missing.skops", "missing.skops"),
    ("audit --policy deny-all --preset college", "evenhand evaluate --preset college"),
    (
        "audit --policy deny-all --set conscientiousness_std=0.1",
        "--set conscientiousness_std=0",
    ),
    ("audit --policy deny-all --preset fico --groups white", "compares groups"),
    ("audit --policy deny-all --criteria gain-disp", "did you mean 'gain-disparity'?"),
    ("audit --policy deny-all --criteria ,", "--criteria names none"),
    ("audit --policy deny-all --radius 0", "--radius must be a finite number above 0, got 0"),
    ("audit --policy deny-all --radius nan", "--radius must be a finite number above 0, got nan"),
    ("audit --policy deny-all --steps 0", "--steps must be at least 1"),
    ("audit --policy deny-all --preset drift-1 --steps 5000000", "lower --steps to 1,000,000"),
    ("audit --policy deny-all --preset fico --groups white", "there is only white; choose two"),
    ("audit --policy deny-all --assume ups", "did you mean 'up'?"),
    ("audit --policy deny-all --preset fico --pair white", "two different groups"),
    ("audit --policy deny-all --preset fico --pair white,blak", "did you mean 'black'?"),
    ("audit --policy deny-all -o a_folder", "is a folder"),
    ("audit --policy deny-all -o nowhere/page.html", "there is no folder nowhere"),
    ("audit --policy deny-all --params nowhere.toml", "no parameter file nowhere.toml"),
    ("audit --policy deny-all --params x.toml --preset fico", "exclude each other"),
]


@pytest.mark.parametrize(("line", "said"), REFUSED, ids=[line for line, _ in REFUSED])
def test_it_is_refused_in_one_sentence_and_nothing_is_written(
    line, said, tmp_path, monkeypatch, capfd
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a_folder").mkdir()
    before = set(tmp_path.rglob("*"))
    assert main(line.split()) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("evenhand: ")
    assert err.count("\n") == 1
    assert said in err
    assert set(tmp_path.rglob("*")) == before


def test_it_prints_a_row_per_number_and_says_what_is_assumed(capfd):
    line = f"audit --preset fico --policy threshold:3 --criteria approval-gap {SMALL}"
    assert main(line.split()) == 0
    out = " ".join(capfd.readouterr().out.split())
    for words in (
        "approval rate",
        "recall",
        "gain per person",
        "approval gap",
        "Under Threshold 3",
    ):
        assert words in out
    assert "Assumed, not estimated: reward_default" in out


def test_a_file_of_ones_own_and_a_table_of_ones_own_make_a_page(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    write_params("mine.toml", fico_scores(population_per_group=20))
    rows = [f"{g},{x},{int(x > 2 + g)}" for g in range(2) for x in range(7)]
    (tmp_path / "rule.csv").write_text("\n".join(["group,level,approve", *rows]))
    line = (
        "audit --params mine.toml --policy rule.csv --steps 50 --criteria gain-disparity "
        "-o page.html --json"
    )
    assert main(line.split()) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["page"] == "page.html"
    assert found["policy"]["title"] == "rule.csv"
    assert [sum(row) for row in found["policy"]["approve"]] == [4, 3]
    moves = [w for w in found["assumptions"] if w["about"] == "moves"]
    assert len(moves) >= 3
    page = (tmp_path / "page.html").read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert "evenhand audit --policy rule.csv --params mine.toml --steps 50" in page
    assert {path.name for path in tmp_path.iterdir()} == {"mine.toml", "rule.csv", "page.html"}


def test_the_person_can_name_what_to_vary_and_whom_to_compare(capfd):
    line = (
        "audit --preset fico --groups white,black,asian --policy threshold:3 --pair asian,black "
        f"--criteria approval-gap --json {SMALL}"
    )
    assert main(line.split()) == 0
    found = json.loads(capfd.readouterr().out)
    assert "asian" in found["sentences"][0]
    line = f"audit --policy threshold:3 --assume up --criteria approval-gap --json {SMALL}"
    assert main(line.split()) == 0
    found = json.loads(capfd.readouterr().out)
    assert len(found["assumptions"]) == 5
    assert found["assumed"] == {"up": "varied because --assume names it"}


def test_a_rule_is_audited_without_jax_and_without_plots():
    program = (
        "import sys; from evenhand.cli import main;"
        "main('audit --preset fico --policy threshold:3 --criteria approval-gap --set "
        "population_per_group=5 --steps 20'.split());"
        "sys.exit(any(m in sys.modules for m in ('jax', 'matplotlib', 'polars')))"
    )
    ran = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True)
    assert ran.returncode == 0


def test_a_pickled_model_is_audited_only_with_leave(tmp_path, capfd):
    joblib = pytest.importorskip("joblib")
    linear = pytest.importorskip("sklearn.linear_model")
    levels = [[x] for x in range(7)] * 4
    joblib.dump(
        linear.LogisticRegression(C=100).fit(levels, [x[0] > 3 for x in levels]),
        tmp_path / "card.joblib",
    )
    line = f"audit --preset fico --criteria approval-gap --policy {tmp_path}/card.joblib {SMALL}"
    assert main(line.split()) == 2
    assert "--allow-pickle" in capfd.readouterr().err
    assert main([*line.split(), "--allow-pickle", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["policy"]["approve"] == [[0, 0, 0, 0, 1, 1, 1]] * 2
