"""`evenhand frontier` as data, as a table, and when its input is wrong."""

import io
import json

import polars as pl
import pytest
from rich.console import Console

from evenhand.commands.frontier import Frontier, run, show
from evenhand.core.errors import InputError


def shown(result):
    console = Console(file=io.StringIO(), width=120)
    show(result, console)
    return console.file.getvalue()


def test_the_result_is_strict_json_with_inf_only_as_an_infinite_tolerance():
    result = run(Frontier(preset="drift-1", tolerances="inf,10,0"))
    again = json.loads(json.dumps(result, allow_nan=False))
    assert [point["tolerance"] for point in again["points"]] == ["inf", 10.0, 0.0]
    assert again["points"][1]["profit"] == pytest.approx(14.187, abs=1e-3)
    assert {"tolerance", "profit", "disparity", "dual", "seconds"} <= set(again["points"][0])


def test_points_spread_tolerances_from_unconstrained_to_zero():
    result = run(Frontier(preset="drift-1", criterion="score-w1", points=3))
    tolerances = [point["tolerance"] for point in result["points"]]
    assert tolerances[0] == pytest.approx(result["points"][0]["disparity"])
    assert tolerances[-1] == 0
    assert result["points"][-1]["profit"] is None
    assert "smallest tolerance any policy meets is 0.183" in shown(result)


def test_best_achievable_is_said_only_of_the_class_that_bounds_every_policy():
    for policy_class, said in (("visit", False), ("time", True)):
        result = run(Frontier(preset="drift-1", tolerances="10", policy_class=policy_class))
        assert ("best achievable" in shown(result)) is said


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_the_file_has_a_line_per_point_with_its_simulation(tmp_path, suffix):
    path = tmp_path / f"points{suffix}"
    run(Frontier(preset="drift-1", tolerances="inf,0", confirm=20, out=str(path)))
    frame = pl.read_csv(path) if suffix == ".csv" else pl.read_parquet(path)
    assert frame["tolerance"].to_list() == [float("inf"), 0.0]
    assert frame["confirmed_episodes"].to_list() == [20, 20]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tolerances": "1,x"}, "got 'x'"),
        ({"tolerances": "-1"}, "got '-1'"),
        ({"tolerances": "1", "points": 3}, "exclude each other"),
        ({"points": 1}, "--points must be at least 2"),
        ({"confirm": 1}, "--confirm"),
        ({"out": "points.txt"}, "must end in .csv or .parquet"),
        ({"out": "no/such/folder/points.csv"}, "there is no folder"),
        ({"criterion": "recal-gap"}, "did you mean 'recall-gap'"),
        ({"preset": "gim"}, "did you mean 'gym'"),
        ({"policy_class": "history"}, "there is no policy class"),
        ({"set": ("conscientiousness_std=0.1",)}, "conscientiousness_std=0"),
    ],
)
def test_wrong_input_is_one_sentence_that_names_it(options, message):
    with pytest.raises(InputError, match=message):
        run(Frontier(**options))
