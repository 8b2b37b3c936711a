"""Small multiples: one panel per method, one line per group, the same axes everywhere."""

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from evenhand.experiments.estimates import Estimates
from evenhand.experiments.figures.style import group_look, margins, new_figure
from evenhand.experiments.wording import method_title


def grid(
    count: int, width: str, panel_height: float, left: float = 0.5, bottom: float = 0.5
) -> tuple[Figure, list[Axes]]:
    """A figure with `count` panels that share their axes, three or two in a row."""
    columns = min(count, 3 if width == "wide" else 2)
    rows = -(-count // columns)
    height = rows * panel_height + (rows - 1) * 0.32 + bottom + 0.52
    figure = new_figure(width, height)
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    inner = figure.get_size_inches()[0] / columns
    margins(figure, left, 0.14, bottom, 0.52, hspace=0.32 / panel_height, wspace=0.16 * 2 / inner)
    for spare in panels[count:]:
        spare.remove()
    for above in panels[max(count - columns, 0) : count]:
        above.tick_params(labelbottom=True)
    return figure, list(panels[:count])


def key(figure: Figure, groups: tuple[str, ...], lines: bool = True) -> None:
    """The groups' names with their look, in one row at the top."""
    looks = [group_look(index) for index in range(len(groups))]
    handles = [
        Line2D([], [], **(look if lines else look | {"linestyle": "none"}), markersize=5)
        for look in looks
    ]
    high = figure.get_size_inches()[1]
    figure.legend(
        handles,
        groups,
        loc="upper left",
        bbox_to_anchor=(0.01, 1 - 0.02 / high),
        ncols=len(groups) if len(groups) < 4 or figure.get_size_inches()[0] > 5 else 3,
        frameon=False,
        labelcolor=[look["color"] for look in looks],
        handlelength=2.4,
        columnspacing=1.6,
        borderpad=0,
        borderaxespad=0.2,
    )


def over_time(
    estimates: Estimates,
    metric: str,
    width: str,
    tick: Callable[[float, int], str],
    top: float | None = None,
) -> Figure:
    """A quantity of each group inside the episode, per method, with 95% bands over seeds."""
    run = estimates.run
    methods = methods_with(estimates, metric)
    figure, panels = grid(len(methods), width, 1.25 if width == "wide" else 1.15)
    for panel, method in zip(panels, methods, strict=True):
        panel.set_title(method_title(method), pad=4)
        for index, group in enumerate(run.groups):
            found = estimates.series(method, metric, group)
            if found is not None:
                _line(panel, *found, index)
        panel.set_xlim(0, None)
        panel.locator_params(nbins=4)
        panel.yaxis.set_major_formatter(tick)
        panel.xaxis.set_major_formatter(thousands)
    # The panels share their axes, so the last word is said once for all of them.
    panels[0].set_ylim(0, top or 1.04 * max(panel.dataLim.y1 for panel in panels))
    figure.supxlabel("decisions", size=9, color=panels[0].xaxis.label.get_color(), y=0.02)
    key(figure, run.groups)
    return figure


def methods_with(estimates: Estimates, metric: str) -> list[str]:
    """The methods that have a series of this metric for some group."""
    run = estimates.run
    return [
        method
        for method in run.methods
        if any(estimates.series(method, metric, group) is not None for group in run.groups)
    ]


def thousands(value: float, _: int = 0) -> str:
    """5000 as "5k"."""
    return f"{value / 1000:g}k" if abs(value) >= 1000 else f"{value:g}"


def _line(panel: Axes, steps: np.ndarray, band: np.ndarray, index: int) -> None:
    look = group_look(index)
    panel.fill_between(steps, band[1], band[2], color=look["color"], alpha=0.2, linewidth=0)
    # Markers at a few places, shifted per group so that equal lines both show.
    every = max(len(steps) // 4, 1)
    panel.plot(steps, band[0], **look, markersize=4, markevery=(every // 2 + index * 3, every))
