"""`evenhand run` makes a paper's results, continues what was interrupted, and refuses early."""

import json
import shutil

import polars as pl
import pytest

from evenhand import cli
from evenhand.core.errors import InputError
from evenhand.experiments.config import Experiment
from evenhand.experiments.paper import running
from evenhand.experiments.paper.results import LEFT_OUT
from evenhand.experiments.paper.study import read_study
from evenhand.experiments.paper_records import read_verdicts

STUDY = """
[paper]
title = "Tiny & small"
tuning = "None."

[defaults]
methods = ["ppo", "max-util", "approve-all"]
seeds = 2
steps = 640
episodes = 2
curve_points = 2
curve_episodes = 2
criteria = ["gain-disparity"]
frontier_points = 2
policy_class = "visit"
settings = { population_per_group = 20, episode_steps = 64 }

[defaults.options.ppo]
num_envs = 2
num_steps = 16
num_minibatches = 1
width = 8

[scenarios.lending]

[scenarios.rules]
title = "Rules only"
methods = ["max-util", "approve-all"]
"""
CLAIMS = """
[[claims]]
id = "A"
statement = "Approving all has a recall of one."
[[claims.tests]]
scenario = ["lending", "rules"]
metric = "recall"
group = ["group 1", "group 2"]
a = "approve-all"
relation = "close"
b = 1.0
margin = 0.01

[[claims]]
id = "B"
statement = "Max-util has a higher recall than approving all."
[[claims.tests]]
scenario = "lending"
metric = "recall"
a = "max-util"
relation = "greater"
b = "approve-all"

[[claims]]
id = "C"
statement = "PPO observes what is there."
[[claims.tests]]
scenario = "lending"
metric = "adjusted:observed_up"
group = "group 2"
a = "ppo"
relation = "close"
b = 1
margin = 0.001

[[claims]]
id = "D"
statement = "Without drift, nothing happens to anybody but by decisions."
[[claims.tests]]
scenario = ["lending", "rules"]
metric = "spurious_effect"
group = ["group 1", "group 2"]
a = "approve-all"
relation = "close"
b = 0
margin = 1e-9
[[claims.tests]]
scenario = "lending"
metric = "direct_effect"
a = "approve-all"
relation = "greater"
b = 0
"""
FIGURES = """
[[figures]]
name = "curves"
kind = "training-curves"
[[figures]]
name = "gaps"
kind = "gap-true-and-observed"
[[figures]]
name = "loans"
kind = "cumulative-decisions"
[[figures]]
name = "ends"
kind = "bars"
panels = [{ metric = "recall", group = "group 2" }]
[[figures]]
name = "effects"
kind = "training-curves"
panels = [{ metric = "direct_effect_signed_difference" }]
[[figures]]
name = "so-far"
kind = "series"
[[figures]]
name = "rates"
kind = "loan-rates"
"""


def write(folder):
    folder.mkdir(parents=True)
    (folder / "experiment.toml").write_text(STUDY)
    (folder / "claims.toml").write_text(CLAIMS)
    (folder / "figures.toml").write_text(FIGURES)
    return folder


def run(paper, out, *words):
    return cli.main(["run", str(paper), "--out", str(out), *words])


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A paper's folder with results, and the folder of its runs."""
    place = tmp_path_factory.mktemp("study")
    paper, out = write(place / "papers" / "tiny"), place / "runs"
    assert run(paper, out, "--seed-mode", "threads") == 0
    return paper, out


@pytest.fixture
def copied(done, tmp_path):
    """The same, to be changed."""
    paper, out = tmp_path / "tiny", tmp_path / "runs"
    shutil.copytree(done[0], paper)
    shutil.copytree(done[1], out)
    return paper, out


