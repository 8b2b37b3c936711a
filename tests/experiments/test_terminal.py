"""The key numbers in a terminal: whole at any width."""

import io

import pytest
from rich.console import Console
from runs import MadeUp

from evenhand.experiments.record import read_run
from evenhand.experiments.statistics import Interval
from evenhand.experiments.terminal import number_of, summary_table


def printed(folder, width, **fields):
    made = MadeUp(methods=("equal-opportunity", "ppo", "threshold:3"), **fields).write(folder)
    console = Console(record=True, width=width, file=io.StringIO())
    console.print(summary_table(read_run(made)))
    return console.export_text()


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("count", [2, 4, 10])
def test_nothing_is_cut_at_common_widths(tmp_path, width, count):
    groups = tuple(f"group {g + 1}" for g in range(count))
    text = printed(tmp_path, width, groups=groups)
    assert "\N{HORIZONTAL ELLIPSIS}" not in text
    assert max(map(len, text.splitlines())) <= width
    for method in ("opportunity", "PPO", "Threshold"):
        assert method in text
    assert text.count("100%") == 0


def test_two_groups_have_two_tables_and_four_a_block_per_method(tmp_path):
    two = printed(tmp_path / "two", 80)
    assert "What the decision-maker earns" in two
    assert "What the decisions mean for each group" in two
    four = printed(tmp_path / "four", 80, groups=("white", "black", "hispanic", "asian"))
    assert "What the decision-maker earns" not in four
    assert four.count("approval rate") == 3


def test_an_interval_is_plus_or_minus_only_where_it_is_about_symmetric():
    assert number_of(Interval(2000.0, 1990.0, 2011.0, 5), "reward") == "2,000 ±10"
    assert number_of(Interval(2000.0, 1990.0, 2050.0, 5), "reward") == "2,000\n[1,990, 2,050]"
    assert number_of(Interval(0.5, 0.4, 0.6, 5), "share") == "50.0% ±10.0"
    assert number_of(Interval(7.0, float("nan"), float("nan"), 1), "reward") == "7.00"
