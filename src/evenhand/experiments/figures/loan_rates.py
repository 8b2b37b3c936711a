"""Approvals per decision at each level: a panel per method, a line per group."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from evenhand.experiments.figures.labels import fit_titles
from evenhand.experiments.figures.panels import key, key_rows, plain_tick
from evenhand.experiments.figures.study import above
from evenhand.experiments.figures.style import MUTED, group_look, margins, new_figure, styled
from evenhand.experiments.loan_rates import LoanRates

_COLUMNS = {"wide": 4, "narrow": 2}
_HIGH, _BETWEEN = 1.15, 0.62


@dataclass(frozen=True)
class RatePanel:
    """The rates of one method in one scenario, in the order of the groups."""

    title: str
    above: str
    groups: tuple[LoanRates | None, ...]


def loan_rates_figure(
    rows: Sequence[Sequence[RatePanel]], groups: tuple[str, ...], width: str = "wide"
) -> Figure:
    """A row of panels (or more, where they are many) for each scenario.

    A dot's area is the share of the group's decisions that were made at that level.
    """
    with styled():
        # Five panels stand better as three and two than as four and one.
        most = max(map(len, rows))
        columns = -(-most // -(-most // _COLUMNS[width]))
        cut = [row[at : at + columns] for row in rows for at in range(0, len(row), columns)]
        high = len(cut) * _HIGH + (len(cut) - 1) * _BETWEEN
        named = any(panel.above for row in rows for panel in row)
        bottom, top = 0.5, 0.26 + 0.18 * (key_rows(groups, width) + named)
        figure = new_figure(width, high + bottom + top)
        places = figure.subplots(len(cut), columns, sharex=True, sharey=True, squeeze=False)
        inner = figure.get_size_inches()[0] / columns
        margins(figure, 0.5, 0.14, bottom, top, hspace=_BETWEEN / _HIGH, wspace=0.2 / inner)
        titles = []
        for line, axes in zip(cut, places, strict=True):
            for panel, place in zip(line, axes, strict=False):
                titles.append(_draw(place, panel, 8.5 if width == "wide" else 7.5))
            for spare in axes[len(line) :]:
                spare.remove()
        _scenarios(cut, places)
        fit_titles(titles)
        figure.supxlabel("true level at the decision", size=9, color=MUTED, y=0.01, va="bottom")
        key(figure, groups, width)
    return figure


def _draw(axes: Axes, panel: RatePanel, size: float) -> Text:
    for index, found in enumerate(panel.groups):
        if found is None:
            continue
        look, level = group_look(index), np.arange(len(found.decisions))
        share = found.decisions / max(found.decisions.sum(), 1e-12)
        axes.fill_between(
            level, found.band[1], found.band[2], color=look["color"], alpha=0.16, linewidth=0
        )
        axes.plot(
            level, found.band[0], color=look["color"], linestyle=look["linestyle"], linewidth=1.2
        )
        axes.scatter(
            level, found.band[0], s=130 * share, color=look["color"], marker=look["marker"],
            linewidths=0, zorder=3, clip_on=False,
        )  # fmt: skip
    axes.set_ylim(-0.04, 1.04)
    title = axes.set_title(panel.title, size=size, pad=4)
    axes.yaxis.set_major_formatter(lambda value, _: plain_tick(value, "share"))
    axes.set_yticks([0, 0.5, 1])
    axes.locator_params(axis="x", nbins=6, integer=True)
    axes.tick_params(labelsize=8, length=0, labelbottom=True)
    axes.grid(False, axis="x")
    return title


def _scenarios(cut: Sequence[Sequence[RatePanel]], places: np.ndarray) -> None:
    """The scenario's name above its first row."""
    before = ""
    for line, axes in zip(cut, places, strict=True):
        if line[0].above != before:
            above(axes[0], line[0].above)
        before = line[0].above
