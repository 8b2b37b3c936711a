"""Figures tell methods apart, and a method looks the same in all figures of a study."""

from evenhand.core import registry
from evenhand.experiments.figures.bars import BarPanel, bars
from evenhand.experiments.figures.study import looks
from evenhand.experiments.figures.style import method_line, method_look
from evenhand.experiments.statistics import Interval
from evenhand.experiments.wording import METHODS


def test_sixteen_methods_differ_in_colour_and_marker_and_in_colour_and_line():
    assert len({method_look(index) for index in range(16)}) == 16
    assert len({(method_look(index)[0], method_line(index)) for index in range(16)}) == 16


def test_a_method_without_values_leaves_the_looks_of_the_others_alone():
    methods = ("a-ppo", "r-ppo", "ppo")
    panel = BarPanel("Return", "", "reward", {"ppo": Interval(1.0, 0.5, 1.5, 3)})
    axes = bars([panel], methods).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["PPO"]
    dot = axes.lines[-1]
    look = looks(methods)["ppo"]
    assert (dot.get_color(), dot.get_marker()) == (look["color"], look["marker"])


def test_every_algorithm_has_a_title_of_its_own():
    titles = [METHODS[name][0] for name in registry.ALGORITHMS]
    assert len(set(titles)) == len(titles)
