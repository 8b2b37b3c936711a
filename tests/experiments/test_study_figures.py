"""Every kind of figure that a study's file can ask for draws what the records say."""

from itertools import combinations

import numpy as np
import polars as pl
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from runs import MadeUp

from evenhand.core.errors import InputError
from evenhand.experiments.estimates import Estimates
from evenhand.experiments.figures.style import styled
from evenhand.experiments.loan_rates import loan_rates
from evenhand.experiments.paper import results, table
from evenhand.experiments.paper.figures import drawings
from evenhand.experiments.paper.study import read_study
from evenhand.experiments.paper.wanted import (
    BY_TASK,
    KINDS,
    read_columns,
    read_figures,
    shown_metrics,
)
from evenhand.experiments.record import read_run

EXPERIMENT = """
[defaults]
methods = ["ppo", "max-util", "threshold:3"]
[scenarios.one]
title = "The first setting"
[scenarios.two]
title = "The second setting"
"""
FLOOR = 'floor = "qualification_gain_noise_floor"'
FIGURES = f"""
[[figures]]
name = "training"
kind = "training-curves"
panels = [
    {{ metric = "reward", title = "A title that is far too long for a quarter of a page" }},
    {{ metric = "qualification_gain_difference", {FLOOR} }},
    {{ metric = "direct_effect_signed_difference" }},
    {{ metric = "return" }},
]
[[figures]]
name = "so-far"
kind = "series"
[[figures]]
name = "loans"
kind = "cumulative-decisions"
[[figures]]
name = "ends"
kind = "bars"
panels = [
    {{ metric = "credit_gap_true" }},
    {{ metric = "return" }},
    {{ metric = "qualification_gain_difference", {FLOOR} }},
]
[[figures]]
name = "rates"
kind = "loan-rates"
[[figures]]
name = "gaps"
kind = "gap-true-and-observed"
[[figures]]
name = "price"
kind = "trade-off"
panels = [{{ metric = "return" }}, {{ metric = "credit_gap_true", title = "the gap" }}]
"""


class WithFloor(MadeUp):
    """What chance alone makes is the same number for everybody, except for one method."""

    def final(self):
        rows = super().final()
        kept = [row for row in rows if row["metric"] == "qualification_gain_difference"]
        floors = {"ppo": 9.0, "max-util": 9.0, "threshold:3": 3.0}
        return rows + [
            row | {"metric": "qualification_gain_noise_floor", "value": floors[row["algorithm"]]}
            for row in kept
        ]

    def curves(self):
        rows = super().curves()
        more = ("credit_gap_true", "credit_gap_observed", "direct_effect_signed_difference")
        return rows + [row | {"metric": name} for row in rows for name in more]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """The study, its runs, and (name, width) -> figure."""
    folder = tmp_path_factory.mktemp("paper")
    (folder / "experiment.toml").write_text(EXPERIMENT)
    (folder / "figures.toml").write_text(FIGURES)
    study = read_study(folder)
    run = Estimates(read_run(WithFloor().write(folder / "run")))
    runs = {"one": run, "two": run}
    made = {
        (wanted.name, width): draw(width)
        for wanted, draw in drawings(study, runs)
        for width in ("wide", "narrow")
    }
    return study, runs, made


def test_every_kind_is_drawn(drawn):
    study, _, made = drawn
    assert {wanted.kind for wanted in read_figures(study)} == set(KINDS) - set(BY_TASK)
    assert {name for name, _ in made} == {wanted.name for wanted in read_figures(study)}


def test_no_words_of_a_figure_lie_on_each_other_or_leave_it(drawn):
    for name, figure in drawn[2].items():
        with styled():
            renderer = FigureCanvasAgg(figure).get_renderer()
            figure.draw(renderer)
            texts = [t for axes in figure.axes for t in (*axes.texts, _title(axes))]
            texts += [t for legend in figure.legends for t in legend.get_texts()]
            boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in texts if t.get_text()]
        for said, box in boxes:
            assert box.x1 <= figure.bbox.x1 + 1, (name, said)
            assert box.y1 <= figure.bbox.y1 + 1, (name, said)
        for (first, a), (second, b) in combinations(boxes, 2):
            assert not a.padded(-1).overlaps(b.padded(-1)), (name, first, second)


def _title(axes):
    return next(t for t in axes.get_children() if getattr(t, "get_text", str)() == _words(axes))


def _words(axes):
    return axes.get_title(loc="left")


def test_the_chance_level_is_the_median_of_the_methods(drawn):
    made = drawn[2]
    dotted = made["ends", "wide"].axes[2].lines[-1]
    np.testing.assert_allclose(dotted.get_xdata(), 9.0)
    running = made["so-far", "wide"].axes[1].lines[-1]
    np.testing.assert_allclose(running.get_ydata()[-1], 0.1 * 100 * 2)
    names = [t.get_text() for t in made["so-far", "wide"].legends[0].get_texts()]
    assert names == ["PPO", "Max-util", "Threshold 3", "Gain gap by chance"]


