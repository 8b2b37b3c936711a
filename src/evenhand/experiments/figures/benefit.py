"""Who is approved, against what an approval would do for them."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from evenhand.experiments.figures.panels import key, key_rows
from evenhand.experiments.figures.style import group_look, margins, new_figure, styled


def benefit(
    benefits: np.ndarray,
    approve: np.ndarray,
    visits: np.ndarray,
    groups: Sequence[str],
    width: str = "wide",
) -> Figure:
    """Approval probability against benefit, `(G, K)` each: one curve per group, a dot per level.

    A dot's area is the share of the group's decisions made at that level, `visits (G, K)`; levels
    that nobody reaches have no dot. Equal curves are benefit fairness (Plecko & Bareinboim 2023).
    """
    names = tuple(groups)
    with styled():
        rows = key_rows(names, width)
        figure = new_figure(width, 2.6 + 0.18 * rows)
        axes = figure.add_subplot()
        margins(figure, 0.62, 0.2, 0.5, 0.28 + 0.18 * rows)
        for index in range(len(names)):
            look = group_look(index)
            share = visits[index] / max(visits[index].sum(), 1e-300)
            met = np.flatnonzero(share > 1e-6)
            order = met[np.argsort(benefits[index, met])]
            x, y = benefits[index, order], approve[index, order]
            axes.plot(x, y, color=look["color"], linestyle=look["linestyle"], linewidth=1.2)
            axes.scatter(
                *(x, y),
                s=12 + 400 * share[order],
                marker=look["marker"],
                facecolor=look["color"],
                edgecolor="white",
                linewidth=0.5,
                alpha=0.75,
                zorder=3,
            )
        axes.set_ylim(-0.08, 1.08)
        axes.yaxis.set_major_formatter(lambda v, _: f"{100 * v:g}%")
        axes.set_ylabel("approved")
        axes.set_xlabel("benefit of an approval (expected qualification gain)")
        key(figure, names, width)
    return figure
