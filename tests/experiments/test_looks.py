"""Figures tell methods apart, and a method looks the same in all figures of a study."""

import numpy as np
import pytest
from matplotlib.text import Text
from runs import MadeUp

from evenhand.core import registry
from evenhand.experiments.estimates import Estimates
from evenhand.experiments.figures.bars import BarPanel, bars
from evenhand.experiments.figures.catalogue import figures
from evenhand.experiments.figures.frontier import frontier
from evenhand.experiments.figures.looks import ends_of_sweeps, looks
from evenhand.experiments.figures.style import method_line, method_look
from evenhand.experiments.meanings import methods_list
from evenhand.experiments.record import read_run
from evenhand.experiments.statistics import Interval
from evenhand.experiments.variants import sweep
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


VARIANTS = ("ppo", *sweep("a-ppo"), *sweep("r-ppo"), "max-util")


def test_variants_share_their_methods_colour_and_marker_and_take_no_others():
    found = looks(VARIANTS)
    assert found["max-util"] == looks(("ppo", "a-ppo", "r-ppo", "max-util"))["max-util"]
    for method in ("a-ppo", "r-ppo"):
        variants = [found[name] for name in sweep(method)]
        assert len({(look["color"], look["marker"]) for look in variants}) == 1
        shades = [look["alpha"] for look in variants]
        assert shades == sorted(set(shades))
        assert shades[-1] == 1


def test_variants_of_no_sweep_share_a_colour_and_differ_in_marker_and_line():
    names = ("ppo-c", "ppo", "ppo-c:estimator=episode", "ppo-c:total_gap=true")
    found = looks(names)
    own = [found[name] for name in names if name != "ppo"]
    assert len({look["color"] for look in own}) == 1
    assert len({look["marker"] for look in own}) == len({str(x["linestyle"]) for x in own}) == 3
    assert found["ppo"] == looks(("ppo-c", "ppo"))["ppo"]


@pytest.mark.parametrize("width", ["wide", "narrow"])
def test_the_frontier_joins_variants_in_the_order_of_their_values(width, tmp_path):
    backwards = ("ppo", *reversed(sweep("a-ppo")), *sweep("r-ppo"), "max-util")
    run = read_run(MadeUp(methods=backwards).write(tmp_path / "run"))
    estimates = Estimates(run)
    figure = frontier(estimates, "gain-disparity", width)
    drawn = [line.get_xydata() for line in figure.axes[0].lines if len(line.get_xdata()) == 5]
    assert len(drawn) == 2
    for name, points in zip(("a-ppo", "r-ppo"), drawn, strict=True):
        means = [
            [
                estimates.values(v, metric).mean()
                for metric in ("criterion:gain-disparity", "return")
            ]
            for v in sweep(name)
        ]
        np.testing.assert_allclose(points, means)
    [key] = figure.legends
    assert [text.get_text() for text in key.get_texts()] == [
        "A-PPO: decrease weight 0 to 16",
        "R-PPO: gap weight 0 to 32",
    ]


@pytest.mark.parametrize("width", ["wide", "narrow"])
def test_no_word_of_a_picture_with_fifteen_variants_is_cut(width, tmp_path):
    methods = ("ppo", *sweep("a-ppo"), *sweep("elbert-po"), *sweep("bisimulator-ppo-reward"))
    estimates = Estimates(read_run(MadeUp(methods=methods).write(tmp_path / "run")))
    for name, draw in figures(estimates).items():
        figure = draw(width)
        edge = figure.bbox
        for text in figure.findobj(Text):
            if text.get_text().strip() and text.get_visible():
                box = text.get_window_extent()
                assert box.x0 >= edge.x0 - 2, (name, text.get_text())
                assert box.x1 <= edge.x1 + 2, (name, text.get_text())


def test_of_a_sweep_only_the_ends_have_panels_of_their_own():
    assert ends_of_sweeps(VARIANTS) == (
        "ppo",
        *("a-ppo:decrease_weight=0", "a-ppo:decrease_weight=16"),
        *("r-ppo:gap_weight=0", "r-ppo:gap_weight=32"),
        "max-util",
    )


def test_a_page_names_a_method_with_its_values_once(tmp_path):
    run = read_run(MadeUp(methods=VARIANTS).write(tmp_path / "run"))
    said = str(methods_list(Estimates(run)))
    assert said.count("<strong>A-PPO</strong>") == 1
    assert "run with decrease weight 0, 0.25, 1, 4, 16" in said
