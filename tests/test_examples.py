"""The examples run, and show what they say they show."""

import runpy
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def run(name, **options):
    return runpy.run_path(str(EXAMPLES / f"{name}.py"))["main"](**options)


def test_a_smaller_tolerance_never_earns_more_on_the_exact_frontier():
    points = run("exact_frontier")
    profit = [point.profit for point in points]
    assert profit == sorted(profit, reverse=True)
    assert profit[0] == pytest.approx(15.446, abs=6e-4)
    assert all(point.disparity <= point.tolerance + 1e-6 for point in points)


def test_a_world_of_ones_own_keeps_the_contract():
    run("own_environment")


def test_a_rule_is_judged_by_group_and_episode():
    groups, recall = run("judge_a_rule", episodes=3)
    assert recall.by_group.shape == (3, len(groups))
    # The exact value is .293: threshold 3 is the rule of the README.
    assert recall.difference.mean() == pytest.approx(0.293, abs=0.03)


@pytest.mark.slow
def test_a_classifier_approves_from_a_level_up():
    pytest.importorskip("sklearn")
    groups, approve, profit = run("classifier_as_policy")
    assert approve.shape[0] == profit.shape[1] == len(groups)
    assert (np.diff(approve) >= 0).all()


@pytest.mark.slow
def test_a_flow_finds_the_baseline_difference_of_the_people_it_saw():
    pytest.importorskip("flowjax", reason="needs flowjax (evenhand[flows])")
    found = run("counterfactual_scores", each=4_000, num_steps=300)
    assert found["exact"] == pytest.approx(0.6118, abs=1e-4)
    assert found["flow"] == pytest.approx(found["sample"], abs=0.02)
    assert found["drawn"] == pytest.approx(found["flow"], abs=5 * found["error"])
    assert found["elsewhere"] < 0.1


@pytest.mark.slow
def test_ppo_never_earns_more_than_the_frontier_at_its_disparity():
    profit, disparity, best = run("ppo_on_the_frontier", updates=40)
    assert disparity > 0
    assert profit <= best + 1e-6


@pytest.mark.parametrize("name", ["train_with_sb3", "bisimulate_sb3"])
def test_the_interop_examples_say_what_they_need_where_it_is_missing(name, capsys, monkeypatch):
    pytest.importorskip("gymnasium")
    monkeypatch.setitem(__import__("sys").modules, "stable_baselines3", None)
    assert run(name) is None
    assert "pip install" in capsys.readouterr().out


@pytest.mark.interop
@pytest.mark.filterwarnings("default")
def test_a_stable_baselines3_agent_is_measured_by_group():
    pytest.importorskip("stable_baselines3")
    measured = run("train_with_sb3", steps=1_024)
    assert measured is not None
    assert {len(by_group) for by_group in measured.values()} == {2}


@pytest.mark.interop
@pytest.mark.filterwarnings("default")
def test_a_stable_baselines3_agent_trains_in_a_world_that_follows_it():
    pytest.importorskip("stable_baselines3")
    measured = run("bisimulate_sb3", chunks=2, steps=1_024)
    assert measured is not None
    assert {len(by_group) for by_group in measured.values()} == {2}
    assert {"observed_up", "observed_down", "recall"} <= measured.keys()


@pytest.mark.slow
def test_several_targets_of_a_csv_are_learned_better_than_by_always_saying_no():
    pytest.importorskip("sklearn")
    found = run("several_targets")
    assert set(found) == {"VanillaMTL", "L2TFMT"}
    accuracy, violation = found["VanillaMTL"]
    assert (accuracy > 0.65).all()
    # The groups differ by construction, and nothing acts against it here.
    assert (violation > 0.2).all()
