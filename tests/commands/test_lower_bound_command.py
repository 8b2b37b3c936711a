"""`evenhand lower-bound` as data, as a table, and when its input is wrong."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest
from rich.console import Console

from evenhand import cli
from evenhand.commands.lower_bound import LowerBoundOptions, run, show

CALL = "lower-bound --family chain --actions 2 --states 6,9,12,15 --discount 0.6 --eps 0.1 --json"


def shown(result):
    console = Console(file=io.StringIO(), width=120)
    show(result, console)
    return console.file.getvalue()


def test_the_call_of_the_documents_gives_the_known_times_without_jax():
    code = (
        "import sys; from evenhand.cli import main; code = main(sys.argv[1:]); "
        "sys.exit(code or 'jax' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *CALL.split()], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    steps = {row["n"]: row["steps"] for row in found["rows"]}
    assert steps == {6: 114, 9: 1083, 12: 9027, 15: 72915}
    assert found["fitted_base"] == pytest.approx(2.0478, abs=1e-4)
    local = [row["local_base"] for row in found["rows"]]
    assert local[0] is None
    ratios = np.array([1083 / 114, 9027 / 1083, 72915 / 9027])
    assert local[1:] == pytest.approx(ratios ** (1 / 3))
    assert found["notion"] == "fair"


def test_choice_alpha_lowers_the_base_to_the_exact_one_not_the_papers():
    found = run(LowerBoundOptions(states="20,24,28", choice_alpha=0.1))
    assert found["fitted_base"] == pytest.approx(2 / 1.1, abs=1e-3)
    assert found["paper_base"] == pytest.approx(2 / 1.2)
    assert "alpha-choice fair, alpha 0.1" in " ".join(shown(found).split())
    zero = run(LowerBoundOptions(states="6,9", choice_alpha=0.0))
    assert [row["steps"] for row in zero["rows"]] == [114, 1083]


def test_the_costly_chain_ends_at_its_longest_size_by_default():
    found = run(LowerBoundOptions(family="costly-chain", action_alpha=0.1))
    assert [row["n"] for row in found["rows"]] == [4, 8, 12, 16]
    assert found["notion"] == "alpha-action fair"
    assert "theorem" in shown(found)


def test_one_size_has_no_base():
    found = run(LowerBoundOptions(states="6"))
    assert found["fitted_base"] is None
    assert "one size gives no base" in shown(found)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--states 1", "whole numbers from 2 to 400, as 6,9,12, got '1'"),
        ("--states 6,x", "got 'x'"),
        ("--states 6,6", "names a size twice"),
        ("--states=", "got ''"),
        ("--states 300", "ask for fewer states"),
        ("--family chian", "no family 'chian'; did you mean 'chain'"),
        ("--eps 0", "--eps must be a number above 0, got 0.0"),
        ("--eps nan", "--eps must be a number above 0"),
        ("--discount 1", "--discount must be between 0 and 1, got 1.0"),
        ("--actions 1", "--actions must be 2 to 1000, got 1"),
        ("--choice-alpha 1", "below 1, where all is allowed"),
        ("--action-alpha 0.1", "--action-alpha belongs to --family costly-chain"),
        ("--family costly-chain --choice-alpha 0.1", "--choice-alpha belongs to --family chain"),
        ("--family costly-chain --states 30", "at most 22 states do"),
        ("--family costly-chain --action-alpha 0.6", "no costly chain makes the notion bind"),
        ("--family costly-chain --action-alpha 0", "--action-alpha must be above 0"),
    ],
)
def test_what_cannot_be_computed_is_refused_in_one_sentence(words, sentence, capsys):
    assert cli.main(["lower-bound", *words.split(), "--json"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert sentence in captured.err
    assert captured.err.count("\n") == 1