def test_rates_are_approvals_per_decision_and_no_decisions_are_no_rate(drawn):
    estimates = drawn[1]["one"]
    found = loan_rates(estimates, "max-util", "black")
    noise = np.sin(4 + 7 * np.arange(4))
    assert np.isclose(found.band[0, 2], (2 + 0.1 + 0.1) / 4 + 0.02 * noise.mean())
    np.testing.assert_allclose(found.decisions, 100 * np.arange(4) + 15)
    # At the lowest level the first seed decided about nobody: the others speak for it.
    assert np.isclose(found.band[0, 0], 0.2 / 4 + 0.02 * noise[1:].mean())
    assert loan_rates(estimates, "nobody", "black") is None
    panel = drawn[2]["rates", "wide"].axes[1]
    np.testing.assert_allclose(panel.lines[1].get_ydata(), found.band[0])


def test_results_keep_rates_by_level_and_the_curves_that_figures_show(drawn, tmp_path):
    study, runs, _ = drawn
    assert "direct_effect_signed_difference" in shown_metrics(study, "training-curves")
    results.write_results(study, runs, [], tmp_path)
    levels = pl.read_parquet(tmp_path / "levels.parquet")
    assert dict(levels.schema) == results.SCHEMAS["levels"]
    assert len(levels) == 2 * 3 * 2 * 4
    curves = set(pl.read_parquet(tmp_path / "curves.parquet")["metric"])
    assert {"direct_effect_signed_difference", "credit_gap_true", "reward"} <= curves
    assert sum(f.stat().st_size for f in tmp_path.iterdir()) < 60_000


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('floor = "qualification_gain_noise', 'floor = "qualification_gain_noize', "no metric"),
        ('{ metric = "credit_gap_true" }', '{ metric = "credit_gap_tru" }', "did you mean"),
        ('{ metric = "return" }', '{ group = "a" }', "every panel needs a metric"),
        (
            'kind = "series"\n',
            'kind = "series"\npanels = [{ metric = "recal" }]\n',
            "no series 'recal'",
        ),
        (', { metric = "credit_gap_true", title = "the gap" }', "", "a trade-off has two panels"),
    ],
)
def test_a_panel_of_nothing_is_refused(drawn, tmp_path, old, new, sentence):
    (tmp_path / "experiment.toml").write_text(EXPERIMENT)
    assert old in FIGURES
    (tmp_path / "figures.toml").write_text(FIGURES.replace(old, new))
    with pytest.raises(InputError, match=sentence):
        read_figures(read_study(tmp_path))


COLUMNS = """
[[columns]]
metric = "qualification_gain_noise_floor"
title = "By chance"
[[columns]]
metric = "return"
better = "higher"
"""


def test_tables_have_the_columns_that_are_asked_for_and_mark_only_what_can_be_better(
    drawn, tmp_path
):
    (tmp_path / "experiment.toml").write_text(EXPERIMENT)
    (tmp_path / "figures.toml").write_text(FIGURES + COLUMNS)
    asked = read_columns(read_study(tmp_path))
    head, _, *rows = table.as_markdown(drawn[1]["one"], asked).splitlines()
    assert head == "| Method | By chance | Return |"
    assert not any("**" in row.split("|")[2] for row in rows)
    assert any("**" in row.split("|")[3] for row in rows)
    assert read_columns(drawn[0]) == ()


def test_columns_of_a_further_table_are_apart_and_shares_of_seeds_have_exact_intervals(tmp_path):
    (tmp_path / "experiment.toml").write_text(EXPERIMENT)
    more = '[[columns]]\nmetric = "approval_rate"\ntable = "More"\nexact = true\n'
    (tmp_path / "figures.toml").write_text(FIGURES + COLUMNS + more)
    tables = table.by_table(read_columns(read_study(tmp_path)))
    assert list(tables) == ["", "More"]
    assert [column.metric for column in tables["More"]] == ["approval_rate"]

    class Never(MadeUp):
        def final(self):
            zero = {"metric": "approval_rate", "value": 0.0}
            return super().final() + [
                row | zero for row in super().final() if row["metric"] == "return"
            ]

    run = Estimates(read_run(Never().write(tmp_path / "run")))
    seeds = len(run.run.seeds)
    text = table.as_markdown(run, tables["More"])
    assert f"[0.0, {100 * (1 - 0.025 ** (1 / seeds)):.1f}]" in text


def test_points_of_a_trade_off_are_the_two_measures_of_each_method(drawn):
    axes = drawn[2]["price", "wide"].axes[0]
    run = drawn[1]["one"]
    dots = {tuple(line.get_xydata()[0]) for line in axes.lines if len(line.get_xydata()) == 1}
    for method in run.run.methods:
        at = tuple(run.interval(method, name).estimate for name in ("return", "credit_gap_true"))
        assert any(np.allclose(at, dot) for dot in dots), method


def test_a_column_of_nothing_is_refused(tmp_path):
    (tmp_path / "experiment.toml").write_text(EXPERIMENT)
    for old, new, sentence in (
        ('"return"', '"retrun"', "did you mean 'return'"),
        ('"higher"', '"hihger"', "did you mean 'higher'"),
        ("better", "beter", "did you mean 'better'"),
    ):
        (tmp_path / "figures.toml").write_text(FIGURES + COLUMNS.replace(old, new))
        with pytest.raises(InputError, match=sentence):
            read_columns(read_study(tmp_path))
