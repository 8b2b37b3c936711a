"""What a method costs beside what it avoids: one measure of every method against another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from evenhand.experiments.figures.labels import fit_titles, place
from evenhand.experiments.figures.looks import looks
from evenhand.experiments.figures.panels import plain_tick
from evenhand.experiments.figures.style import MUTED, margins, new_figure, styled
from evenhand.experiments.statistics import Interval
from evenhand.experiments.variants import Curve, curves
from evenhand.experiments.wording import method_title

_COLUMNS = {"wide": 2, "narrow": 1}
_HIGH = 2.1
# Beside the intervals, which run along the axes.
_ASIDE = ((1, 1), (-1, 1), (1, -1), (-1, -1))


@dataclass(frozen=True)
class TradeOffPanel:
    """Two measures of every method in one scenario, with their intervals."""

    title: str
    x: dict[str, Interval]
    y: dict[str, Interval]


def trade_off(
    panels: Sequence[TradeOffPanel],
    titles: tuple[str, str],
    units: tuple[str, str],
    methods: Sequence[str],
    width: str = "wide",
) -> Figure:
    """A point with its two 95% intervals per method, a panel per scenario.

    Variants that differ in one number are joined in its order, and the number stands beside them.
    """
    with styled():
        look = looks(methods)
        methods = [m for m in methods if any(m in panel.x for panel in panels)]
        columns = min(_COLUMNS[width], len(panels))
        swept = [curve for curve in curves(methods) if len(curve.variants) > 2]
        inner = {variant for curve in swept for variant in curve.variants[1:]}
        named = [method for method in methods if method not in inner]
        in_key = 3 if width == "wide" else 1
        key, rows = 0.17 * -(-len(named) // in_key), -(-len(panels) // columns)
        figure = new_figure(width, key + 0.35 + rows * (_HIGH + 0.5) + 0.15)
        places = figure.subplots(rows, columns, squeeze=False).ravel()
        margins(figure, 0.62, 0.15, 0.45, key + 0.4, hspace=0.5 / _HIGH, wspace=0.2)
        for spare in places[len(panels) :]:
            spare.remove()
        drawn = []
        for panel, axes in zip(panels, places, strict=False):
            _draw(axes, panel, look, swept)
            drawn.append(axes.set_title(panel.title, size=8, pad=4))
            axes.xaxis.set_major_formatter(lambda v, _: plain_tick(v, units[0]))
            axes.yaxis.set_major_formatter(lambda v, _: plain_tick(v, units[1]))
            axes.locator_params(nbins=5)
            axes.tick_params(labelsize=8)
        fit_titles(drawn)
        figure.supxlabel(titles[0], size=8.5, color=MUTED, y=0.01, va="bottom")
        figure.supylabel(titles[1], size=8.5, color=MUTED, x=0.005, ha="left")
        _key(figure, look, named, swept, in_key)
    return figure


def _draw(
    axes: Axes, panel: TradeOffPanel, look: dict[str, dict[str, Any]], swept: Sequence[Curve]
) -> None:
    points, joined = [], {variant for curve in swept for variant in curve.variants}
    for curve in swept:
        at = [(panel.x[m].estimate, panel.y[m].estimate) for m in curve.variants if m in panel.x]
        axes.plot(*np.array(at).T, color=look[curve.variants[0]]["color"], linewidth=0.9, zorder=1)
    for method in panel.x:
        x, y, colour = panel.x[method], panel.y[method], look[method]["color"]
        faint = {"color": colour, "linewidth": 1.1, "alpha": 0.55}
        axes.plot([x.low, x.high], [y.estimate] * 2, **faint)
        axes.plot([x.estimate] * 2, [y.low, y.high], **faint)
        shade = 1.0 if method in joined else look[method]["alpha"]
        marker = look[method]["marker"]
        axes.plot(x.estimate, y.estimate, marker, color=colour, markersize=5, alpha=shade)
        points.append((x.estimate, y.estimate))
    axes.margins(0.07, 0.1)
    axes.autoscale_view()  # else labels are placed by the limits of an empty panel
    words = [
        (panel.x[m].estimate, panel.y[m].estimate, f"{value:g}", look[m]["color"])
        for curve in swept
        for m, value in zip(curve.variants, curve.values, strict=True)
        if m in panel.x
    ]
    place(axes, words, np.array(points), directions=_ASIDE, size=7)


def _key(
    figure: Figure,
    look: dict[str, dict[str, Any]],
    named: Sequence[str],
    swept: Sequence[Curve],
    ncols: int,
) -> None:
    fields = {curve.variants[0]: curve for curve in swept}
    handles, words = [], []
    for method in named:
        style, curve = look[method], fields.get(method)
        handle = Line2D([], [], color=style["color"], marker=style["marker"], markersize=4.5)
        handle.set(linestyle="-" if curve else "none", linewidth=0.9)
        handle.set_alpha(1.0 if curve else style["alpha"])
        handles.append(handle)
        title = method_title(method)
        words.append(title.replace(f" {curve.values[0]:g})", " as written)") if curve else title)
    figure.legend(
        handles, words, loc="upper left", bbox_to_anchor=(0.005, 1), ncols=ncols, frameon=False,
        fontsize=7.5, handlelength=1.8, columnspacing=1.2, borderpad=0.2, labelspacing=0.3,
    )  # fmt: skip
