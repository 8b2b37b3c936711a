"""The exact lines of a frontier figure: drawn, named, and with the price of parity."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Text

from evenhand.experiments.estimates import ExactLine
from evenhand.experiments.figures.labels import Label
from evenhand.experiments.figures.style import INK, MUTED, SHADE
from evenhand.experiments.wording import figure_of

LINE_NAMES = {"time": "best achievable\nby any policy", "visit": "best that ignores the date"}


def draw_lines(axes: Axes, lines: list[ExactLine]) -> None:
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


def along(axes: Axes, line: ExactLine) -> list[list[float]]:
    """Points on the exact line and on the drop at its left end, for labels to stay clear of."""
    at = np.linspace(line.disparity[0], axes.get_xlim()[1], 150)
    drop = np.linspace(line.profit[0], line.profit[-1], 40)
    points = [[x, y] for x, y in zip(at, line.at(at), strict=True)]
    return points + [[line.disparity[0], y] for y in drop]


def line_labels(axes: Axes, lines: list[ExactLine]) -> list[Label]:
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


def draw_price(axes: Axes, line: ExactLine) -> list[Text]:
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
    price = figure_of(line.price_of_parity)
    if line.price_of_parity <= abs(best):
        price += f" ({figure_of(line.price_of_parity / abs(best), 'share')})"
    words = "price of parity\n" if line.disparity[0] < 1e-6 else "price of least disparity\n"
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
