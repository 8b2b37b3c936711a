"""The pictures of an audit: people over the episode, causes, benefit and the exact frontier."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evenhand.experiments.audit.facts import Audit
from evenhand.experiments.audit.under import Pair
from evenhand.experiments.figures.group_name import shortened
from evenhand.experiments.figures.panels import key, key_rows, plain_tick, set_title, thousands
from evenhand.experiments.figures.style import (
    INK,
    METHOD_COLOURS,
    MUTED,
    group_look,
    margins,
    new_figure,
    styled,
)
from evenhand.experiments.wording import figure_of

_HATCH = ("", "///", "...", "\\\\\\", "xx", "++")
PARTS = ("direct", "set in motion", "there anyway")
# Direct, in motion, anyway: told apart by place and by words, too.
_PART_COLOURS = (METHOD_COLOURS[0], METHOD_COLOURS[2], METHOD_COLOURS[3])


def over_time(audit: Audit, width: str = "wide") -> Figure:
    """Approvals per person so far, and the mean score, of every group."""
    over, people = audit.course, audit.own.numbers.people
    series = (
        ("approvals per person so far", over.approvals / people),
        ("mean score, in levels", over.mean_score),
    )
    with styled():
        rows = key_rows(audit.groups, width)
        columns = 2 if width == "wide" else 1
        figure = new_figure(width, (1.9 if columns == 2 else 3.7) + 0.6 + 0.2 * rows)
        panels = figure.subplots(2 // columns, columns, squeeze=False).ravel()
        margins(figure, 0.5, 0.16, 0.5, 0.38 + 0.2 * rows, wspace=0.22, hspace=0.42)
        for panel, (name, values) in zip(panels, series, strict=True):
            for g in range(len(audit.groups)):
                every = (3 + 2 * g, max(len(over.steps) // 4, 1))
                panel.plot(over.steps, values[:, g], **group_look(g), markersize=4, markevery=every)
            panel.set_title(name, pad=4, weight="normal")
            panel.set_xlim(0, audit.steps)
            panel.xaxis.set_major_formatter(thousands)
            panel.locator_params(nbins=4)
        panels[0].set_ylim(0, None)
        figure.supxlabel("decisions so far", size=9, color=MUTED, y=0.02)
        key(figure, audit.groups, width)
    return figure


def levels_over_time(audit: Audit, width: str = "wide") -> Figure:
    """The law of levels of every group at five moments; the outline is the start."""
    over = audit.course
    shown = range(len(over.moments)) if width == "wide" else (0, 2, 4)
    groups = len(audit.groups)
    with styled():
        figure = new_figure(width, 0.95 * groups + 0.85)
        panels = figure.subplots(groups, len(shown), sharex=True, sharey=True, squeeze=False)
        margins(figure, 0.12, 0.12, 0.45, 0.42, hspace=0.5, wspace=0.08)
        top = 1.08 * float(over.laws.max())
        for g, row in enumerate(panels):
            for panel, moment in zip(row, shown, strict=True):
                _bars(panel, over.laws[moment, g], over.laws[0, g], g)
                panel.set_ylim(0, top)
                if g == 0:
                    panel.set_title(_when(audit, moment), pad=18, weight="normal", color=MUTED)
            _head(row[0], shortened(audit.groups[g], 70 if width == "wide" else 34), g)
        for place, panel in enumerate(panels[-1]):
            _end_labels(panel, audit.population.labels, place, len(shown), width)
        figure.supxlabel("score", size=9, color=MUTED, y=0.01)
    return figure


def _end_labels(panel: Axes, labels: tuple[str, ...], place: int, count: int, width: str) -> None:
    """Names of the lowest and the highest level; on a narrow figure only at its two ends."""
    # The panels share their ticks, so the names are texts.
    panel.set_xticks([])
    ends = [(0.0, labels[0], "left"), (1.0, labels[-1], "right")]
    if width == "narrow":
        ends = ends[:1] if place == 0 else ends[1:] if place == count - 1 else []
    for at, name, side in ends:
        panel.annotate(
            *(name, (at, 0)),
            xycoords="axes fraction",
            xytext=(0, -4),
            textcoords="offset points",
            ha=side,
            va="top",
            size=8,
            color=MUTED,
        )


def _when(audit: Audit, moment: int) -> str:
    at = int(audit.course.moments[moment])
    return "start" if at == 0 else f"after {at:,}"


def _bars(panel: Axes, law: np.ndarray, start: np.ndarray, g: int) -> None:
    level, colour = np.arange(len(law)), group_look(g)["color"]
    panel.bar(level, law, 0.8, facecolor=colour, alpha=0.35, linewidth=0)
    panel.bar(
        level, law, 0.8, facecolor="none", edgecolor=colour, linewidth=0.6, hatch=_HATCH[g % 6]
    )
    panel.stairs(start, np.arange(len(level) + 1) - 0.5, color=INK, linewidth=1.1)
    panel.set_yticks([])
    panel.grid(visible=False)
    panel.spines["left"].set_visible(False)
    panel.tick_params(axis="x", length=0)


def _head(panel: Axes, group: str, g: int) -> None:
    panel.annotate(
        group,
        (0, 1),
        xycoords="axes fraction",
        xytext=(0, 3),
        textcoords="offset points",
        weight="bold",
        color=group_look(g)["color"],
    )


def causes(audit: Audit, pairs: tuple[Pair, ...], width: str = "wide") -> Figure:
    """The parts of every pair's difference of gain per person, and a line at their sum."""
    with styled():
        high = 0.95
        figure = new_figure(width, high * len(pairs) + 0.36 * (len(pairs) - 1) + 0.85)
        panels = figure.subplots(len(pairs), 1, sharex=True, squeeze=False).ravel()
        margins(figure, 1.12, 0.2, 0.5, 0.32, hspace=0.45)
        ends = _ends(audit, pairs)
        for panel, pair in zip(panels, pairs, strict=True):
            _cause_panel(panel, audit, pair, ends)
            names = [shortened(name, 24 if width == "wide" else 16) for name in audit.groups]
            set_title(panel, _ahead(audit, pair, names), pad=4)
        panels[-1].set_xlabel("difference of gain per person")
    return figure


