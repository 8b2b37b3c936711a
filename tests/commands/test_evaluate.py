"""`evenhand evaluate` without the command line around it."""

import json
import math

import pytest
from rich.console import Console

from evenhand.commands.evaluate import Evaluate, run, show
from evenhand.core.errors import InputError
from evenhand.core.plain import to_json
from evenhand.metrics.catalogue import METRICS

SMALL = {"set": ("population_per_group=20",), "episodes": 3, "steps": 100}


@pytest.fixture(scope="module")
def result():
    return run(Evaluate(policy="threshold:3", **SMALL))


def test_every_metric_is_there_with_a_number_per_group_and_an_interval(result):
    assert list(result["metrics"]) == list(METRICS)
    for name, row in result["metrics"].items():
        assert len(row["by_group"]) == len(row["count"]) == 2, name
        if name == "social_burden":
            assert math.isnan(row["value"])
            assert row["count"] == [0, 0]
        elif name not in ("return_by_group", "credit_gap_true", "credit_gap_observed"):
            low, high = row["interval"]
            assert low <= row["value"] <= high, name
    row = result["metrics"]["return"]
    assert row["value"] == pytest.approx(sum(row["by_group"]))
    assert result["metrics"]["approval_rate"]["count"][0] < 100


def test_the_expected_gap_is_at_least_the_gap_of_expectations(result):
    for row in result["metrics"].values():
        if not math.isnan(row["difference"]):
            assert row["difference"] >= row["difference_of_means"] - 1e-6
            assert abs(row["signed_difference"]) == pytest.approx(row["difference_of_means"])


def test_the_result_goes_through_json_and_onto_the_screen(result):
    assert json.loads(to_json(result))["metrics"]["social_burden"]["value"] is None
    console = Console(width=140, record=True)
    show(result, console)
    text = console.export_text()
    for name in METRICS:
        assert name in text
    assert "social_burden" in text


def test_one_seed_one_result(result):
    again = run(Evaluate(policy="threshold:3", **SMALL))
    assert to_json(again["metrics"]) == to_json(result["metrics"])
    other = run(Evaluate(policy="threshold:3", seed=1, **SMALL))
    assert to_json(other["metrics"]) != to_json(result["metrics"])


def test_policies_meet_the_same_applicants():
    one, two = (
        run(Evaluate(policy=policy, **SMALL))["metrics"]["recall"]
        for policy in ("deny-all", "constant:0")
    )
    assert one["count"] == two["count"]
    assert one["by_group"] == two["by_group"] == [0, 0]


def test_a_single_episode_has_no_interval():
    found = run(Evaluate(policy="deny-all", **{**SMALL, "episodes": 1}))
    assert math.isnan(found["metrics"]["return"]["interval"][0])
    show(found, Console(width=140, record=True))


def test_a_moved_score_is_noted():
    found = run(Evaluate(preset="fico", policy="score>=61", **SMALL))
    assert "nearest edge" in found["notes"][0]
    assert found["assumed"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"env": "Lending-v1"}, "did you mean 'Lending-v0'"),
        ({"policy": "approve-al"}, "did you mean 'approve-all'"),
        ({"preset": "gim"}, "did you mean 'gym'"),
        ({"set": ("populaton_per_group=3",)}, "population_per_group"),
        ({"episodes": 0}, "--episodes must be at least 1"),
        ({"steps": 0}, "--steps must be at least 1"),
        ({"seed": -1}, "--seed must be"),
    ],
)
def test_input_that_cannot_be_used_is_answered_before_any_work(options, problem):
    with pytest.raises(InputError, match=problem):
        run(Evaluate(**{**SMALL, **options}))


@pytest.mark.slow
def test_admissions_are_evaluated_too_and_have_a_burden():
    options = {**SMALL, "set": ("population_per_group=60",), "policy": "accuracy-classifier"}
    found = run(Evaluate(env="Admissions-v0", **options))
    burden = found["metrics"]["social_burden"]
    assert all(cost >= 0 for cost in burden["by_group"])
    assert sum(burden["count"]) > 0
    with pytest.raises(InputError, match="no parameter files"):
        run(Evaluate(env="Admissions-v0", params="mine.toml"))
    with pytest.raises(InputError, match="did you mean 'population_per_group'"):
        run(Evaluate(env="Admissions-v0", set=("populaton_per_group=3",)))
