"""What looking ahead is worth: exact optimum, exact myopic rule and the learned methods."""

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from evenhand.experiments.estimates import Estimates
from evenhand.experiments.figures.looks import looks, short_title
from evenhand.experiments.figures.style import INK, MUTED, margins, new_figure, styled
from evenhand.experiments.statistics import Interval
from evenhand.experiments.wording import figure_of

EXACT = ("exact optimum", "exact myopic rule")


def exact_values(estimates: Estimates) -> dict[str, float]:
    """Profit of the exact optimum and of the exact myopic rule, where the run has them."""
    frame = estimates.run.reference
    if frame is None:
        return {}
    rows = frame.filter(pl.col("name").is_in(EXACT) & pl.col("profit").is_finite())
    return dict(rows.select("name", "profit").rows())


def horizon(estimates: Estimates, width: str = "wide") -> Figure:
    """Return of each on one axis: exact values as lines through, learned ones with intervals."""
    exact = exact_values(estimates)
    rows = [(name, Interval(value, np.nan, np.nan, 0), INK, "D") for name, value in exact.items()]
    style = looks(estimates.run.methods)
    for method in estimates.run.methods:
        if method in estimates.learned:
            found = estimates.interval(method, "return")
            if found.num:
                look = style[method]["color"], style[method]["marker"]
                rows.append((short_title(method), found, *look))
    rows.sort(key=lambda row: -row[1].estimate)
    with styled():
        figure = new_figure(width, 0.42 * len(rows) + 0.75)
        axes = figure.add_subplot()
        longest = max(len(name) for name, *_ in rows)
        margins(figure, max(1.35, 0.077 * longest + 0.15), 0.55, 0.45, 0.12)
        for name, value in exact.items():
            dash = "-" if name == EXACT[0] else (0, (4, 2))
            axes.axvline(value, color=MUTED, linewidth=0.8, linestyle=dash, zorder=1)
        for place, (_, found, colour, marker) in enumerate(rows):
            if found.bounded:
                axes.plot([found.low, found.high], [place] * 2, color=colour, zorder=3)
            axes.plot(found.estimate, place, marker, color=colour, markersize=7, zorder=4)
            axes.annotate(
                figure_of(found.estimate), (found.high if found.bounded else found.estimate, place),
                xytext=(7, 0), textcoords="offset points", va="center", color=colour, weight="bold",
            )  # fmt: skip
        axes.set_yticks(range(len(rows)), [row[0] for row in rows], color=INK)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("return per episode")
        axes.xaxis.set_major_formatter(lambda v, _: f"{v:,.6g}")
        axes.locator_params(axis="x", nbins=4 if width == "narrow" else 6)
    return figure
