"""Final values of every method, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evenhand.experiments.figures.labels import fit_titles
from evenhand.experiments.figures.looks import looks
from evenhand.experiments.figures.panels import plain_tick
from evenhand.experiments.figures.study import above
from evenhand.experiments.figures.study_parts import FLOOR, Floor
from evenhand.experiments.figures.style import MUTED, margins, new_figure, styled
from evenhand.experiments.statistics import Interval
from evenhand.experiments.wording import method_title


@dataclass(frozen=True)
class BarPanel:
    """The values of one measure in one scenario; `floor` is what chance alone makes of it."""

    title: str
    above: str
    unit: str
    values: dict[str, Interval]
    floor: Floor | None = None


def bars(
    panels: Sequence[BarPanel], methods: Sequence[str], width: str = "wide", per_row: int = 3
) -> Figure:
    """A dot with its 95% interval per method, a panel per measure, the methods in rows.

    A method's look is that of its place in `methods`; one without values has no row. Of scenarios
    with `per_row` panels each none shares a row of panels with another.
    """
    look = looks(methods)
    methods = [m for m in methods if any(m in panel.values for panel in panels)]
    with styled():
        named = any(panel.floor for panel in panels)  # the level's name needs a row of its own
        columns = _columns(len(panels), per_row) if width == "wide" else 1
        rows, high = -(-len(panels) // columns), 0.19 * (len(methods) + 0.5 * named) + 0.1
        figure = new_figure(width, rows * (high + 0.75) + 0.1)
        places = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
        left, size = _names(figure, [method_title(m) for m in methods], width)
        margins(figure, left, 0.15, 0.3, 0.42, hspace=0.75 / high, wspace=0.12)
        for spare in places[len(panels) :]:
            spare.remove()
        titles = []
        for number, (panel, axes) in enumerate(zip(panels, places, strict=False)):
            _dots(axes, panel, look, methods)
            axes.set_yticks(range(len(methods)), [method_title(m) for m in methods], size=size)
            axes.set_ylim(len(methods) - 0.5 + 0.5 * named, -0.5)
            titles.append(axes.set_title(panel.title, size=8.5, pad=3))
            if number % columns == 0:
                above(axes, panel.above, right=width != "wide")
            axes.xaxis.set_major_formatter(lambda v, _, unit=panel.unit: plain_tick(v, unit))
            axes.locator_params(axis="x", nbins=4)
            axes.tick_params(axis="x", labelsize=8)
        fit_titles(titles)
    return figure


def _columns(count: int, per_row: int) -> int:
    if per_row == 1:
        return min(count, 3)
    return next(columns for columns in (3, 2, 1) if per_row % columns == 0 or per_row == count)


def _names(figure: Figure, names: Sequence[str], width: str) -> tuple[float, float]:
    """The room that the methods' names take in inches, and their size; long ones are smaller."""
    text = figure.text(0, 0, max(names, key=len, default=""), size=8)
    wide = text.get_window_extent().width / figure.dpi
    text.remove()
    most = 2.5 if width == "wide" else 1.9
    return max(2.1, min(wide, most) + 0.12), 8 * min(1.0, most / wide) if wide else 8


def _dots(
    axes: Axes, panel: BarPanel, look: dict[str, dict[str, Any]], methods: Sequence[str]
) -> None:
    for index, method in enumerate(methods):
        found = panel.values.get(method)
        if found is None or not np.isfinite(found.estimate):
            continue
        colour, marker = look[method]["color"], look[method]["marker"]
        if found.bounded:
            axes.plot([found.low, found.high], [index] * 2, color=colour, linewidth=1.4)
        axes.plot(found.estimate, index, marker, color=colour, markersize=5)
    if panel.floor is not None:
        level = float(panel.floor.values[0])
        axes.axvline(level, **FLOOR)
        axes.annotate(
            "by chance", (level, 0), xytext=(3, 2), xycoords=("data", "axes fraction"),
            textcoords="offset points", size=7, color=MUTED,
        )  # fmt: skip
