"""The figures of a study: what its figures file asks for, drawn from its runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from evenhand.core.errors import InputError, unknown_name
from evenhand.experiments.estimates import Estimates
from evenhand.experiments.figures.bars import BarPanel, bars
from evenhand.experiments.figures.study import Line, Panel, Panels, study_figure
from evenhand.experiments.paper.fields import keys_checked
from evenhand.experiments.paper.study import Study
from evenhand.experiments.paper.words import measure_of
from evenhand.experiments.paper_records import read_toml
from evenhand.experiments.wording import is_admissions

KINDS = ("training-curves", "cumulative-decisions", "bars", "gap-true-and-observed")
_KEYS = {"name", "kind", "title", "caption", "scenarios", "panels", "methods"}
_PANEL = {"metric", "group", "title"}
Runs = Mapping[str, Estimates]


@dataclass(frozen=True)
class Wanted:
    """One figure that is asked for; `methods` () stands for all of them."""

    name: str
    kind: str
    title: str
    caption: str
    scenarios: tuple[str, ...]
    panels: tuple[dict[str, str], ...]
    methods: tuple[str, ...]


def read_figures(study: Study) -> tuple[Wanted, ...]:
    """The figures of a study's file; without a file, curves of the main measures."""
    path = study.beside("figures")
    if path.is_file():
        tables = read_toml(path).get("figures", [])
    else:
        tables = [{"name": "curves", "kind": "training-curves", "title": "Training."}]
    names = tuple(scenario.name for scenario in study.scenarios)
    made = []
    for number, table in enumerate(tables, 1):
        where = f"{path}: figure {table.get('name', number)!r}"
        keys_checked("key of [[figures]]", table, _KEYS, where)
        if not {"name", "kind"} <= table.keys():
            raise InputError(f"{where}: every figure needs a name and a kind")
        if table["kind"] not in KINDS:
            raise InputError(f"{where}: {unknown_name('kind', str(table['kind']), KINDS)}")
        for panel in table.get("panels", []):
            keys_checked("key of a panel", panel, _PANEL, where)
        for name in table.get("scenarios", []):
            if name not in names:
                raise InputError(f"{where}: {unknown_name('scenario', str(name), names)}")
        made.append(_wanted(table, names))
    return tuple(made)


def _wanted(table: dict[str, Any], scenarios: tuple[str, ...]) -> Wanted:
    title, caption = (" ".join(str(table.get(key, "")).split()) for key in ("title", "caption"))
    shown = tuple(table.get("scenarios", scenarios))
    panels, methods = tuple(table.get("panels", ())), tuple(table.get("methods", ()))
    return Wanted(str(table["name"]), table["kind"], title, caption, shown, panels, methods)


def drawings(study: Study, runs: Runs) -> list[tuple[Wanted, Callable[[str], Figure]]]:
    """The figures for which there are runs, each with a function of the width that draws it."""
    order = tuple(dict.fromkeys(m for s in study.scenarios for m in s.experiment.methods))
    made = []
    for wanted in read_figures(study):
        draw = _drawing(wanted, study, runs, order)
        if draw is not None:
            made.append((wanted, draw))
    return made


def _drawing(wanted: Wanted, study: Study, runs: Runs, order: tuple[str, ...]) -> Any:
    shown = [name for name in wanted.scenarios if name in runs]
    titles = {s.name: s.title for s in study.scenarios}
    above = titles if len(wanted.scenarios) > 1 else dict.fromkeys(titles, "")
    if wanted.kind == "bars":
        made = [p for name in shown for p in _bar_panels(wanted, runs[name], above[name])]
        return partial(bars, made, order) if made else None
    kinds = {
        "training-curves": _curves,
        "gap-true-and-observed": _gaps,
        "cumulative-decisions": _decisions,
    }
    rows = [kinds[wanted.kind](wanted, runs[name], above[name]) for name in shown]
    panels = tuple(panel for row in rows for panel in row if panel.lines)
    if not panels:
        return None
    decisions = wanted.kind == "cumulative-decisions"
    along = "decisions in the evaluation episode" if decisions else "environment steps of training"
    columns = max(map(len, rows)) if max(map(len, rows)) > 1 else len(panels)
    return partial(study_figure, Panels(panels, columns, along, order, banded=not decisions))


def _chosen(wanted: Wanted, estimates: Estimates) -> list[str]:
    return [m for m in estimates.run.methods if not wanted.methods or m in wanted.methods]


def _panels(wanted: Wanted, estimates: Estimates) -> list[tuple[str, str, str, str]]:
    """(metric, group, title, unit) of every panel of a scenario."""
    admits = is_admissions(estimates.run.experiment)
    last = "social_burden" if admits else "credit_gap_true"
    default = [{"metric": name} for name in ("return", "recall_difference", last)]
    found = []
    for panel in wanted.panels or default:
        metric, group = panel["metric"], panel.get("group", "")
        words = measure_of(metric, admits)
        title = panel.get("title") or ", ".join(filter(None, (words.title, group)))
        found.append((metric, group, title, words.unit))
    return found


def _curves(wanted: Wanted, estimates: Estimates, above: str) -> list[Panel]:
    made = []
    for metric, group, title, unit in _panels(wanted, estimates):
        lines = [_line(estimates, m, metric, group) for m in _chosen(wanted, estimates)]
        made.append(Panel(title, above, unit, tuple(line for line in lines if line is not None)))
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


def _gaps(wanted: Wanted, estimates: Estimates, above: str) -> list[Panel]:
    """The true credit gap solid, the observed one dashed."""
    chosen = [m for m in _chosen(wanted, estimates) if m in estimates.learned]
    lines = []
    for method in chosen:
        lines.append(_line(estimates, method, "credit_gap_true", ""))
        lines.append(_line(estimates, method, "credit_gap_observed", "", dashed=True))
    kept = tuple(line for line in lines if line is not None)
    return [Panel("Credit gap: true solid, observed dashed", above, "levels", kept, from_zero=True)]


def _decisions(wanted: Wanted, estimates: Estimates, above: str) -> list[Panel]:
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


def _bar_panels(wanted: Wanted, estimates: Estimates, above: str) -> list[BarPanel]:
    return [
        BarPanel(
            title, above, unit,
            {m: estimates.interval(m, metric, group) for m in _chosen(wanted, estimates)},
        )
        for metric, group, title, unit in _panels(wanted, estimates)
    ]  # fmt: skip
