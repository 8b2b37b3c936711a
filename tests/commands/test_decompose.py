"""`evenhand decompose` as data, as a table, as a figure, and when its input is wrong."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest
from rich.console import Console

from evenhand.cli import main
from evenhand.commands.decompose import Decompose, run, show
from evenhand.core.plain import plain
from evenhand.data.presets import drift_1
from evenhand.experiments.figures.benefit import benefit


def shown(result):
    console = Console(file=io.StringIO(), width=160)
    show(result, console)
    return console.file.getvalue()


def test_a_threshold_in_drift_1_has_its_reference_numbers(capsys):
    line = "decompose --preset drift-1 --policy threshold:6 --steps 500 --json"
    assert main(line.split()) == 0
    found = json.loads(capsys.readouterr().out)
    numbers = [found[name] for name in ("C", "DPE", "IPE", "SPE")]
    np.testing.assert_allclose(numbers, [0.3678, 0.3829, -0.0216, 0.0065], rtol=0, atol=5.1e-5)
    assert found["profit"] == pytest.approx(15.32, abs=5.1e-3)
    np.testing.assert_allclose(found["gain_by_group"], [105.67, 71.88], rtol=0, atol=5.1e-3)
    assert found["by_visits"] == pytest.approx({"DPE": found["DPE"], "IPE": found["IPE"]})
    assert set(found["printed"]) == {"DPE", "IPE"}
    assert found["pair"] == found["groups"] == ["advantaged", "disadvantaged"]
    direct = found["per_person"]["direct"]
    assert direct[0] - direct[1] == pytest.approx(found["DPE"])


def test_names_in_brackets_stand_in_the_table_as_they_are():
    result = run(Decompose(preset="drift-1", steps=20))
    names = ["[red]", "[/]"]
    told = shown(result | {"groups": names, "pair": names, "policy": "old[/b].csv"})
    table = told.partition("Of the difference")[0]
    assert all(name in table for name in (*names, "old[/b].csv"))


def test_the_released_v0_moves_only_the_indirect_and_the_spurious_effect():
    exact, released = (run(Decompose(preset="drift-1", v0=v0)) for v0 in ("exact", "stationary"))
    for name in ("C", "DPE"):
        assert exact[name] == released[name]
    assert released["IPE"] == pytest.approx(0.6500, abs=5.1e-5)
    assert released["SPE"] == pytest.approx(-0.6657, abs=5.1e-5)
    assert "released code" in shown(released)


def test_the_table_says_in_a_sentence_what_the_policy_does():
    text = shown(run(Decompose(preset="drift-3")))
    assert "the policy causes 0.0052 directly and 0.0553 through what it sets in motion" in text
    assert "0.2594 would be there anyway" in text
    assert "try --radius 0.02" in text
    assert "nothing is the policy's doing" in shown(run(Decompose(policy="deny-all")))


def test_more_groups_have_a_row_for_each_pair_and_any_two_can_be_chosen():
    result = run(
        Decompose(preset="fico", groups="white,black,asian", policy="score>=40", pair="asian,black")
    )
    rows = {tuple(row["pair"]): row for row in result["pairs"]}
    assert list(rows) == [("white", "black"), ("white", "asian"), ("black", "asian")]
    assert result["C"] == pytest.approx(-rows["black", "asian"]["C"])
    assert rows["white", "asian"]["DPE"] == pytest.approx(
        rows["white", "black"]["DPE"] + rows["black", "asian"]["DPE"]
    )
    assert "black - asian" in shown(result)
    assert result["notes"] == [
        "score 40 lies inside a level; the nearest edge, 42.8571, was taken (threshold:3)"
    ]


def test_sampled_episodes_stand_beside_the_exact_effects():
    result = run(Decompose(preset="drift-3", policy="constant:0.5", episodes=200, seed=1))
    assert "±" in shown(result)
    sampled = plain(result)["sampled"]
    assert sampled["episodes"] == 200
    for form in ("common_draws", "expected"):
        for name in ("C", "DPE", "IPE", "SPE"):
            one = sampled[form][name]
            assert abs(one["value"] - result[name]) < 4.5 * one["error"]
    assert sampled["expected"]["IPE"]["error"] < sampled["common_draws"]["IPE"]["error"]


def test_a_table_in_a_file_is_decomposed_as_the_rule_it_holds(tmp_path):
    path = tmp_path / "rule.csv"
    rows = [f"{g},{k},{int(k >= 6 + g)}" for g in (0, 1) for k in range(14)]
    path.write_text("\n".join(["group,level,approve", *rows]))
    from_file = run(Decompose(preset="drift-1", policy=str(path)))
    rule = run(Decompose(preset="drift-1", policy="threshold:6,7"))
    assert from_file["DPE"] == rule["DPE"]
    # Level 6, approved in one group only, has .10 and .15 of the first applicants.
    assert rule["benefit_disparity"]["initial"] == pytest.approx(0.10 * 0.15, abs=1e-5)


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_the_figure_is_written_and_named(tmp_path, suffix):
    path = tmp_path / f"benefit.{suffix}"
    result = run(Decompose(preset="drift-3", policy="threshold:4.5,7", figure=str(path)))
    assert result["figure"] == str(path)
    assert path.stat().st_size > 5_000
    assert f"figure: {path}" in shown(result)


def test_the_curves_run_through_every_level_that_somebody_reaches():
    world, approve = drift_1(), np.tile(np.linspace(0, 1, 14), (2, 1))
    visits = np.ones((2, 14))
    visits[1, :4] = 0
    benefits = np.stack([np.arange(14.0), np.arange(14.0)[::-1]])
    axes = benefit(benefits, approve, visits, world.groups).axes[0]
    one, two = axes.lines[:2]
    np.testing.assert_array_equal(one.get_xdata(), np.arange(14))
    np.testing.assert_array_equal(two.get_xdata(), np.arange(10))
    np.testing.assert_allclose(two.get_ydata(), approve[1, :3:-1])


def test_rules_are_decomposed_without_jax():
    code = (
        "import sys; from evenhand.cli import main; main(sys.argv[1:]); "
        "sys.exit(any(name in sys.modules for name in ('jax', 'matplotlib', 'polars')))"
    )
    words = ["decompose", "--preset", "drift-1", "--policy", "threshold:6", "--json"]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--preset college", "choose a lending preset such as drift-1"),
        ("--preset drift-9", "did you mean"),
        ("--preset fico --groups white", "compares groups"),
        ("--set conscientiousness_std=0.1", "set conscientiousness_std=0"),
        ("--preset drift-1 --pair advantaged,poor", "there is no group 'poor'"),
        ("--preset drift-1 --pair advantaged", "two different groups, as first,second"),
        ("--preset drift-1 --pair advantaged,advantaged", "two different groups"),
        ("--steps 0", "--steps must be at least 1 and at most 10,000,000, got 0"),
        ("--steps 99999999999", "got 99999999999"),
        ("--radius 0", "--radius must be a finite number above 0, got 0"),
        ("--radius nan", "got nan"),
        ("--v0 exakt", "did you mean 'exact'"),
        ("--episodes 1", "--episodes must be 0 or at least 2, got 1"),
        ("--episodes 99999999", "lower --episodes"),
        ("--seed -1", "got -1"),
        ("--figure figure.txt", "must end in .png, .pdf, .svg"),
        ("--figure no/such/folder/a.png", "there is no folder"),
        ("--policy treshold:3", "did you mean 'threshold'"),
        ("--policy threshold", "write threshold:3"),
        ("--policy threshold:99", "from 0 to 7"),
        ("--policy threshold:1,2,3", "3 levels for 2 groups"),
        ("--policy constant:2", "lies in [0, 1], got 2"),
        ("--policy score>=3", "no score scale"),
        ("--policy nowhere.csv", "cannot read the policy table nowhere.csv"),
        ("--policy max-util", "looks at more than group and level"),
    ],
)
def test_wrong_input_is_refused_in_one_sentence(line, said, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert main(["decompose", *line.split()]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("evenhand: ")
    assert err.count("\n") == 1
    assert said in err
    assert list(tmp_path.iterdir()) == []
