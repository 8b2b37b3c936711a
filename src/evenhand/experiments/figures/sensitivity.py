"""The frontiers of several settings over each other, and where each group ends in each."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from evenhand.experiments.figures.panels import key, key_rows, plain_tick
from evenhand.experiments.figures.style import (
    GROUP_LINES,
    INK,
    METHOD_COLOURS,
    MUTED,
    group_look,
    margins,
    new_figure,
    styled,
)
from evenhand.experiments.sensitivity_words import told
from evenhand.experiments.wording import MINUS, criterion_words

# From the top: rules, then the far end of each frontier.
RULES = {"optimum": "Optimum", "myopic": "Profit now", "threshold": "Best threshold"}


def setting_look(index: int) -> dict[str, Any]:
    """Colour and dash of a setting; the world's own is the heavy black line."""
    if index == 0:
        return {"color": INK, "linestyle": "-", "linewidth": 2.4}
    return {
        "color": METHOD_COLOURS[(0, 4, 2, 3)[(index - 1) % 4]],
        "linestyle": GROUP_LINES[index % 4],
        "linewidth": 1.6,
    }


def frontiers(found: dict[str, Any], width: str = "wide") -> Figure:
    """A panel per criterion: profit, in percent of the setting's own best, against disparity."""
    names, settings = told(found), found["settings"]
    columns = min(len(names), 4 if width == "wide" else 2)
    rows = -(-len(names) // columns)
    lines = 1 if width == "wide" else -(-len(settings) // 2)
    with styled():
        figure = new_figure(width, 1.75 * rows + 0.68 * (rows - 1) + 0.72 + 0.2 * lines)
        panels = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
        margins(figure, 0.55, 0.12, 0.42, 0.3 + 0.2 * lines, hspace=0.46, wspace=0.14)
        for spare in panels[len(names) :]:
            spare.remove()
        low = _lowest(found, names)
        for panel, name in zip(panels, names, strict=False):
            _frontier_panel(panel, found, name, low)
        handles = [Line2D([], [], **setting_look(i)) for i in range(len(settings))]
        _key(figure, handles, [s["name"] for s in settings], lines)
    return figure


def _key(figure: Figure, handles: list[Line2D], names: list[str], rows: int) -> None:
    high = figure.get_size_inches()[1]
    figure.legend(
        handles,
        names,
        loc="upper left",
        bbox_to_anchor=(0.01, 1 - 0.02 / high),
        ncols=-(-len(names) // rows),
        frameon=False,
        handlelength=2.6,
        columnspacing=1.3,
        borderpad=0,
        borderaxespad=0.2,
        fontsize=8.5 if rows == 1 else 7.5,
    )


def _curve(setting: dict[str, Any], name: str) -> tuple[np.ndarray, np.ndarray]:
    """Disparity and profit in shares of the setting's best, by rising disparity."""
    at, profit = np.array(setting["frontier"][name]["points"]).T[:, ::-1]
    return at, profit / abs(setting["rules"]["optimum"]["profit"] or np.nan)


def _lowest(found: dict[str, Any], names: list[str]) -> float:
    """The lower edge of all panels; where the lender loses money the picture ends."""
    least = min(float(_curve(s, n)[1].min()) for s in found["settings"] for n in names)
    return max(0.0, least - 0.15 * (1 - least))


def _frontier_panel(panel: Axes, found: dict[str, Any], name: str, low: float) -> None:
    words, right, ends = criterion_words(name), 0.0, []
    for index, setting in reversed(list(enumerate(found["settings"]))):
        at, share = _curve(setting, name)
        panel.plot(at, share, **setting_look(index), zorder=4 if index == 0 else 3)
        panel.plot(at[-1], share[-1], "o", color=setting_look(index)["color"], markersize=4)
        right, ends = max(right, float(at[-1])), [*ends, float(share[0])]
    panel.set_title(words.title, pad=4)
    panel.set_xlim(0, 1.08 * right or 1)
    panel.set_ylim(low, 1 + 0.06 * (1 - low))
    panel.xaxis.set_major_formatter(lambda v, _: plain_tick(v, words.unit))
    panel.yaxis.set_major_formatter(lambda v, _: plain_tick(v, "share"))
    panel.locator_params(axis="x", nbins=3)
    panel.locator_params(axis="y", nbins=5)
    panel.set_xlabel({"levels": "levels", "gain": "gain", "share": ""}.get(words.unit, ""))
    below = [end for end in ends if end < low]
    if below:
        panel.text(
            0.05,
            0.06,
            f"down to\n{100 * min(below):,.0f}%".replace("-", MINUS),
            transform=panel.transAxes,
            color=MUTED,
            size=8,
        )


def endings(found: dict[str, Any], width: str = "wide") -> Figure:
    """Mean score of each group at the end, a panel per setting and a row per policy."""
    settings, groups = found["settings"], tuple(found["groups"])
    columns = min(len(settings), 4 if width == "wide" else 2)
    rows = -(-len(settings) // columns)
    policies = policy_names(found)
    key_lines = key_rows(groups, width)
    with styled():
        high = 0.2 * len(policies) + 0.3
        top = 0.42 + 0.2 * key_lines
        figure = new_figure(width, rows * high + (rows - 1) * 0.55 + top + 0.45)
        panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
        margins(figure, 1.42, 0.1, 0.45, top, hspace=0.5 / high, wspace=0.12)
        for spare in panels[len(settings) :]:
            spare.remove()
        for panel, setting in zip(panels, settings, strict=False):
            _ending_panel(panel, setting, list(policies))
            panel.set_title(_broken(setting["name"]), pad=4, size=8.5)
            panel.tick_params(labelbottom=True)
            panel.tick_params(axis="y", labelcolor=INK)
        panels[0].set_yticks(range(len(policies)), list(policies.values()), color=INK, size=8.5)
        panels[0].set_ylim(len(policies) - 0.4, -0.6)
        panels[0].locator_params(axis="x", nbins=3)
        figure.supxlabel("mean score at the end, in levels", size=9, color=MUTED, y=0.01)
        key(figure, groups, width)
    return figure


def policy_names(found: dict[str, Any]) -> dict[str, str]:
    """The exact policies, as they are called in figures and tables."""
    parity = {name: f"No {criterion_words(name).title.lower()}" for name in told(found)}
    for name in parity:
        if max(s["frontier"][name]["least"] for s in found["settings"]) > 1e-4:
            parity[name] = f"Least {criterion_words(name).title.lower()}"
    return RULES | parity


def fate(setting: dict[str, Any], policy: str) -> dict[str, Any]:
    """What a policy of `policy_names` means in a setting."""
    if policy in RULES:
        return setting["rules"][policy]
    return setting["frontier"][policy]["parity"]


def _ending_panel(panel: Axes, setting: dict[str, Any], policies: list[str]) -> None:
    scores = np.array([fate(setting, policy)["final_score"] for policy in policies])
    for index, start in enumerate(setting["start"]):
        look = group_look(index)
        panel.axvline(start, color=look["color"], linewidth=0.9, linestyle=":", zorder=1)
        for place, score in enumerate(scores[:, index]):
            panel.plot([start, score], [place] * 2, color=look["color"], linewidth=1.2, alpha=0.6)
        panel.plot(
            scores[:, index],
            range(len(policies)),
            look["marker"],
            color=look["color"],
            markersize=5,
            zorder=3,
        )
    panel.tick_params(axis="y", length=0)
    panel.spines["left"].set_visible(False)
    panel.grid(visible=False, axis="y")


def _broken(name: str) -> str:
    """A long name on two lines."""
    words = name.split()
    half = next((i for i in range(1, len(words)) if len(" ".join(words[:i])) >= 10), len(words))
    return "\n".join(filter(None, (" ".join(words[:half]), " ".join(words[half:]))))
