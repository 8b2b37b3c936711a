"""`evenhand group-fair-lp` as data, as a table, and when its input is wrong."""

import io
import json
import math
import subprocess
import sys

import numpy as np
import pytest
from rich.console import Console

from evenhand import cli
from evenhand.commands.group_fair_lp import GroupFairOptions, answer, run, show
from evenhand.core.solution import RESULTS, Solution
from evenhand.tabular.group_fair_lp import GroupFairLP
from evenhand.tabular.river_swim import river_swim_mdp

CALL = "group-fair-lp --env RiverSwim-v0 --groups 2 --tasks predecessor --tolerance 1.1 --json"


def shown(result):
    console = Console(file=io.StringIO(), width=120)
    show(result, console)
    return console.file.getvalue()


def test_the_call_of_the_documents_gives_the_known_optimum(capsys):
    assert cli.main(CALL.split()) == 0
    found = json.loads(capsys.readouterr().out)
    assert np.allclose(found["J"], [[0.4149], [1.5149]], atol=6e-5)
    assert found["objective"] == pytest.approx(1.92977, abs=1e-5)
    assert found["result"] == "successful"
    assert 0 < found["solver_seconds"] < found["seconds"]
    assert found["price_of_tolerance"] == pytest.approx(3.60338 - 1.92977, abs=2e-5)


def test_columns_are_the_tasks_in_the_order_asked_for():
    one = run(GroupFairOptions(groups=3, tasks="near-goal,predecessor", tolerance="0.5"))
    two = run(GroupFairOptions(groups=3, tasks="predecessor,near-goal", tolerance="0.5"))
    assert one["tasks"] == ["near-goal", "predecessor"]
    assert np.allclose(np.array(one["J"])[:, ::-1], two["J"], atol=1e-6)
    assert np.shape(one["J"]) == (3, 2)
    assert one["num_fairness_rows"] == 12
    assert one["price_of_tolerance"] == pytest.approx(two["price_of_tolerance"])


def test_a_price_is_what_one_more_unit_of_tolerance_adds():
    at = {t: run(GroupFairOptions(tasks="near-goal", tolerance=str(t))) for t in (0.5, 0.501)}
    (row,) = at[0.5]["prices"]
    gain = at[0.501]["objective"] - at[0.5]["objective"]
    assert row["price"] == pytest.approx(gain / 0.001, rel=1e-5)
    assert (row["above"], row["below"]) == (1, 0)
    assert "near-goal for B above A is worth" in shown(at[0.5])


def test_inf_means_no_constraint_for_all_tasks_or_for_one():
    free = run(GroupFairOptions(tolerance="inf"))
    assert free["tolerance"] == ["inf"]
    assert free["price_of_tolerance"] == pytest.approx(0, abs=1e-9)
    assert json.loads(json.dumps(free, allow_nan=False))["prices"] == []
    one = run(GroupFairOptions(tasks="predecessor,near-goal", tolerance="0.5,inf"))
    assert one["gaps"][0] == pytest.approx(0.5)
    assert one["gaps"][1] > 2.5
    assert "inf" in shown(one)


def test_the_worst_group_can_be_what_is_maximised():
    options = {"tasks": "predecessor,near-goal", "tolerance": "inf"}
    total = run(GroupFairOptions(**options))
    worst = run(GroupFairOptions(**options, maximise="worst-group"))
    assert worst["objective"] == pytest.approx(np.min(worst["J"]), abs=1e-6)
    assert np.min(worst["J"]) > np.min(total["J"]) + 0.005


def test_no_policy_is_said_in_words_and_is_null_in_the_data():
    mdp = river_swim_mdp()
    nothing = Solution(None, None, None, result=RESULTS.infeasible, stats={"seconds": 0.1})
    result = answer(mdp, nothing, GroupFairLP(mdp, math.inf).solve())
    assert result["J"] is None
    assert result["objective"] is None
    assert result["result"] == "infeasible"
    assert "No policy meets the constraints" in shown(result)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--tasks near-gaol", "did you mean 'near-goal'"),
        ("--tolerance -1", "0 or more"),
        ("--tolerance 1,x", "got 'x'"),
        ("--tolerance 1,2", "one per task"),
        ("--groups 0", "groups must be 1 to 3"),
        ("--env Lending-v0", "evenhand frontier"),
        ("--env RiverSwum-v0", "did you mean 'RiverSwim-v0'"),
        ("--horizon 0", "horizon must be"),
        ("--states 200 --horizon 900", "choose fewer states"),
        ("--maximise least", "objective"),
    ],
)
def test_wrong_input_is_one_sentence_and_exit_code_two(words, message, capsys):
    assert cli.main(["group-fair-lp", *words.split()]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_the_command_starts_without_jax():
    call = f"cli.main({CALL.split()}); print('jax' in sys.modules)"
    code = f"import sys; from evenhand import cli; {call}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == "False"
