"""The picture of the project: what each method earns, how unequal it is, and what is possible."""

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from evenhand.experiments.estimates import Distance, Estimates, ExactLine
from evenhand.experiments.figures.exact_lines import along, draw_lines, draw_price, line_labels
from evenhand.experiments.figures.frontier_methods import (
    draw_methods,
    key,
    key_rows,
    marks,
    off_scale,
)
from evenhand.experiments.figures.labels import Label, place
from evenhand.experiments.figures.panels import plain_tick
from evenhand.experiments.figures.style import (
    MUTED,
    PAPER,
    margins,
    new_figure,
    styled,
)
from evenhand.experiments.wording import criterion_words

UP_LEFT = ((-1, 1), (-1, 0), (0, 1))
DOWN_RIGHT = ((1, -1), (1, 0), (0, -1))


def frontier(estimates: Estimates, criterion: str, width: str = "wide") -> Figure:
    """Profit against disparity: the exact line, every method, and reference policies."""
    with styled():
        found = {method: estimates.distance(method, criterion) for method in estimates.run.methods}
        distances = {method: distance for method, distance in found.items() if distance.known}
        in_key = 0.18 * key_rows(distances, width)
        figure = new_figure(width, (4.3 if width == "wide" else 4.4) + in_key)
        axes = figure.add_subplot()
        margins(figure, 0.62, 0.15, 0.55, 0.32 + in_key)
        references = _references(estimates, criterion)
        lines = estimates.lines(criterion)
        _limits(axes, lines, distances, references)
        draw_lines(axes, lines)
        labels = [*draw_methods(axes, estimates, criterion, distances)]
        labels += _draw_references(axes, references, named=width == "wide")
        reserved = _finish(axes, criterion, lines[0], width)
        reserved += off_scale(axes, estimates, distances)
        obstacles = np.array([*along(axes, lines[0]), *marks(distances)])
        names = line_labels(axes, lines[: 2 if width == "wide" else 1])
        reserved += place(axes, names[:1], obstacles, reserved, UP_LEFT, True)
        reserved += place(axes, names[1:], obstacles, reserved, DOWN_RIGHT, True)
        # A phone has no room for many names; the marks are those of the other figures.
        place(axes, labels, obstacles, reserved, optional=width != "wide" and len(labels) > 8)
        key(figure, estimates, distances, width)
    return figure


def _references(estimates: Estimates, criterion: str) -> list[tuple[str, float, float]]:
    """(name, disparity, profit) of the exact values that are not already a line or a method."""
    frame = estimates.run.reference
    if frame is None:
        return []
    rows = frame.filter(
        (pl.col("criterion") == criterion)
        & pl.col("profit").is_finite()
        & pl.col("disparity").is_finite()
    )
    wanted = rows.select("name", "disparity", "profit").rows()
    return [row for row in wanted if row[0] not in estimates.run.methods]


def _limits(
    axes: Axes, lines: list[ExactLine], distances: dict[str, Distance], references: list
) -> None:
    """Set the axes' ranges.

    A method far below everything else is not allowed to flatten the picture: it gets an arrow.
    """
    line = lines[0]
    low_line, top = float(line.profit[0]), float(line.profit[-1])
    profits = sorted([d.profit.estimate for d in distances.values()] + [low_line], reverse=True)
    low = profits[0]
    for value in profits[1:]:
        if top - value > 3 * max(top - low, 0.12 * abs(top), 1e-9):
            break
        low = value
    # Nor is the far end of the line, where hardly anybody is served.
    low = min(low, max(low_line, top - 3 * max(top - low, 0.12 * abs(top))))
    room = max(top - low, 0.05 * abs(top), 1e-9)
    right = max([float(line.disparity[-1])] + [d.disparity.estimate for d in distances.values()])
    near = [r[1] for r in references if r[2] >= low - 0.1 * room and r[1] <= 1.3 * right]
    right = max([right, *near]) or 1.0
    least = float(line.disparity[0])
    # Far from 0 the picture starts near the least disparity there is.
    left = 0.75 * least if least > 0.4 * right else -0.02 * right
    axes.set_xlim(left, right + 0.12 * (right - left))
    axes.set_ylim(low - 0.16 * room, top + 0.24 * room)


def _draw_references(axes: Axes, references: list, named: bool) -> list[Label]:
    """Small open diamonds; only the two exact policies with a story get a name."""
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    labels: list[Label] = []
    for name, x, y in references:
        if not (left <= x <= right and low <= y <= high):
            continue
        axes.plot(x, y, "D", color=PAPER, markeredgecolor=MUTED, markersize=4, zorder=3.5)
        if named and name.startswith("exact"):
            labels.append((x, y, name, MUTED))
    return labels


def _finish(axes: Axes, criterion: str, line: ExactLine, width: str) -> list[Text]:
    """Axis words, the name of the impossible side and the price of parity; the texts inside."""
    words = criterion_words(criterion)
    axes.set_xlabel(f"{words.axis} (0 = alike)" if width == "wide" else words.title.lower())
    axes.set_title("return per episode", weight="normal", color=MUTED, x=0, pad=8)
    axes.xaxis.set_major_formatter(lambda v, _: plain_tick(v, words.unit))
    axes.yaxis.set_major_formatter(lambda v, _: plain_tick(v, ""))
    axes.locator_params(nbins=5 if width == "narrow" else 7)
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    corner = axes.text(
        right - 0.015 * (right - left),
        high - 0.03 * (high - low),
        "unachievable" if line.best_achievable else "above the exact line",
        ha="right",
        va="top",
        style="italic",
        color=MUTED,
    )
    return [corner, *draw_price(axes, line)]
