"""The methods in the picture of the frontier: points, and lines through the variants of one."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from evenhand.experiments.estimates import Distance, Estimates
from evenhand.experiments.figures.labels import Label
from evenhand.experiments.figures.looks import looks
from evenhand.experiments.figures.style import PAPER
from evenhand.experiments.variants import Curve, base_method, curves, variant_settings
from evenhand.experiments.wording import figure_of, method_title

Distances = dict[str, Distance]


def drawn_curves(distances: Distances) -> list[Curve]:
    """The lines through the variants that have a place in the picture."""
    return curves(tuple(distances))


def key_rows(distances: Distances, width: str) -> int:
    """Rows of the key, which names the lines."""
    return -(-len(drawn_curves(distances)) // _columns(width))


def key(figure: Figure, estimates: Estimates, distances: Distances, width: str) -> None:
    """Each line's method, the field that changes along it and the values at its ends."""
    style, made = looks(estimates.run.methods), drawn_curves(distances)
    if not made:
        return
    handles, names = [], []
    for curve in made:
        look = style[curve.variants[-1]]
        drawn = {name: look[name] for name in ("color", "marker", "linestyle")}
        handles.append(Line2D([], [], **drawn, markersize=4.5))
        names.append(_name(curve))
    figure.legend(
        handles, names, loc="upper left", ncols=_columns(width), frameon=False,
        bbox_to_anchor=(0.01, 1 - 0.02 / figure.get_size_inches()[1]), handlelength=2.2,
        fontsize=8.5 if width == "wide" else 8, columnspacing=1.6, borderpad=0, borderaxespad=0.2,
        labelcolor=[handle.get_color() for handle in handles],
    )  # fmt: skip


def _columns(width: str) -> int:
    return 2 if width == "wide" else 1


def draw_methods(
    axes: Axes, estimates: Estimates, criterion: str, distances: Distances
) -> Iterator[Label]:
    """Yield one label per drawn method; small dots are seeds, bars are 95% intervals.

    Variants of one method are joined by a line, and only the first and the last of them inside
    the picture have labels: their values.
    """
    style, low = looks(estimates.run.methods), axes.get_ylim()[0]
    made = drawn_curves(distances)
    on_line = {variant: curve for curve in made for variant in curve.variants}
    seen = [[v for v in c.variants if distances[v].profit.estimate >= low] for c in made]
    ends = {variant for shown in seen if shown for variant in (shown[0], shown[-1])}
    for curve in made:
        points = np.array([_at(distances[variant]) for variant in curve.variants])
        look = style[curve.variants[-1]]
        drawn = {name: look[name] for name in ("color", "linestyle")}
        axes.plot(*points.T, **drawn, linewidth=1.5, zorder=4.5)
    for method in sorted(distances, key=lambda name: name in on_line):
        found = distances[method]
        if found.profit.estimate < low:
            continue
        colour, curve = style[method]["color"], on_line.get(method)
        _draw_point(axes, found, colour, style[method]["marker"], small=curve is not None)
        seeds = (estimates.values(method, f"criterion:{criterion}"),
                 estimates.values(method, "return"))  # fmt: skip
        axes.scatter(*seeds, s=4 if curve else 7, color=colour, alpha=0.4, linewidths=0, zorder=4)
        if curve is None:
            yield *_at(found), method_title(method), colour
        elif method in ends:
            yield *_at(found), _value(curve, method), colour


def _name(curve: Curve) -> str:
    """The method, what its variants have in common, and what changes along the line."""
    ends = " to ".join(_value(curve, curve.variants[end]) for end in (0, -1))
    settings = variant_settings(curve.variants[0]).items()
    same = [f"{name} {text}, ".replace("_", " ") for name, text in settings if name != curve.field]
    field = curve.field.replace("_", " ")
    return f"{method_title(curve.method)}: {''.join(same)}{field} {ends}"


def _value(curve: Curve, variant: str) -> str:
    return variant_settings(variant)[curve.field]


def _at(found: Distance) -> tuple[float, float]:
    return found.disparity.estimate, found.profit.estimate


def _draw_point(axes: Axes, found: Distance, colour: str, marker: str, small: bool) -> None:
    x, y = found.disparity, found.profit
    for ends, coordinates in (
        (x, ([x.low, x.high], [y.estimate] * 2)),
        (y, ([x.estimate] * 2, [y.low, y.high])),
    ):
        if ends.bounded:
            axes.plot(*coordinates, color=colour, linewidth=0.9 if small else 1.3, zorder=5)
    axes.plot(
        x.estimate, y.estimate, marker, color=colour, markersize=5.5 if small else 7.5,
        markeredgecolor=PAPER, markeredgewidth=0.8, zorder=6,
    )  # fmt: skip


def marks(distances: Distances) -> list[list[float]]:
    """Points on markers, interval bars and lines, for labels to stay clear of."""
    points = [point for found in distances.values() for point in _bars(found)]
    for curve in drawn_curves(distances):
        ends = [_at(distances[variant]) for variant in curve.variants]
        for (x0, y0), (x1, y1) in pairwise(ends):
            points += [[x0 + t * (x1 - x0), y0 + t * (y1 - y0)] for t in np.linspace(0, 1, 9)]
    return points


def _bars(found: Distance) -> Iterable[list[float]]:
    x, y = found.disparity, found.profit
    points = [[x.estimate, y.estimate]]
    if x.bounded:
        points += [[at, y.estimate] for at in np.linspace(x.low, x.high, 9)]
        points += [[x.estimate, at] for at in np.linspace(y.low, y.high, 9)]
    return points


def off_scale(axes: Axes, estimates: Estimates, distances: Distances) -> list[Text]:
    """The texts at the lower edge for methods below the picture, one for all variants of one."""
    style, low = looks(estimates.run.methods), axes.get_ylim()[0]
    below: dict[str, list[str]] = {}
    for method, found in distances.items():
        if found.profit.estimate < low:
            below.setdefault(base_method(method), []).append(method)
    left, right = axes.get_xlim()
    written: list[Text] = []
    for row, methods in enumerate(below.values()):
        x = distances[methods[0]].disparity.estimate
        text = axes.annotate(
            _below(methods, distances), (min(max(x, left), right), low), xytext=(0, 4 + 12 * row),
            textcoords="offset points", ha="right" if x > (left + right) / 2 else "left",
            va="bottom", color=style[methods[0]]["color"], weight="bold",
        )  # fmt: skip
        written.append(text)
    return written


def _below(methods: Sequence[str], distances: Distances) -> str:
    profits = sorted(distances[method].profit.estimate for method in methods)
    if len(methods) == 1:
        return f"{method_title(methods[0])} {figure_of(profits[0])} ↓"
    span = f"{figure_of(profits[0])} to {figure_of(profits[-1])}"
    return f"{method_title(base_method(methods[0]))} {span} ↓"
