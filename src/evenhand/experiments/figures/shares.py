"""Shares by task and epoch as a map of colours: which of two things was done, and how often."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from evenhand.experiments.figures.labels import fit_titles
from evenhand.experiments.figures.style import (
    GROUP_COLOURS,
    MUTED,
    margins,
    new_figure,
    styled,
)

# From one group's colour to the other's: told apart with every common colour blindness, and the
# middle by its lightness. The paper's figure 6 has the same two hues.
COLOURS = LinearSegmentedColormap.from_list(
    "shares", [GROUP_COLOURS[1], "#f3e9dd", GROUP_COLOURS[0]]
)
_KEY_STEPS = 11


@dataclass(frozen=True)
class SharePanel:
    """Shares of a method in a scenario, by task and epoch; `overall` over all epochs."""

    title: str
    tasks: tuple[str, ...]
    epochs: np.ndarray
    shares: Float[np.ndarray, "T E"]
    overall: Float[np.ndarray, " T"]
    ends: tuple[str, str]
    """What shares of 0 and of 1 mean."""


def share_map(panels: Sequence[SharePanel], along: str, width: str = "wide") -> Figure:
    """A map per panel, tasks in rows, with each task's share of all epochs beside its row."""
    with styled():
        columns = min(len(panels), 2 if width == "wide" else 1)
        rows = -(-len(panels) // columns)
        most = max(len(panel.tasks) for panel in panels)
        high = max((0.2 if most <= 12 else 0.13) * most, 0.8)
        left = 0.075 * max(len(task) for panel in panels for task in panel.tasks) + 0.15
        key = 0.62 if width == "wide" else 0.8
        figure = new_figure(width, rows * high + (rows - 1) * 0.66 + 0.5 + key + 0.3)
        places = figure.subplots(rows, columns, squeeze=False).ravel()
        inner = (figure.get_size_inches()[0] - left - 0.5) / columns - (left + 0.5) / 2
        margins(figure, left, 0.5, 0.5, key + 0.3, hspace=0.66 / high, wspace=(left + 0.5) / inner)
        for spare in places[len(panels) :]:
            spare.remove()
        drawn = zip(panels, places, strict=False)
        fit_titles([_draw(axes, panel) for panel, axes in drawn])
        figure.supxlabel(along, size=9, color=MUTED, y=0.01, va="bottom")
        _key(figure, panels[0].ends, left, width)
    return figure


def _draw(axes: Axes, panel: SharePanel):
    edges = np.append(panel.epochs - 0.5, panel.epochs[-1] + 0.5)
    rows = np.arange(len(panel.tasks) + 1) - 0.5
    axes.pcolormesh(edges, rows, panel.shares, cmap=COLOURS, vmin=0, vmax=1, linewidth=0)
    axes.set_yticks(range(len(panel.tasks)), panel.tasks, size=8 if len(panel.tasks) <= 12 else 6.5)
    axes.set_ylim(len(panel.tasks) - 0.5, -0.5)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    axes.tick_params(labelsize=8, length=0)
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    for row, share in enumerate(panel.overall):
        if np.isfinite(share):
            axes.annotate(
                f"{share:.0%}", (1, row), xytext=(4, 0), xycoords=("axes fraction", "data"),
                textcoords="offset points", size=7.5, color=MUTED, va="center",
            )  # fmt: skip
    return axes.set_title(panel.title, size=8.5, pad=3)


def _key(figure: Figure, ends: tuple[str, str], left: float, width: str) -> None:
    """A strip of the colours, with what its ends and the numbers beside the rows mean."""
    wide, high = figure.get_size_inches()
    long = 1.6
    strip = figure.add_axes((left / wide, 1 - 0.26 / high, long / wide, 0.12 / high))
    strip.pcolormesh(np.linspace(0, 1, _KEY_STEPS + 1), [0, 1],
                     np.linspace(0, 1, _KEY_STEPS)[None], cmap=COLOURS, vmin=0, vmax=1)  # fmt: skip
    strip.set_xticks([0, 0.5, 1], ["0%", "50%", "100%"], size=7.5)
    strip.set_yticks([])
    strip.tick_params(length=0, pad=1.5)
    for spine in strip.spines.values():
        spine.set_visible(False)
    words = f"0%: {ends[0]}\n100%: {ends[1]}"
    place = ((left + long + 0.2) / wide, 1 - 0.1 / high)
    if width == "narrow":
        place = (left / wide, 1 - 0.48 / high)
    figure.text(*place, words, size=7.5, color=MUTED, va="top", linespacing=1.25)