def _parts(audit: Audit, pair: Pair) -> list[float]:
    """The three parts, positive where they put the group behind that gains less."""
    found = audit.own.effects[pair]
    sign = 1.0 if found.C >= 0 else -1.0
    return [sign * value for value in (found.DPE, found.IPE, found.SPE)]


def _ends(audit: Audit, pairs: tuple[Pair, ...]) -> tuple[float, float]:
    """The range that all panels share, with room for the numbers at the bars."""
    values = [0.0, *(v for pair in pairs for v in (*_parts(audit, pair), sum(_parts(audit, pair))))]
    reach = (max(values) - min(values)) or 1.0
    return min(values) - (0.14 if min(values) < 0 else 0.03) * reach, max(values) + 0.2 * reach


def _cause_panel(panel: Axes, audit: Audit, pair: Pair, ends: tuple[float, float]) -> None:
    found = audit.own.effects[pair]
    sign = 1.0 if found.C >= 0 else -1.0
    for place, (value, colour) in enumerate(zip(_parts(audit, pair), _PART_COLOURS, strict=True)):
        panel.barh(place, value, 0.62, color=colour, alpha=0.85, linewidth=0)
        panel.annotate(
            figure_of(value, "gain", signed=True),
            (value, place),
            xytext=(4 if value >= 0 else -4, 0),
            textcoords="offset points",
            ha="left" if value >= 0 else "right",
            va="center",
            size=8.5,
        )
    panel.axvline(0, color=MUTED, linewidth=0.8)
    panel.axvline(sign * found.C, color=INK, linewidth=1.3, linestyle=(0, (3, 2)))
    panel.set_yticks(range(3), PARTS, color=INK, size=8.5)
    panel.set_ylim(2.6, -0.6)
    panel.set_xlim(*ends)
    panel.tick_params(axis="y", length=0)
    panel.grid(visible=False, axis="y")
    panel.spines["left"].set_visible(False)
    panel.xaxis.set_major_formatter(lambda v, _: plain_tick(v, ""))
    panel.locator_params(axis="x", nbins=6)


def _ahead(audit: Audit, pair: Pair, names: list[str]) -> str:
    gap = audit.own.effects[pair].C
    ahead, behind = pair if gap >= 0 else (pair[1], pair[0])
    return f"{names[ahead]} ahead of {names[behind]} by {figure_of(abs(gap))}"
