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
    left, right = axes.get_xlim()
    found: list[tuple[int, Label]] = []
    drawn: list[tuple[float, float]] = []
    for index, order in enumerate(curves):
        x, y = benefits[index, order], approve[index, order]
        drawn += zip(*_along(x, y), strict=True)
        for level, at, share in zip(order.tolist(), x.tolist(), y.tolist(), strict=True):
            # A name stands once, without a colour, where several groups have nearly one place.
            for place_of, (same, there) in enumerate(found):
                close = abs(there[0] - at) < 0.03 * (right - left) and abs(there[1] - share) < 0.05
                if same == level and close:
                    found[place_of] = (same, (*there[:3], MUTED))
                    break
            else:
                colour = group_look(index)["color"]
                found.append((level, (at, share, str(levels[level]), colour)))
    directions = ((0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))
    points = np.array(drawn, float).reshape(-1, 2)
    names = [label for _, label in found]
    place(axes, names, points, directions=directions, optional=True, size=7)


def _along(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points along the curve, close together, that names should keep clear of."""
    place_of = np.arange(len(x))
    dense = np.linspace(0, max(len(x) - 1, 0), 20 * len(x) + 1)
    return np.interp(dense, place_of, x), np.interp(dense, place_of, y)
