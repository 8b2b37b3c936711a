"""Figures of a study: a row of panels per scenario, the methods' looks the same in all of them."""

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from evenhand.experiments.figures.labels import fit_titles
from evenhand.experiments.figures.looks import looks
from evenhand.experiments.figures.panels import plain_tick, thousands
from evenhand.experiments.figures.study_parts import DASHED, FLOOR, Floor, Line, Panel, Panels
from evenhand.experiments.figures.style import (
    MUTED,
    margins,
    new_figure,
    styled,
)
from evenhand.experiments.wording import method_title

__all__ = ["Floor", "Line", "Panel", "Panels", "above", "looks", "study_figure"]

_KEY_COLUMNS = {"wide": 4, "narrow": 2}
_KEY_LETTERS = {"wide": 120, "narrow": 58}
_HIGH = {"wide": 1.35, "narrow": 1.3}


def study_figure(made: Panels, width: str = "wide") -> Figure:
    """The drawn figure."""
    with styled():
        used = _used(made)
        columns = min(made.columns, 4 if width == "wide" else 2)
        in_key = _key_columns(used, width)
        key_rows = -(-(len(used) + len(_floors(made))) // in_key)
        figure, axes = _grid(len(made.panels), columns, width, key_rows)
        before, titles = "", []
        for panel, place in zip(made.panels, axes, strict=True):
            titles.append(_draw(place, panel, made, 8.5 if width == "wide" else 7.5))
            if panel.above != before:
                above(place, panel.above)
            before = panel.above
        fit_titles(titles)
        figure.supxlabel(made.along, size=9, color=MUTED, y=0.01, va="bottom")
        _key(figure, made, used, width, in_key)
    return figure


def _used(made: Panels) -> list[str]:
    drawn = {line.method for panel in made.panels for line in panel.lines}
    return [method for method in made.methods if method in drawn]


def _floors(made: Panels) -> list[str]:
    return list(dict.fromkeys(panel.floor.title for panel in made.panels if panel.floor))


def _key_columns(used: list[str], width: str) -> int:
    """Columns of the key: fewer where names are long. A handle takes the room of eight letters."""
    longest = max((len(method_title(method)) for method in used), default=0)
    return max(1, min(_KEY_COLUMNS[width], _KEY_LETTERS[width] // (longest + 8)))


def _grid(count: int, columns: int, width: str, key: int) -> tuple[Figure, list[Axes]]:
    rows = -(-count // columns)
    left, bottom, top, between = 0.5, 0.5, 0.45 + 0.18 * key, 0.72
    height = rows * _HIGH[width] + (rows - 1) * between + bottom + top
    figure = new_figure(width, height)
    places = figure.subplots(rows, columns, squeeze=False).ravel()
    inner = (figure.get_size_inches()[0] - left - 0.2) / columns
    margins(
        figure, left, 0.2, bottom, top, hspace=between / _HIGH[width], wspace=0.5 / (inner - 0.4)
    )
    for spare in places[count:]:
        spare.remove()
    return figure, list(places[:count])


def _draw(axes: Axes, panel: Panel, made: Panels, size: float) -> Text:
    """Draw a panel; its title comes back, whose size depends on its neighbours."""
    style = looks(made.methods)
    for number, line in enumerate(panel.lines):
        look = style[line.method]
        if line.level:
            axes.axhline(line.band[0][0], color=look["color"], linewidth=1.1, linestyle=":")
            continue
        if made.banded and look["alpha"] == 1 and np.isfinite(line.band[1:]).any():
            axes.fill_between(
                line.steps, line.band[1], line.band[2], color=look["color"], alpha=0.14, linewidth=0
            )
        every = max(len(line.steps) // 3, 1)
        dashes = DASHED if line.dashed else look["linestyle"]
        axes.plot(
            line.steps, line.band[0], color=look["color"], linestyle=dashes, linewidth=1.3,
            alpha=look["alpha"], marker=look["marker"], markersize=3.2,
            markevery=(number % every, every),
        )  # fmt: skip
    _draw_floor(axes, panel.floor)
    title = axes.set_title(panel.title, size=size, pad=3)
    axes.yaxis.set_major_formatter(_ticks(panel.unit))
    axes.xaxis.set_major_formatter(thousands)
    axes.locator_params(nbins=4)
    # A page holds a hundred panels: grid lines one way are enough, and ticks need no marks.
    axes.tick_params(labelsize=8, length=0)
    axes.grid(False, axis="x")
    _limits(axes, panel)
    return title


def _draw_floor(axes: Axes, floor: Floor | None) -> None:
    if floor is None:
        return
    if len(floor.values) == 1:
        axes.axhline(floor.values[0], **FLOOR)
    else:
        axes.plot(floor.steps, floor.values, **FLOOR)


def above(axes: Axes, words: str, right: bool = False) -> None:
    """Write to which scenario this and the next panels belong; `right` ends it with the panel."""
    axes.annotate(
        words, (float(right), 1), xytext=(0, 15), xycoords="axes fraction", size=8, color=MUTED,
        textcoords="offset points", ha="right" if right else "left",
    )  # fmt: skip


def _ticks(unit: str) -> Callable[[float, float], str]:
    if unit == "share":
        return lambda value, _: plain_tick(value, unit)
    return thousands if unit == "count" else lambda value, _: plain_tick(value, unit)


def _limits(axes: Axes, panel: Panel) -> None:
    """Show the last three quarters of every line whole: a wild start must not flatten the rest."""
    shown = [
        line.band[:, 0 if panel.whole else len(line.steps) // 4 :].ravel() for line in panel.lines
    ]
    floor = panel.floor.values if panel.floor else np.zeros(0)
    values = np.concatenate([np.zeros(int(panel.from_zero)), floor, *shown])
    values = values[np.isfinite(values)]
    if not values.size:
        return
    low, high = float(values.min()), float(values.max())
    room = 0.06 * (high - low) or 0.05 * max(abs(high), 1e-3)
    axes.set_ylim(low if panel.from_zero else low - room, high + room)
    ends = [line.steps[-1] for line in panel.lines if not line.level]
    if ends:
        axes.set_xlim(0, float(max(ends)))


def _key(figure: Figure, made: Panels, used: list[str], width: str, columns: int) -> None:
    style = looks(made.methods)
    levels = {line.method for panel in made.panels for line in panel.lines if line.level}
    handles = [
        Line2D([], [], color=style[m]["color"], linestyle=":", linewidth=1.1)
        if m in levels
        else Line2D([], [], **style[m], markersize=4, linewidth=1.3)
        for m in used
    ]
    names = [method_title(method) for method in used]
    for title in _floors(made):
        handles.append(Line2D([], [], **FLOOR))
        names.append(title)
    figure.legend(
        handles, names, loc="upper left",
        bbox_to_anchor=(0.0, 1 - 0.02 / figure.get_size_inches()[1]), ncols=columns,
        frameon=False, fontsize=8 if width == "wide" else 7.5, handlelength=2.2,
        columnspacing=1.2, borderpad=0, borderaxespad=0.2,
    )  # fmt: skip