@pytest.mark.slow
def test_a_study_leaves_verdicts_tables_figures_and_one_page(done):
    paper = done[0]
    found = {row["id"]: row["verdict"] for row in read_verdicts(paper)}
    assert found == {"A": "holds", "B": "does not hold", "C": "holds", "D": "holds"}
    results = paper / "results"
    drawn = {"curves", "gaps", "loans", "ends", "effects", "so-far", "rates"}
    assert {f.stem for f in (results / "figures").iterdir()} == drawn
    assert sum(f.stat().st_size for f in results.rglob("*") if f.is_file()) < 1_000_000
    page = (results / "page.html").read_text()
    assert "Of 4 claims of the paper, 3 hold and 1 does not hold in this reproduction." in page
    assert "Rules only" in page
    assert "Tiny &amp; small" in page
    assert LEFT_OUT in page
    assert "<script" not in page
    assert "http" not in page.replace("http://www.w3.org", "")
    table = (results / "tables.md").read_text()
    assert (
        "| Method | Return | Recall, group 1 | Recall, group 2 | Recall gap | Credit gap |" in table
    )
    assert "**100.0% ± 0.0%**" in table


def test_records_hold_every_scenario_and_curves_of_evaluation_measures(done):
    results = done[0] / "results"
    final = pl.read_parquet(results / "final.parquet")
    assert set(final["scenario"]) == {"lending", "rules"}
    curves = pl.read_parquet(results / "curves.parquet")
    assert set(curves["algorithm"]) == {"ppo"}
    assert set(curves["env_steps"]) == {320, 640}
    recall = curves.filter((pl.col("metric") == "recall") & (pl.col("group") == "group 2"))
    assert len(recall) == 2
    assert "direct_effect_signed_difference" in set(curves["metric"])
    assert set(pl.read_parquet(results / "levels.parquet")["scenario"]) == {"lending", "rules"}
    manifest = json.loads((results / "manifest.json").read_text())
    assert manifest["scenarios"]["lending"]["seeds"] == [0, 1]


