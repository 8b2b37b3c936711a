"""One table over all scenarios: a row for each with a measure, a column for each method."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evenhand.core.errors import InputError, unknown_name
from evenhand.experiments.estimates import Estimates
from evenhand.experiments.markup import Markup, tag
from evenhand.experiments.page import cell, table
from evenhand.experiments.paper.fields import keys_checked
from evenhand.experiments.paper.quantities import check_metric
from evenhand.experiments.paper.study import Study
from evenhand.experiments.paper.table import as_text, best
from evenhand.experiments.paper.wanted import BETTER
from evenhand.experiments.paper.words import measure_of
from evenhand.experiments.paper_records import read_toml
from evenhand.experiments.statistics import Interval
from evenhand.experiments.wording import method_title

_KEYS = {"title", "metrics", "methods"}
_METRIC = {"metric", "better"}


@dataclass(frozen=True)
class Overview:
    """What the table shows; `methods` () stands for all of them."""

    title: str
    metrics: tuple[tuple[str, str], ...]
    """Each measure, and whether "higher", "lower" or "neither" is better."""
    methods: tuple[str, ...] = ()


@dataclass(frozen=True)
class OverviewRow:
    """A scenario with a measure: heading, measure, unit, values by method, and the best ones."""

    scenario: str
    measure: str
    unit: str
    values: dict[str, Interval]
    best: set[str]


def read_overview(study: Study) -> Overview | None:
    """The overview that the study's figures file asks for in `[overview]`, if it does."""
    path = study.beside("figures")
    asked = read_toml(path).get("overview") if path.is_file() else None
    if asked is None:
        return None
    where = f"{path}: [overview]"
    keys_checked("key of [overview]", asked, _KEYS, where)
    metrics = []
    for one in asked.get("metrics", ()):
        keys_checked("key of a metric", one, _METRIC, where)
        if "metric" not in one:
            raise InputError(f'{where}: metrics are tables such as {{ metric = "..." }}')
        check_metric(one["metric"], study.kind, where)
        better = str(one.get("better", "neither"))
        if better not in BETTER:
            raise InputError(f"{where}: {unknown_name('better', better, BETTER)}")
        metrics.append((one["metric"], better))
    if not metrics:
        raise InputError(f"{where} needs metrics")
    return Overview(
        str(asked.get("title", "Overview")), tuple(metrics), tuple(asked.get("methods", ()))
    )


def overview_rows(
    asked: Overview, study: Study, runs: Mapping[str, Estimates]
) -> list[OverviewRow]:
    """The rows of the table, scenario by scenario."""
    made = []
    for name, estimates in runs.items():
        for metric, better in asked.metrics:
            words = measure_of(metric, estimates.run.experiment)
            values = {m: estimates.interval(m, metric) for m in _methods(asked, runs)}
            higher = {"higher": True, "lower": False}.get(better)
            title = study.scenario(name).title
            made.append(OverviewRow(title, words.title, words.unit, values, best(values, higher)))
    return made


def overview_html(asked: Overview, study: Study, runs: Mapping[str, Estimates]) -> Markup:
    """The table as a part of a page."""
    methods = _methods(asked, runs)
    heads = ("Scenario and measure", *map(method_title, methods))
    head = tag("tr", *(tag("th", text, scope="col") for text in heads))
    rows = []
    for row in overview_rows(asked, study, runs):
        cells = [cell(row.values[m], row.unit, "best" if m in row.best else None) for m in methods]
        named = tag("th", f"{row.scenario}: {row.measure}", scope="row")
        rows.append(tag("tr", named, *cells))
    return table([head], rows, asked.title)


def overview_markdown(asked: Overview, study: Study, runs: Mapping[str, Estimates]) -> str:
    """The table in Markdown: mean ± half the width of the 95% interval."""
    methods = _methods(asked, runs)
    lines = [
        "| " + " | ".join(("Scenario", "Measure", *map(method_title, methods))) + " |",
        "|---|---" + "|---:" * len(methods) + "|",
    ]
    for row in overview_rows(asked, study, runs):
        cells = [as_text(row.values[m], row.unit, m in row.best) for m in methods]
        lines.append("| " + " | ".join((row.scenario, row.measure, *cells)) + " |")
    return "\n".join(lines) + "\n"


def _methods(asked: Overview, runs: Mapping[str, Estimates]) -> Sequence[str]:
    known = dict.fromkeys(m for estimates in runs.values() for m in estimates.run.methods)
    return [m for m in known if not asked.methods or m in asked.methods]
