"""Where people stand before and after: score distributions per group and method."""

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evenhand.experiments.estimates import Estimates
from evenhand.experiments.figures.looks import ends_of_sweeps, short_title
from evenhand.experiments.figures.panels import set_title
from evenhand.experiments.figures.style import (
    INK,
    MUTED,
    group_look,
    margins,
    new_figure,
    styled,
)


def distributions(estimates: Estimates, width: str = "wide") -> Figure:
    """Share of each group at each level: outline at the start, bars at the end of the episode.

    A row per method, of a sweep its ends, and a column per group; on a narrow figure groups
    beyond two continue below.
    """
    run = estimates.run
    shares = moved_shares(estimates)
    methods = [m for m in ends_of_sweeps(run.methods) if any((m, g) in shares for g in run.groups)]
    columns = min(len(run.groups), 4 if width == "wide" else 2)
    cells = [(m, g) for g in _chunks(run.groups, columns) for m in methods]
    with styled():
        figure = new_figure(width, 0.72 * len(cells) + 0.75)
        panels = figure.subplots(len(cells), columns, sharex=True, sharey=True, squeeze=False)
        margins(figure, 0.12, 0.12, 0.5, 0.3, hspace=0.62, wspace=0.08)
        top = max(float(np.max(pair)) for pair in shares.values())
        for row, (method, groups) in zip(panels, cells, strict=True):
            for panel, group in zip(row, groups, strict=False):
                index = run.groups.index(group)
                _panel(panel, shares.get((method, group)), index, top)
                set_title(panel, short_title(method), pad=2)
            for spare in row[len(groups) :]:
                spare.remove()
        _heads(figure, panels, cells, run.groups)
        _levels(panels[-1][: len(cells[-1][1])], tuple(run.world.get("level_labels", ())))
    return figure


def moved_shares(estimates: Estimates) -> dict[tuple[str, str], np.ndarray]:
    """`(2, K)` share of people at each level, first and last moment, by (method, group)."""
    frame = estimates.run.distributions
    if frame is None:
        return {}
    mean = (
        frame.group_by("algorithm", "group", "step", "level")
        .agg(pl.col("share").mean())
        .sort("step", "level")
    )
    found = {}
    for method in estimates.run.methods:
        for group in estimates.run.groups:
            rows = mean.filter((pl.col("algorithm") == method) & (pl.col("group") == group))
            if not rows.is_empty():
                steps = [part["share"].to_numpy() for part in rows.partition_by("step")]
                found[method, group] = np.stack([steps[0], steps[-1]])
    return found


def _chunks(groups: tuple[str, ...], size: int) -> list[tuple[str, ...]]:
    return [groups[start : start + size] for start in range(0, len(groups), size)]


def _panel(panel: Axes, pair: np.ndarray | None, index: int, top: float) -> None:
    panel.set_ylim(0, 1.05 * top)
    panel.set_yticks([])
    panel.grid(visible=False)
    panel.spines["left"].set_visible(False)
    panel.tick_params(axis="x", length=0)
    if pair is None:
        panel.text(0.5, 0.5, "no data", transform=panel.transAxes, ha="center", color=MUTED)
        return
    level = np.arange(pair.shape[1])
    colour = group_look(index)["color"]
    hatch = ("", "///", "...", "\\\\\\", "xx", "++")[index % 6]
    panel.bar(level, pair[1], 0.78, facecolor=colour, alpha=0.35, linewidth=0)
    panel.bar(level, pair[1], 0.78, facecolor="none", edgecolor=colour, linewidth=0.6, hatch=hatch)
    panel.stairs(pair[0], np.arange(len(level) + 1) - 0.5, color=INK, linewidth=1.2)


def _heads(figure: Figure, panels: np.ndarray, cells: list, groups: tuple[str, ...]) -> None:
    """The group's name above each column, wherever the set of groups changes."""
    before = None
    for row, (_, names) in zip(panels, cells, strict=True):
        if names != before:
            for panel, name in zip(row, names, strict=False):
                panel.annotate(
                    name,
                    (1, 1),
                    xycoords="axes fraction",
                    xytext=(0, 2),
                    textcoords="offset points",
                    ha="right",
                    va="bottom",
                    weight="bold",
                    color=group_look(groups.index(name))["color"],
                )
        before = names


def _levels(panels: np.ndarray, labels: tuple[str, ...]) -> None:
    for panel in panels:
        if labels:
            panel.set_xticks([0, len(labels) - 1], [labels[0], labels[-1]])
        panel.set_xlabel("score", labelpad=-8)
