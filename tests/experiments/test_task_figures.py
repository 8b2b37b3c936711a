"""Figures and the overview about tasks show the numbers that they are given, and all words fit."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import QuadMesh

from evenhand.core.errors import InputError
from evenhand.experiments.figures.boxes import BoxPanel, boxes
from evenhand.experiments.figures.shares import COLOURS, SharePanel, share_map
from evenhand.experiments.figures.style import styled
from evenhand.experiments.paper.overview import read_overview
from evenhand.experiments.paper.study import read_study
from evenhand.experiments.paper.wanted import read_figures

METHODS = ("single-task", "vanilla-mtl", "l2t-fmt", "l2t-fmt:look_ahead=full")
TASKS = ("Employed", "SameHouse", "Disability", "Married", "College")
STUDY = """
kind = "multi-task"
[defaults]
methods = ["single-task", "l2t-fmt"]
[scenarios.one]
"""


def box_panels(num_tasks=5, scenarios=2):
    rng = np.random.default_rng(0)
    tasks = TASKS if num_tasks == 5 else tuple(f"Task {t}" for t in range(num_tasks))
    return [
        BoxPanel(title, f"Scenario {s}", "number", tasks, {m: rng.random(len(tasks))
                 for m in METHODS})
        for s in range(scenarios)
        for title in ("(a) Violation of equalised odds", "(b) Accuracy")
    ]  # fmt: skip


def share_panels(count=3):
    rng = np.random.default_rng(1)
    return [
        SharePanel(f"Scenario {s}, L2T-FMT", TASKS, np.arange(1, 21), shares := rng.random((5, 20)),
                   shares.mean(1), ("accuracy loss", "worst-group loss"))
        for s in range(count)
    ]  # fmt: skip


def words_overlap(figure):
    """Pairs of texts that lie on each other, and texts outside the figure."""
    with styled():
        renderer = FigureCanvasAgg(figure).get_renderer()
        figure.draw(renderer)
        texts = [*figure.texts, *(t for legend in figure.legends for t in legend.get_texts())]
        for axes in figure.axes:
            texts += [*axes.texts, *axes.get_yticklabels(), axes.title, axes._left_title]
        shown = [t for t in texts if t.get_visible() and t.get_text()]
        found = [(t.get_text(), t.get_window_extent(renderer)) for t in shown]
    outside = [w for w, b in found if b.x0 < -1 or b.y0 < -1 or b.x1 > figure.bbox.x1 + 1]
    both = [
        (w, v) for (w, a), (v, b) in combinations(found, 2)
        if min(a.x1, b.x1) - max(a.x0, b.x0) > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 1
    ]  # fmt: skip
    return both, outside


@pytest.mark.parametrize("width", ["wide", "narrow"])
@pytest.mark.parametrize("num_tasks", [5, 31])
def test_a_box_has_the_quartiles_of_its_points(width, num_tasks):
    panels = box_panels(num_tasks)
    figure = boxes(panels, METHODS, width)
    for panel, axes in zip(panels, figure.axes, strict=True):
        for index, method in enumerate(METHODS):
            values = panel.values[method]
            points = [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == "None"
                      and line.get_ydata()[0] == index]  # fmt: skip
            assert sorted(points) == sorted(values)
            box = axes.patches[index]
            quartiles = np.percentile(values, [25, 75])
            assert [box.get_x(), box.get_x() + box.get_width()] == pytest.approx(list(quartiles))
            ticks = [line.get_xdata() for line in axes.lines if len(line.get_xdata()) == 2]
            assert any(np.allclose(line, [np.median(values)] * 2) for line in ticks)


@pytest.mark.parametrize("width", ["wide", "narrow"])
def test_a_cell_of_the_map_has_the_colour_of_its_share(width):
    panels = share_panels()
    figure = share_map(panels, "epochs", width)
    meshes = [axes.findobj(QuadMesh)[0] for axes in figure.axes[: len(panels)]]
    for panel, mesh in zip(panels, meshes, strict=True):
        assert np.array_equal(np.ravel(mesh.get_array()), panel.shares.ravel())
        assert (mesh.norm.vmin, mesh.norm.vmax) == (0, 1)
        assert mesh.get_cmap() is COLOURS


def test_both_ends_of_the_map_s_colours_differ_in_the_dark_from_the_middle():
    def lightness(share):
        return float(np.dot(COLOURS(share)[:3], [0.299, 0.587, 0.114]))

    assert min(lightness(0.5) - lightness(end) for end in (0.0, 1.0)) > 0.3


@pytest.mark.parametrize("width", ["wide", "narrow"])
def test_no_words_lie_on_each_other_or_leave_the_figure(width):
    for figure in (
        boxes(box_panels(), METHODS, width),
        boxes(box_panels(scenarios=1), METHODS, width),
        share_map(share_panels(), "epochs", width),
        share_map(share_panels(1), "epochs", width),
    ):
        assert words_overlap(figure) == ([], [])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[overview]\nmetrics = [{ metric = "AREOS" }]', "did you mean 'AREO'"),
        ('[overview]\nmetrics = [{ metric = "ARA", better = "more" }]', "there is no better"),
        ("[overview]\nmetrics = []", "needs metrics"),
        ('[overview]\nmetric = "ARA"', "there is no key of \\[overview\\]"),
        ('[[figures]]\nname = "a"\nkind = "task-boxes"', "needs panels"),
    ],
)
def test_what_a_figures_file_gets_wrong_is_refused(tmp_path, text, sentence):
    (tmp_path / "experiment.toml").write_text(STUDY)
    (tmp_path / "figures.toml").write_text(text)
    study = read_study(tmp_path)
    with pytest.raises(InputError, match=sentence):
        read_overview(study), read_figures(study)
