"""The pictures of an audit beside the frontier: benefit, distance, and what policies there do."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from evenhand.experiments.audit.facts import Audit
from evenhand.experiments.audit.nearest import Distance
from evenhand.experiments.figures.benefit import benefit
from evenhand.experiments.figures.group_name import shortened
from evenhand.experiments.figures.panels import plain_tick
from evenhand.experiments.figures.style import (
    INK,
    METHOD_COLOURS,
    PAPER,
    SHADE,
    group_look,
    margins,
    new_figure,
    styled,
)
from evenhand.experiments.wording import criterion_words

RICHER, CLOSER = METHOD_COLOURS[1], METHOD_COLOURS[2]
NAMES = ("audited", "most profit, no more disparity", "least disparity, no less profit")


def benefits(audit: Audit, width: str = "wide") -> Figure:
    """Chance of approval against the benefit of an approval; a mark's area is decisions there."""
    shown = audit.population.labels if width == "wide" else ()
    figure = benefit(
        *(audit.benefit, audit.policy.approve, audit.decisions), audit.groups, shown, width
    )
    if width == "narrow":
        figure.axes[0].set_xlabel("benefit of an approval")
    return figure


def distances(audit: Audit, width: str = "wide") -> Figure:
    """A panel per criterion: the exact line, the audited policy, and its two nearest neighbours."""
    found = audit.distances
    columns = min(len(found), 2 if width == "wide" else 1)
    rows = -(-len(found) // columns)
    with styled():
        high, names = 2.0, 1 if width == "wide" else 3
        figure = new_figure(width, high * rows + 0.75 * (rows - 1) + 0.8 + 0.2 * names)
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        margins(figure, 0.58, 0.16, 0.5, 0.3 + 0.2 * names, hspace=0.75 / high, wspace=0.24)
        for spare in panels[len(found) :]:
            spare.remove()
        for panel, one in zip(panels, found, strict=False):
            _distance_panel(panel, one)
        rivals_key(figure, width)
    return figure


def _distance_panel(panel: Axes, found: Distance) -> None:
    words = criterion_words(found.criterion)
    rivals = [(r, c) for r, c in ((found.richer, RICHER), (found.closer, CLOSER)) if r is not None]
    right = 1.12 * max(found.line[-1, 0], found.disparity) or 1.0
    marks = [found.profit, *(r.profit for r, _ in rivals), found.line[-1, 1]]
    room = max(max(marks) - min(marks), 0.04 * abs(max(marks)), 1e-9)
    low, top = min(marks) - 0.55 * room, max(marks) + 0.3 * room
    x, y = np.append(found.line[:, 0], right), np.append(found.line[:, 1], found.line[-1, 1])
    left = _left(found, right)
    panel.set_xlim(left, right)
    panel.set_ylim(low, top)
    fine = np.linspace(left, right, 300)
    edge = np.where(fine < x[0], low, np.interp(fine, x, y))
    panel.fill_between(fine, np.clip(edge, low, top), top, color=SHADE, linewidth=0, zorder=0)
    panel.plot(x, y, color=INK, linewidth=1.9, zorder=3)
    for rival, colour in rivals:
        at = (max(rival.disparity, 0.0), rival.profit)
        arrow = {"arrowstyle": "-|>", "color": colour, "lw": 1.4, "shrinkA": 4, "shrinkB": 4}
        panel.annotate("", at, (found.disparity, found.profit), arrowprops=arrow, zorder=4)
        panel.plot(*at, "o", color=colour, markersize=6, markeredgecolor=PAPER, zorder=5)
    panel.plot(
        *(found.disparity, found.profit, "D"),
        color=METHOD_COLOURS[0],
        markersize=7,
        markeredgecolor=PAPER,
        zorder=6,
    )
    panel.set_title(words.title, pad=4)
    panel.set_xlabel({"levels": "levels", "gain": "gain", "share": ""}.get(words.unit, ""))
    panel.xaxis.set_major_formatter(lambda v, _: plain_tick(v, words.unit))
    panel.yaxis.set_major_formatter(lambda v, _: plain_tick(v, ""))
    panel.locator_params(nbins=4)


def _left(found: Distance, right: float) -> float:
    """Where the axis starts: at 0, or, where all that is possible is far from it, nearer."""
    least = float(found.line[0, 0])
    return least - 0.15 * (right - least) if least > 0.4 * right else -0.02 * right


def rivals_key(figure: Figure, width: str) -> None:
    """The audited policy and the two frontier policies with their look, at the top."""
    looks: Any = (("D", METHOD_COLOURS[0], "-"), ("o", RICHER, "--"), ("o", CLOSER, ":"))
    handles = [
        Line2D([], [], marker=marker, color=colour, linestyle=line, markersize=5)
        for marker, colour, line in looks
    ]
    high = figure.get_size_inches()[1]
    figure.legend(
        *(handles, NAMES),
        loc="upper left",
        bbox_to_anchor=(0.01, 1 - 0.02 / high),
        ncols=3 if width == "wide" else 1,
        frameon=False,
        handlelength=2.4,
        columnspacing=1.4,
        borderpad=0,
        borderaxespad=0.2,
    )


def differences(audit: Audit, found: Distance, width: str = "wide") -> Figure:
    """Approvals per decision at every level: audited, and under the two frontier policies."""
    groups = len(audit.groups)
    columns = min(groups, 3 if width == "wide" else 1)
    rows = -(-groups // columns)
    with styled():
        high, names = 1.35, 1 if width == "wide" else 3
        figure = new_figure(width, high * rows + 0.5 * (rows - 1) + 0.85 + 0.2 * names)
        panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
        margins(figure, 0.5, 0.16, 0.5, 0.32 + 0.2 * names, hspace=0.5 / high, wspace=0.1)
        for spare in panels[groups:]:
            spare.remove()
        for g, panel in enumerate(panels[:groups]):
            _levels_panel(panel, audit, found, g)
        rivals_key(figure, width)
    return figure


def _levels_panel(panel: Axes, audit: Audit, found: Distance, g: int) -> None:
    level, labels = np.arange(audit.benefit.shape[1]), audit.population.labels
    share = audit.decisions[g] / audit.decisions[g].sum()
    panel.bar(level, share / (share.max() or 1) * 0.98, 0.92, color=SHADE, linewidth=0, zorder=0)
    lines = [(audit.policy.approve[g], METHOD_COLOURS[0], "-", "D")]
    for rival, colour, line in ((found.richer, RICHER, "--"), (found.closer, CLOSER, ":")):
        if rival is not None:
            lines.append((rival.approve[g], colour, line, "o"))
    for order, (values, colour, line, marker) in enumerate(lines):
        panel.plot(
            *(level, values),
            color=colour,
            linestyle=line,
            marker=marker,
            markersize=5.5 - order,
            linewidth=3.2 - 0.8 * order,
            zorder=3 + order,
        )
    panel.set_ylim(-0.04, 1.06)
    panel.yaxis.set_major_formatter(lambda v, _: plain_tick(v, "share"))
    panel.locator_params(axis="y", nbins=3)
    ends = [0, len(labels) // 2, len(labels) - 1]
    panel.set_xticks(ends, [labels[i] for i in ends], size=8)
    panel.grid(visible=False, axis="x")
    panel.set_title(shortened(audit.groups[g], 24), pad=4, color=group_look(g)["color"])
    panel.tick_params(labelbottom=True)
