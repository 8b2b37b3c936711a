"""A measure of several tasks side by side: a box over the tasks per method, every task shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from evenhand.experiments.figures.labels import fit_titles
from evenhand.experiments.figures.looks import looks
from evenhand.experiments.figures.panels import plain_tick
from evenhand.experiments.figures.study import above
from evenhand.experiments.figures.style import INK, group_look, margins, new_figure, styled
from evenhand.experiments.wording import method_title

# Boxes say something about many tasks only; these few are drawn as points in any case.
_TASKS_WITH_MARKERS = 12
_KEY_LETTERS = {"wide": 90, "narrow": 44}


@dataclass(frozen=True)
class BoxPanel:
    """A measure in one scenario: per method its value for each of `tasks`, means over seeds."""

    title: str
    above: str
    unit: str
    tasks: tuple[str, ...]
    values: dict[str, np.ndarray]


def boxes(panels: Sequence[BoxPanel], methods: Sequence[str], width: str = "wide") -> Figure:
    """A box per method over the tasks (quartiles and the whole range), the tasks as points.

    A method's colour is that of its place in `methods`; a task's marker that of its place among
    the tasks of the panel, told in a key above the panels of each scenario.
    """
    look = looks(methods)
    methods = [m for m in methods if any(m in panel.values for panel in panels)]
    with styled():
        columns = min(len(panels), 2 if width == "wide" else 1)
        rows, high = -(-len(panels) // columns), 0.27 * len(methods) + 0.1
        keys = [_key_rows(panel.tasks, width) for panel in panels]
        between = 0.72 + 0.17 * max(keys)
        figure = new_figure(width, rows * (high + between) + 0.1)
        places = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
        margins(figure, 1.75, 0.15, 0.3, between - 0.3, hspace=between / high, wspace=0.1)
        for spare in places[len(panels) :]:
            spare.remove()
        titles = []
        for number, (panel, axes) in enumerate(zip(panels, places, strict=False)):
            _draw(axes, panel, look, methods)
            axes.set_yticks(range(len(methods)), [method_title(m) for m in methods], size=8)
            axes.set_ylim(len(methods) - 0.5, -0.5)
            titles.append(axes.set_title(panel.title, size=8.5, pad=3))
            if number % columns == 0:
                above(axes, panel.above)
                _key(figure, axes, panel.tasks, width)
        fit_titles(titles)
    return figure


def _draw(
    axes: Axes, panel: BoxPanel, look: dict[str, dict[str, Any]], methods: Sequence[str]
) -> None:
    for index, method in enumerate(methods):
        values = panel.values.get(method)
        if values is None or not np.isfinite(values).any():
            continue
        colour = look[method]["color"]
        known = values[np.isfinite(values)]
        low, first, middle, third, high = np.quantile(known, (0, 0.25, 0.5, 0.75, 1))
        axes.plot([low, high], [index] * 2, color=colour, linewidth=0.9)
        axes.barh(index, third - first, 0.56, left=first, color=colour, alpha=0.22, linewidth=0)
        axes.plot([middle] * 2, [index - 0.28, index + 0.28], color=colour, linewidth=1.8)
        for task, value in enumerate(values):
            axes.plot(value, index, **_marker(task, len(values)))
    axes.xaxis.set_major_formatter(lambda v, _, unit=panel.unit: plain_tick(v, unit))
    axes.locator_params(axis="x", nbins=5)
    axes.tick_params(labelsize=8)
    axes.tick_params(axis="y", length=0)
    axes.grid(False, axis="y")


def _marker(task: int, num_tasks: int) -> dict[str, Any]:
    """The look of a task's point: ink, hollow, a shape of its own where there are few tasks."""
    shape = group_look(task)["marker"] if num_tasks <= _TASKS_WITH_MARKERS else "o"
    return {
        "marker": shape, "markersize": 4.2, "markerfacecolor": "none",
        "markeredgecolor": INK, "markeredgewidth": 0.9, "linestyle": "none",
    }  # fmt: skip


def _key_rows(tasks: Sequence[str], width: str) -> int:
    if len(tasks) > _TASKS_WITH_MARKERS:
        return 0
    return -(-len(tasks) // _key_columns(tasks, width))


def _key_columns(tasks: Sequence[str], width: str) -> int:
    longest = max(map(len, tasks))
    return max(1, min(len(tasks), _KEY_LETTERS[width] // (longest + 5)))


def _key(figure: Figure, axes: Axes, tasks: Sequence[str], width: str) -> None:
    """The tasks' names with their markers, above the title of the first panel of a row."""
    if not _key_rows(tasks, width):
        return
    wide, high = figure.get_size_inches()
    box = axes.get_position()
    handles = [Line2D([], [], **_marker(task, len(tasks))) for task in range(len(tasks))]
    figure.legend(
        handles, tasks, loc="lower left",
        bbox_to_anchor=(0.08 / wide, box.y1 + 0.36 / high), ncols=_key_columns(tasks, width),
        frameon=False, fontsize=8 if width == "wide" else 7.5, handlelength=0.9,
        handletextpad=0.3, columnspacing=1.2, borderpad=0, borderaxespad=0, labelspacing=0.25,
    )  # fmt: skip
