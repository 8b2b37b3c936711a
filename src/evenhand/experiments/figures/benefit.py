"""Who is approved, against what an approval would do for them."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evenhand.experiments.figures.labels import Label, place
from evenhand.experiments.figures.panels import key, key_rows
from evenhand.experiments.figures.style import MUTED, group_look, margins, new_figure, styled


def benefit(
    benefits: np.ndarray,
    approve: np.ndarray,
    visits: np.ndarray,
    groups: Sequence[str],
    levels: Sequence[str] = (),
    width: str = "wide",
) -> Figure:
    """Approval probability against benefit, `(G, K)` each: one curve per group, a mark per level.

    A mark's area is the share of the group's decisions made at that level, `visits (G, K)`; levels
    that nobody reaches have none. Names of `levels` stand beside their marks where there is room.
    Equal curves are benefit fairness (Plecko & Bareinboim 2023).
    """
    names = tuple(groups)
    with styled():
        rows = key_rows(names, width)
        figure = new_figure(width, 2.6 + 0.18 * rows)
        axes = figure.add_subplot()
        margins(figure, 0.7, 0.2, 0.5, 0.12 + 0.18 * rows)
        curves = [_curve(axes, index, benefits, approve, visits) for index in range(len(names))]
        axes.set_ylim(-0.15, 1.15)
        axes.set_yticks(np.linspace(0, 1, 5))
        axes.yaxis.set_major_formatter(lambda v, _: f"{100 * v:g}%")
        axes.set_ylabel("approved")
        axes.set_xlabel("benefit of an approval (expected qualification gain)")
        key(figure, names, width)
        if levels:
            _name_levels(axes, curves, benefits, approve, levels)
    return figure


def _curve(
    axes: Axes, index: int, benefits: np.ndarray, approve: np.ndarray, visits: np.ndarray
) -> np.ndarray:
    """Draw one group, and return its levels in the order of their benefit."""
    look = group_look(index)
    share = visits[index] / max(visits[index].sum(), 1e-300)
    met = np.flatnonzero(share > 1e-6)
    order = met[np.argsort(benefits[index, met])]
    x, y = benefits[index, order], approve[index, order]
    axes.plot(x, y, color=look["color"], linestyle=look["linestyle"], linewidth=1.2)
    # Open marks, so that groups in the same place all show.
    axes.scatter(
        *(x, y),
        s=14 + 600 * share[order],
        marker=look["marker"],
        facecolor="none",
        edgecolor=look["color"],
        linewidth=1.3,
        zorder=3 + index,
    )
    return order


def _name_levels(
    axes: Axes,
    curves: Sequence[np.ndarray],
    benefits: np.ndarray,
    approve: np.ndarray,
    levels: Sequence[str],
) -> None:
    """Write the levels' names beside their marks, once where groups share a place."""
    found: dict[tuple[float, float, str], Label] = {}
    marks = []
    for index, order in enumerate(curves):
        for level in order:
            x, y = float(benefits[index, level]), float(approve[index, level])
            marks.append((x, y))
            near = (round(x, 2), round(y, 2), levels[level])
            found.setdefault(near, (x, y, levels[level], MUTED))
    directions = ((0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))
    points = np.array(marks, float).reshape(-1, 2)
    place(axes, list(found.values()), points, directions=directions, optional=True, size=7)
