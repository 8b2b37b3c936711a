"""What each figure shows, in words with its numbers: captions, and the text for a screen reader."""

import numpy as np

from evenhand.experiments.estimates import Distance, Estimates
from evenhand.experiments.figures.horizon import exact_values
from evenhand.experiments.wording import criterion_words, figure_of, method_title, range_of


def frontier_caption(estimates: Estimates, criterion: str) -> tuple[str, str]:
    """What the frontier figure shows: in short, and every method's numbers."""
    line, words = estimates.line(criterion), criterion_words(criterion)
    if line is None:
        return "", ""
    kind = "best achievable return" if line.best_achievable else "best return of solved policies"
    ends = [
        f"{figure_of(profit)} where that is {figure_of(at, words.unit) if at > 1e-9 else '0'}"
        for profit, at in (
            (line.profit[0], line.disparity[0]),
            (line.profit[-1], line.disparity[-1]),
        )
    ]
    short = f"The line is the {kind} for {words.meaning}: {ends[0]}, {ends[1]}."
    points, sides = [], []
    for method in estimates.run.methods:
        found, name = estimates.distance(method, criterion), method_title(method)
        if not found.known:
            continue
        side = f" ({_side(found)})" if np.isfinite(found.gap.estimate) else ""
        at = figure_of(found.disparity.estimate, words.unit)
        points.append(f"{name} {figure_of(found.profit.estimate)} at {at}{side}")
        if side:
            sides.append((abs(found.gap.estimate), f"{name} is {_side(found)}"))
    near = f" {min(sides)[1]}, the nearest." if len(sides) > 1 else ""
    return short + near, f"{'; '.join(points)}."


def ends_caption(estimates: Estimates, metric: str, what: str, unit: str) -> tuple[str, str]:
    """Each method's last value of a series in every group: the headline method's, and all."""
    told = {}
    for method in estimates.run.methods:
        ends = []
        for group in estimates.run.groups:
            found = estimates.series(method, metric, group)
            if found is not None:
                ends.append(f"{group} {figure_of(found[1][0][-1], unit)}")
        if ends:
            told[method] = f"{method_title(method)}: {', '.join(ends)}"
    return f"{what} at the end: {_first(estimates, told)}.", f"{'; '.join(told.values())}."


def distribution_caption(estimates: Estimates) -> tuple[str, str]:
    """How to read the figure, and which share of each group ends at the bottom and at the top."""
    from evenhand.experiments.figures.distributions import moved_shares

    told: dict[str, str] = {}
    for (method, group), pair in moved_shares(estimates).items():
        low, high = ([figure_of(side[end], "share") for side in pair] for end in (0, -1))
        words = f"{group}, lowest level {low[0]} to {low[1]}, highest {high[0]} to {high[1]}"
        before = told.get(method, f"{method_title(method)}:")
        told[method] = f"{before}{';' if method in told else ''} {words}"
    short = "Share of people at each level. Outline: at the start; bars: at the end of the episode."
    return f"{short} {_first(estimates, told)}.", f"{'. '.join(told.values())}."


def curves_caption(estimates: Estimates, metric: str) -> str:
    """Where each learned method's curve starts and ends; "" where there is no curve."""
    told = []
    for method in estimates.run.methods:
        found = estimates.curve(method, metric)
        if found is not None:
            steps, band = found
            told.append(
                f"{method_title(method)} from {figure_of(band[0][0])} to {figure_of(band[0][-1])} "
                f"after {int(steps[-1]):,} steps"
            )
    if not told:
        return ""
    return f"Mean {metric} per step with a 95% band over seeds: {'; '.join(told)}."


def horizon_caption(estimates: Estimates) -> str:
    """The values in the horizon figure."""
    parts = [f"{name} {figure_of(value)}" for name, value in exact_values(estimates).items()]
    for method in estimates.learned:
        found = estimates.interval(method, "return")
        parts.append(
            f"{method_title(method)} {figure_of(found.estimate)} {range_of(found)}".strip()
        )
    return f"Return per episode: {'; '.join(parts)}."


def _side(found: Distance) -> str:
    side = "below" if found.gap.estimate >= 0 else "above"
    small = abs(found.relative) <= 1
    size = figure_of(abs(found.relative), "share") if small else figure_of(abs(found.gap.estimate))
    return f"{size} {side} the line"


def _first(estimates: Estimates, told: dict[str, str]) -> str:
    """What is told about the headline method, or about the first one."""
    return told.get(estimates.headline) or next(iter(told.values()), "no data")
