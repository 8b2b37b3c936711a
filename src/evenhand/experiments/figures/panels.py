"""Small multiples: one panel per method, one line per group, the same axes everywhere."""

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from evenhand.experiments.estimates import Estimates
from evenhand.experiments.figures.group_name import in_key, key_columns
from evenhand.experiments.figures.looks import ends_of_sweeps, short_title
from evenhand.experiments.figures.style import group_look, margins, new_figure
from evenhand.experiments.wording import MINUS


def grid(
    count: int, width: str, panel_height: float, key_rows: int = 1
) -> tuple[Figure, list[Axes]]:
    """A figure with `count` panels that share their axes, three or two in a row."""
    left, bottom, top = 0.5, 0.5, 0.34 + 0.18 * key_rows
    columns = min(count, 3 if width == "wide" else 2)
    rows = -(-count // columns)
    height = rows * panel_height + (rows - 1) * 0.32 + bottom + top
    figure = new_figure(width, height)
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    inner = figure.get_size_inches()[0] / columns
    margins(figure, left, 0.14, bottom, top, hspace=0.32 / panel_height, wspace=0.16 * 2 / inner)
    for spare in panels[count:]:
        spare.remove()
    for above in panels[max(count - columns, 0) : count]:
        above.tick_params(labelbottom=True)
    return figure, list(panels[:count])


def key_rows(groups: tuple[str, ...], width: str) -> int:
    """Rows that the groups' names take at the top."""
    return -(-len(groups) // key_columns(groups, width))


def key(figure: Figure, groups: tuple[str, ...], width: str) -> None:
    """The groups' names with their look, at the top."""
    looks = [group_look(index) for index in range(len(groups))]
    handles = [Line2D([], [], markersize=5, **look) for look in looks]
    high = figure.get_size_inches()[1]
    figure.legend(
        handles,
        in_key(groups, width),
        loc="upper left",
        bbox_to_anchor=(0.01, 1 - 0.02 / high),
        ncols=key_columns(groups, width),
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
    tick: Callable[[float, float], str],
    top: float | None = None,
) -> Figure:
    """A quantity of each group inside the episode, per method, with 95% bands over seeds."""
    run = estimates.run
    methods = methods_with(estimates, metric)
    rows = key_rows(run.groups, width)
    figure, panels = grid(len(methods), width, 1.25 if width == "wide" else 1.15, rows)
    for panel, method in zip(panels, methods, strict=True):
        set_title(panel, short_title(method), pad=4)
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
    key(figure, run.groups, width)
    return figure


def set_title(panel: Axes, words: str, pad: float | int) -> None:
    """Write above a panel; what is too long for it gets smaller letters."""
    figure = panel.get_figure(root=True)
    wide = panel.get_position().width * (figure.get_size_inches()[0] if figure else 1)
    # A bold letter is about seven tenths of its height wide.
    panel.set_title(words, pad=pad, size=min(9.0, 72 * 1.1 * wide / (0.7 * max(len(words), 1))))


def methods_with(estimates: Estimates, metric: str) -> list[str]:
    """The methods with a series of this metric for some group; of a sweep its ends."""
    run = estimates.run
    return [
        method
        for method in ends_of_sweeps(run.methods)
        if any(estimates.series(method, metric, group) is not None for group in run.groups)
    ]


def thousands(value: float | int, _: float | int = 0) -> str:
    """5000 as "5k"."""
    return f"{value / 1000:g}k" if abs(value) >= 1000 else f"{value:g}"


def plain_tick(value: float | int, unit: str) -> str:
    """A tick's number without needless zeros; a share in percent."""
    text = f"{round(100 * value, 6):g}%" if unit == "share" else f"{round(value, 6):,.6g}"
    return text.replace("-", MINUS)


def _line(panel: Axes, steps: np.ndarray, band: np.ndarray, index: int) -> None:
    look = group_look(index)
    panel.fill_between(steps, band[1], band[2], color=look["color"], alpha=0.2, linewidth=0)
    # Markers at a few places, shifted per group so that equal lines both show.
    every = max(len(steps) // 4, 1)
    panel.plot(steps, band[0], **look, markersize=4, markevery=(every // 2 + index * 3, every))
