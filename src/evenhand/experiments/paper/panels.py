"""The panels of a study's figures, from the records of its runs."""

from typing import NamedTuple

import numpy as np

from evenhand.experiments.estimates import Estimates
from evenhand.experiments.figures.bars import BarPanel
from evenhand.experiments.figures.loan_rates import RatePanel
from evenhand.experiments.figures.study_parts import Floor, Line, Panel
from evenhand.experiments.figures.trade_off import TradeOffPanel
from evenhand.experiments.loan_rates import loan_rates
from evenhand.experiments.paper.wanted import Wanted, panels_of
from evenhand.experiments.paper.words import measure_of
from evenhand.experiments.statistics import Interval, share_interval
from evenhand.experiments.wording import is_admissions, method_title


class Shown(NamedTuple):
    """What a panel shows, in words too; `floor` is the measure that chance alone makes.

    `level` is a number to draw as a line, such as a tolerance, and `level_title` what it is.
    `exact` asks for the exact interval of a share of seeds.
    """

    metric: str
    group: str
    title: str
    unit: str
    floor: str
    level_title: str
    level: float | None
    exact: bool = False


def _chosen(wanted: Wanted, estimates: Estimates) -> list[str]:
    return [m for m in estimates.run.methods if not wanted.methods or m in wanted.methods]


def _panels(wanted: Wanted, estimates: Estimates) -> list[Shown]:
    """What every panel of a scenario shows."""
    about = estimates.run.experiment
    found = []
    for panel in panels_of(wanted, is_admissions(about)):
        metric, group = panel["metric"], panel.get("group", "")
        words = measure_of(metric, about)
        title = panel.get("title") or ", ".join(filter(None, (words.title, group)))
        level = (panel.get("line_title", ""), panel.get("line"), panel.get("exact", False))
        found.append(Shown(metric, group, title, words.unit, panel.get("floor", ""), *level))
    return found


def _floor(wanted: Wanted, estimates: Estimates, shown: Shown) -> Floor | None:
    """A level: a number, or the median of the methods' floors, which depend on how they lend."""
    if shown.level is not None:
        return Floor(shown.level_title, np.zeros(1), np.full(1, shown.level))
    metric = shown.floor
    if not metric:
        return None
    chosen = _chosen(wanted, estimates)
    final = np.array([estimates.interval(m, metric).estimate for m in chosen])
    known = final[np.isfinite(final)]
    if not known.size:
        return None
    return Floor(
        measure_of(metric, estimates.run.experiment).title,
        np.zeros(1),
        np.median(known, keepdims=True),
    )


def _running_floor(wanted: Wanted, estimates: Estimates, metric: str) -> Floor | None:
    """The median over methods at every step of the episode."""
    chosen = _chosen(wanted, estimates) if metric else []
    found = [estimates.series(method, metric, "") for method in chosen]
    known = [(steps, band[0]) for steps, band in filter(None, found)]
    if not known:
        return None
    middle = np.median([values for _, values in known], axis=0)
    return Floor(measure_of(metric, estimates.run.experiment).title, known[0][0], middle)


def curves(wanted: Wanted, estimates: Estimates, above: str) -> list[Panel]:
    """Quantities over training."""
    made = []
    for shown in _panels(wanted, estimates):
        found = [_line(estimates, m, shown.metric, shown.group) for m in _chosen(wanted, estimates)]
        lines = tuple(line for line in found if line is not None)
        floor = _floor(wanted, estimates, shown)
        made.append(Panel(shown.title, above, shown.unit, lines, floor=floor))
    return made


def series(wanted: Wanted, estimates: Estimates, above: str) -> list[Panel]:
    """Quantities inside the evaluation episode."""
    made = []
    for shown in _panels(wanted, estimates):
        lines = []
        for method in _chosen(wanted, estimates):
            found = estimates.series(method, shown.metric, shown.group)
            if found is not None:
                lines.append(Line(method, *found))
        floor = _running_floor(wanted, estimates, shown.floor)
        made.append(Panel(shown.title, above, shown.unit, tuple(lines), whole=True, floor=floor))
    return made


def _line(
    estimates: Estimates, method: str, metric: str, group: str, dashed: bool = False
) -> Line | None:
    """A learner's curve, or the final value of a rule as a level."""
    found = estimates.curve(method, metric, group)
    if found is not None:
        return Line(method, *found, dashed=dashed)
    final = estimates.interval(method, metric, group)
    if method in estimates.learned or not np.isfinite(final.estimate):
        return None
    return Line(method, np.zeros(1), np.full((3, 1), final.estimate), level=True)


def gaps(wanted: Wanted, estimates: Estimates, above: str) -> list[Panel]:
    """The true credit gap solid, the observed one dashed."""
    chosen = [m for m in _chosen(wanted, estimates) if m in estimates.learned]
    lines = []
    for method in chosen:
        lines.append(_line(estimates, method, "credit_gap_true", ""))
        lines.append(_line(estimates, method, "credit_gap_observed", "", dashed=True))
    kept = tuple(line for line in lines if line is not None)
    return [Panel("Credit gap: true solid, observed dashed", above, "levels", kept, from_zero=True)]


def decisions(wanted: Wanted, estimates: Estimates, above: str) -> list[Panel]:
    """Cumulative approvals, a panel per group."""
    word = "Admissions" if is_admissions(estimates.run.experiment) else "Loans"
    made = []
    for group in estimates.run.groups:
        lines = []
        for method in _chosen(wanted, estimates):
            found = estimates.series(method, "approvals", group)
            if found is not None:
                steps, band = found
                kept = np.unique(np.linspace(0, len(steps) - 1, 30).round().astype(int))
                lines.append(Line(method, steps[kept], band[:, kept]))
        title = f"{word}, {group}"
        made.append(Panel(title, above, "count", tuple(lines), from_zero=True))
    return made


def bar_panels(wanted: Wanted, estimates: Estimates, above: str) -> list[BarPanel]:
    """Final values of every method."""
    made = []
    for shown in _panels(wanted, estimates):
        values = _values(wanted, estimates, shown)
        floor = _floor(wanted, estimates, shown)
        made.append(BarPanel(shown.title, above, shown.unit, values, floor))
    return made


def trade_off_panel(wanted: Wanted, estimates: Estimates, above: str) -> TradeOffPanel:
    """Two measures of every method that has both."""
    x, y = (_values(wanted, estimates, shown) for shown in _panels(wanted, estimates))
    both = [m for m in x if np.isfinite([x[m].estimate, y[m].estimate]).all()]
    return TradeOffPanel(above, {m: x[m] for m in both}, {m: y[m] for m in both})


def axis_words(wanted: Wanted, estimates: Estimates) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Titles and units of the measures of a figure."""
    shown = _panels(wanted, estimates)
    return tuple(one.title for one in shown), tuple(one.unit for one in shown)


def _values(wanted: Wanted, estimates: Estimates, shown: Shown) -> dict[str, Interval]:
    chosen = _chosen(wanted, estimates)
    if shown.exact:
        return {m: share_interval(estimates.values(m, shown.metric, shown.group)) for m in chosen}
    return {m: estimates.interval(m, shown.metric, shown.group) for m in chosen}


def rate_panels(wanted: Wanted, estimates: Estimates, above: str) -> list[RatePanel]:
    """Approvals per decision at every level, of each method that has records of them."""
    made = []
    for method in _chosen(wanted, estimates):
        found = tuple(loan_rates(estimates, method, group) for group in estimates.run.groups)
        if any(rates is not None for rates in found):
            made.append(RatePanel(method_title(method), above, found))
    return made