def test_claims_are_read_from_the_results_of_a_run(done, capsys):
    assert cli.main(["claims", str(done[0]), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["claims"]
    assert [sorted(row) for row in rows] == [
        ["id", "interval", "statement", "statistic", "verdict"]
    ] * 4


@pytest.mark.slow
def test_a_finished_study_is_only_judged_again(copied, monkeypatch):
    paper, out = copied
    monkeypatch.setattr(running, "run_experiment", lambda *a: pytest.fail("ran again"))
    (paper / "claims.toml").write_text(CLAIMS.replace("margin = 0.01", "margin = 0.02"))
    before = (paper / "results" / "final.parquet").read_bytes()
    assert run(paper, out) == 0
    assert (paper / "results" / "final.parquet").read_bytes() == before
    tests = json.loads((paper / "results" / "verdicts.json").read_text())["verdicts"][0]["tests"]
    assert {test["margin"] for test in tests} == {0.02}


@pytest.mark.slow
def test_a_run_that_lost_a_part_is_continued_to_the_same_results(copied):
    paper, out = copied
    before = pl.read_parquet(paper / "results" / "final.parquet")
    (folder,) = (out / "tiny").glob("lending-*")
    (folder / "final.parquet").unlink()
    next((folder / "parts").glob("ppo-*-seed-0001.json")).unlink()
    shutil.rmtree(paper / "results")
    assert run(paper, out, "--seed-mode", "threads") == 0
    assert pl.read_parquet(paper / "results" / "final.parquet").equals(before, null_equal=True)


@pytest.mark.slow
def test_scratch_runs_and_parts_of_a_study_never_touch_the_results(copied, capsys):
    paper, out = copied
    before = {f: f.read_bytes() for f in (paper / "results").rglob("*") if f.is_file()}
    assert run(paper, out, "--seeds", "1", "--steps", "64", "--scenarios", "rules", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert "scratch run (seeds 1, steps 64" in found["note"]
    assert found["page"].startswith(str(out))
    assert found["claims"][1]["verdict"] == "undecided"
    shutil.rmtree(next((out / "tiny").glob("lending-*")))
    assert run(paper, out, "--scenarios", "rules", "--json") == 0
    assert "lending not run yet" in json.loads(capsys.readouterr().out)["note"]
    assert {f: f.read_bytes() for f in (paper / "results").rglob("*") if f.is_file()} == before


@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        (
            "experiment",
            "seeds = 2",
            "seed = 2",
            "no key of [defaults] 'seed'; did you mean 'seeds'",
        ),
        ("experiment", "[paper]", "[papers]", "no table 'papers'; did you mean 'paper'"),
        ("experiment", 'title = "Rules', 'titel = "Rules', "no key of [scenarios.rules] 'titel'"),
        ("experiment", "steps = 640", "steps = 'x'", "steps is a whole number: 'x'"),
        ("experiment", "steps = 640", "steps = 0", "steps must be at least 1"),
        ("experiment", '["ppo"', '["ppo", "dqnn"', "scenario 'lending': there is no algorithm"),
        ("experiment", "width = 8", "widht = 8", "no option of ppo 'widht'"),
        ("experiment", "episode_steps", "episode_step", "scenario 'lending': there is no setting"),
        ("claims", '"group 2"]', '"group 3"]', "no group in scenario lending 'group 3'"),
        ("claims", '"recall"', '"recal"', "no metric 'recal'"),
        ("figures", '"bars"', '"bar"', "no kind 'bar'; did you mean 'bars'"),
        ("figures", "[{ metric", "[{ metrik", "no key of a panel 'metrik'"),
    ],
)
def test_a_mistake_in_a_file_is_one_sentence_before_anything_runs(
    tmp_path, capsys, monkeypatch, file, old, new, sentence
):
    monkeypatch.setattr(running, "run_experiment", lambda *a: pytest.fail("ran"))
    paper = write(tmp_path / "tiny")
    path = paper / f"{file}.toml"
    path.write_text(path.read_text().replace(old, new, 1))
    assert run(paper, tmp_path / "runs") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert sentence in err


def test_other_names_on_the_command_line_are_refused(tmp_path, capsys):
    paper = write(tmp_path / "tiny")
    for words, sentence in (
        ((str(paper), "--study", "credits"), "no study in"),
        ((str(paper), "--scenarios", "lendig"), "did you mean 'lending'"),
        ((str(tmp_path / "none"),), "there is no folder"),
        ((str(paper / "experiment.toml"), "--study", "x"), "name two studies"),
    ):
        assert cli.main(["run", *words]) == 2
        assert sentence in capsys.readouterr().err


def test_a_further_study_has_results_and_runs_of_its_own(tmp_path):
    paper = write(tmp_path / "tiny")
    (paper / "small.toml").write_text(STUDY)
    for study in (read_study(paper, "small"), read_study(paper / "small.toml")):
        assert study.results == paper / "results" / "small"
        assert study.runs(tmp_path) == tmp_path / "tiny" / "small"
        assert study.beside("claims") == paper / "claims-small.toml"
    with pytest.raises(InputError, match="no study in"):
        read_study(paper, "claims")


def test_scenarios_take_defaults_and_merge_settings_and_options(tmp_path):
    paper = write(tmp_path / "tiny")
    more = '[scenarios.more.options."*"]\nwidth = 4\n[scenarios.more.options.ppo]\nnum_envs = 4\n'
    (paper / "experiment.toml").write_text(
        STUDY + "[scenarios.more]\nsettings = { episode_steps = 32 }\n" + more
    )
    lending, rules, last = (s.experiment for s in read_study(paper).scenarios)
    assert lending.settings == ("population_per_group=20", "episode_steps=64")
    assert rules.options == ()
    assert last.settings == ("population_per_group=20", "episode_steps=32")
    assert {"ppo.width=4", "ppo.num_envs=4", "ppo.num_steps=16"} <= set(last.options)


def test_fields_added_later_leave_older_digests_as_they_were():
    old = "d3d37037050fec4db03e0c62de4736dbe3c78d53ba4abddf7bfa2859e8b56b00"
    tiny = {
        "settings": ("population_per_group=20", "episode_steps=64"),
        "methods": ("ppo", "approve-all", "constant:0.5"),
        **{"seeds": 2, "steps": 640, "episodes": 2, "frontier_points": 2},
        **{"criteria": ("gain-disparity",), "policy_class": "visit"},
        "options": tuple(
            f"ppo.{o}" for o in ("num_envs=2", "num_steps=16", "num_minibatches=1", "width=8")
        ),
    }
    assert Experiment(**tiny).digest() == old
    assert Experiment(**tiny, curve_points=2).digest() != old
