"""The picture of the project: what each method earns, how unequal it is, and what is possible."""

from collections.abc import Iterable

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from evenhand.experiments.estimates import Distance, Estimates, ExactLine
from evenhand.experiments.figures.labels import place
from evenhand.experiments.figures.style import (
    INK,
    MUTED,
    PAPER,
    SHADE,
    margins,
    method_look,
    new_figure,
    styled,
)
from evenhand.experiments.wording import MINUS, criterion_words, figure_of, method_title

LINE_NAMES = {"time": "best achievable\nby any policy", "visit": "best that ignores the date"}


def frontier(estimates: Estimates, criterion: str, width: str = "wide") -> Figure:
    """Profit against disparity: the exact line, every method, and reference policies."""
    with styled():
        figure = new_figure(width, 4.3 if width == "wide" else 4.4)
        axes = figure.add_subplot()
        margins(figure, 0.62, 0.15, 0.55, 0.32)
        distances = {m: estimates.distance(m, criterion) for m in estimates.run.methods}
        distances = {m: d for m, d in distances.items() if np.isfinite(d.profit.estimate)}
        distances = {m: d for m, d in distances.items() if np.isfinite(d.disparity.estimate)}
        references = _references(estimates, criterion)
        lines = estimates.lines(criterion)
        shown = _limits(axes, lines, distances, references)
        _exact_lines(axes, lines)
        labels = [*_draw_methods(axes, estimates, criterion, distances, shown)]
        labels += _draw_references(axes, references, set(distances))
        reserved = _finish(axes, criterion, lines[0], width)
        obstacles = np.array([*_along(axes, lines[0]), *_bars(distances.values())])
        names = _line_labels(axes, lines)
        reserved += place(axes, names[:1], obstacles, reserved, ((-1, 1), (-1, 0), (0, 1)))
        reserved += place(axes, names[1:], obstacles, reserved, ((1, -1), (1, 0), (0, -1)))
        place(axes, labels, obstacles, reserved)
        _off_scale(axes, estimates, distances, shown)
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
) -> tuple[float, float]:
    """Set the axes' ranges and return the lowest and the greatest shown profit.

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
    return low - 0.16 * room, top + 0.24 * room


def _exact_lines(axes: Axes, lines: list[ExactLine]) -> None:
    """The exact lines, continued level to the right of the best policy, and the impossible side."""
    right, top = axes.get_xlim()[1], axes.get_ylim()[1]
    for line in reversed(lines):
        main = line is lines[0]
        x = np.append(line.disparity, right)
        y = np.append(line.profit, line.profit[-1])
        if main:
            x_all = np.concatenate([[axes.get_xlim()[0], x[0]], x])
            y_all = np.concatenate([[axes.get_ylim()[0]] * 2, y])
            axes.fill_between(x_all, y_all, top, color=SHADE, linewidth=0, zorder=0)
        axes.plot(
            x,
            y,
            color=INK if main else MUTED,
            linewidth=2 if main else 1.1,
            linestyle="-" if main else (0, (4, 2)),
            zorder=3 if main else 2,
        )


def _draw_methods(
    axes: Axes,
    estimates: Estimates,
    criterion: str,
    distances: dict[str, Distance],
    shown: tuple[float, float],
):
    """Yield one label per drawn method; small dots are seeds, bars are 95% intervals."""
    for index, method in enumerate(estimates.run.methods):
        if method not in distances or distances[method].profit.estimate < shown[0]:
            continue
        x, y = distances[method].disparity, distances[method].profit
        colour, marker = method_look(index)
        axes.scatter(
            estimates.values(method, f"criterion:{criterion}"),
            estimates.values(method, "return"),
            s=7,
            color=colour,
            alpha=0.4,
            linewidths=0,
            zorder=4,
        )
        for ends, coordinates in (
            (x, ([x.low, x.high], [y.estimate] * 2)),
            (y, ([x.estimate] * 2, [y.low, y.high])),
        ):
            if ends.bounded:
                axes.plot(*coordinates, color=colour, linewidth=1.3, zorder=5)
        axes.plot(
            x.estimate,
            y.estimate,
            marker,
            color=colour,
            markersize=7.5,
            markeredgecolor=PAPER,
            markeredgewidth=0.8,
            zorder=6,
        )
        yield x.estimate, y.estimate, method_title(method), colour


def _draw_references(axes: Axes, references: list, methods: set[str]) -> list:
    """Small open diamonds; only the two exact policies with a story get a name."""
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    labels = []
    for name, x, y in references:
        if not (left <= x <= right and low <= y <= high):
            continue
        axes.plot(x, y, "D", color=PAPER, markeredgecolor=MUTED, markersize=4, zorder=3.5)
        if name.startswith("exact"):
            labels.append((x, y, name, MUTED))
    return labels


def _along(axes: Axes, line: ExactLine) -> list[list[float]]:
    """Points on the exact line, for labels to stay clear of."""
    at = np.linspace(line.disparity[0], axes.get_xlim()[1], 150)
    return [[x, y] for x, y in zip(at, line.at(at), strict=True)]


def _bars(distances: Iterable[Distance]) -> list[list[float]]:
    """Points on the markers and interval bars, for labels to stay clear of."""
    points = []
    for d in distances:
        x, y = d.disparity, d.profit
        points.append([x.estimate, y.estimate])
        if x.bounded:
            points += [[at, y.estimate] for at in np.linspace(x.low, x.high, 9)]
            points += [[x.estimate, at] for at in np.linspace(y.low, y.high, 9)]
    return points


def _line_labels(axes: Axes, lines: list[ExactLine]) -> list[tuple[float, float, str, str]]:
    """A name for each exact line; one line where the two cannot be told apart."""
    low, high = axes.get_ylim()
    labels = []
    for index, line in enumerate(lines):
        apart = np.abs(line.at(lines[0].disparity) - lines[0].profit)
        if index and not np.nanmax(apart) > 0.02 * (high - low):
            continue
        # Half way up (a third for a second line), so that it stays inside the picture.
        height = low + (0.5 - 0.2 * index) * (line.profit[-1] - low)
        height = max(height, 0.6 * line.profit[0] + 0.4 * line.profit[-1] - 0.1 * index)
        x = float(np.interp(height, line.profit, line.disparity))
        colour = MUTED if index else INK
        labels.append((x, float(line.at(x)), LINE_NAMES[line.policy_class], colour))
    return labels


def _tick(value: float, unit: str) -> str:
    text = f"{round(100 * value, 6):g}%" if unit == "share" else f"{round(value, 6):,.6g}"
    return text.replace("-", MINUS)


def _finish(axes: Axes, criterion: str, line: ExactLine, width: str) -> list[Text]:
    """Axis words, the name of the impossible side and the price of parity; the texts inside."""
    words = criterion_words(criterion)
    axes.set_xlabel(f"{words.axis} (0 = alike)" if width == "wide" else words.title.lower())
    axes.set_title("return per episode", weight="normal", color=MUTED, x=0, pad=8)
    axes.xaxis.set_major_formatter(lambda v, _: _tick(v, words.unit))
    axes.yaxis.set_major_formatter(lambda v, _: _tick(v, ""))
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
    return [corner, *_price(axes, line)]


def _price(axes: Axes, line: ExactLine) -> list[Text]:
    """What the least disparity costs, as a measured drop at the left end of the line."""
    if not line.price_of_parity > 1e-9 * abs(line.profit[-1]):
        return []
    x, best = line.disparity[0], line.profit[-1]
    axes.plot([x, line.disparity[-1]], [best, best], color=MUTED, linewidth=0.7, linestyle=":")
    axes.annotate(
        "",
        (x, max(line.profit[0], axes.get_ylim()[0])),
        (x, best),
        arrowprops={"arrowstyle": "<->", "color": MUTED, "lw": 0.8, "shrinkA": 0, "shrinkB": 0},
    )
    share = line.price_of_parity / abs(best) if best else np.nan
    price = f"{figure_of(line.price_of_parity)} ({figure_of(share, 'share')})"
    words = "price of parity\n" if line.disparity[0] < 1e-6 else "price of the least\n"
    note = axes.annotate(
        words + price,
        (x, best),
        xytext=(2, 5),
        textcoords="offset points",
        va="bottom",
        ha="left",
        color=MUTED,
        linespacing=1.25,
    )
    return [note]


def _off_scale(axes: Axes, estimates: Estimates, distances: dict[str, Distance], shown) -> None:
    """An arrow at the lower edge for each method that is below the picture."""
    low, below = axes.get_ylim()[0], 0
    for index, method in enumerate(estimates.run.methods):
        if method not in distances or distances[method].profit.estimate >= shown[0]:
            continue
        colour, _ = method_look(index)
        x, below = distances[method].disparity.estimate, below + 1
        left, right = axes.get_xlim()
        axes.annotate(
            f"{method_title(method)} {figure_of(distances[method].profit.estimate)} ↓",
            (min(max(x, left), right), low),
            xytext=(0, 4 + 12 * (below - 1)),
            textcoords="offset points",
            ha="right" if x > (left + right) / 2 else "left",
            va="bottom",
            color=colour,
            weight="bold",
        )
