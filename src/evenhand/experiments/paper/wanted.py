"""Which figures and columns of tables a study's figures file asks for."""

from dataclasses import dataclass
from typing import Any

from evenhand.core.errors import InputError, unknown_name
from evenhand.experiments.paper.fields import keys_checked
from evenhand.experiments.paper.quantities import check_metric
from evenhand.experiments.paper.study import Study
from evenhand.experiments.paper_records import read_toml
from evenhand.experiments.tables import SERIES

KINDS = (
    "training-curves",
    "series",
    "cumulative-decisions",
    "bars",
    "loan-rates",
    "gap-true-and-observed",
    "trade-off",
    "task-boxes",
    "share-map",
)
# Kinds whose panels show a measure of every task that a trial has.
BY_TASK = ("task-boxes", "share-map")
_KEYS = {"name", "kind", "title", "caption", "scenarios", "panels", "methods"}
_PANEL = {"metric", "group", "title", "floor", "line", "line_title", "exact", "none", "all"}
_COLUMN = {"metric", "group", "title", "better", "exact", "table"}
BETTER = ("higher", "lower", "neither")


@dataclass(frozen=True)
class Wanted:
    """One figure that is asked for; `methods` () stands for all of them."""

    name: str
    kind: str
    title: str
    caption: str
    scenarios: tuple[str, ...]
    panels: tuple[dict[str, Any], ...]
    methods: tuple[str, ...]


@dataclass(frozen=True)
class WantedColumn:
    """One column of the tables; `better` says which value is marked: higher, lower or neither.

    `exact` is for shares of seeds, whose interval is then the exact one. With a `table` the column
    is of a further table of that title.
    """

    metric: str
    group: str = ""
    title: str = ""
    better: str = "neither"
    exact: bool = False
    table: str = ""


def read_columns(study: Study) -> tuple[WantedColumn, ...]:
    """The columns that the study's figures file asks for; () for those of every study."""
    path = study.beside("figures")
    tables = read_toml(path).get("columns", []) if path.is_file() else []
    made = []
    for number, table in enumerate(tables, 1):
        where = f"{path}: column {number}"
        keys_checked("key of [[columns]]", table, _COLUMN, where)
        if "metric" not in table:
            raise InputError(f"{where}: every column needs a metric")
        check_metric(table["metric"], study.kind, where)
        if table.get("better", "neither") not in BETTER:
            raise InputError(f"{where}: {unknown_name('better', str(table['better']), BETTER)}")
        if not isinstance(table.get("exact", False), bool):
            raise InputError(f"{where}: exact is true or false, got {table['exact']!r}")
        made.append(WantedColumn(**table))
    return tuple(made)


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
        if table["kind"] in BY_TASK and not (study.kind and table.get("panels")):
            raise InputError(
                f"{where}: a figure of kind {table['kind']} is of trials with tasks, and needs "
                'panels = [{ metric = "..." }]'
            )
        for panel in table.get("panels", []):
            _check_panel(panel, table["kind"], study.kind, where)
        if table["kind"] == "trade-off" and len(table.get("panels", [])) != 2:
            raise InputError(f"{where}: a trade-off has two panels, the measures of its two axes")
        for name in table.get("scenarios", []):
            if name not in names:
                raise InputError(f"{where}: {unknown_name('scenario', str(name), names)}")
        made.append(_wanted(table, names))
    return tuple(made)


def _check_panel(panel: Any, kind: str, trial: str, where: str) -> None:
    """Raise an `InputError` for a panel of a measure that no run has."""
    keys_checked("key of a panel", panel, _PANEL, where)
    if "metric" not in panel:
        raise InputError(f"{where}: every panel needs a metric")
    for metric in (panel["metric"], panel.get("floor", panel["metric"])):
        if kind == "series" and metric not in SERIES:
            raise InputError(f"{where}: {unknown_name('series', str(metric), SERIES)}")
        if kind in ("bars", "trade-off") or trial:
            check_metric(metric, trial, where)
    if "floor" in panel:
        check_metric(panel["floor"], trial, where)
    line = panel.get("line", 0)
    if isinstance(line, bool) or not isinstance(line, int | float):
        raise InputError(f"{where}: the line of a panel is a number, got {line!r}")
    if ("line" in panel) != ("line_title" in panel) or {"line", "floor"} <= panel.keys():
        raise InputError(f"{where}: a panel has a line with its line_title, or a floor, or neither")


def _wanted(table: dict[str, Any], scenarios: tuple[str, ...]) -> Wanted:
    title, caption = (" ".join(str(table.get(key, "")).split()) for key in ("title", "caption"))
    shown = tuple(table.get("scenarios", scenarios))
    panels, methods = tuple(table.get("panels", ())), tuple(table.get("methods", ()))
    return Wanted(str(table["name"]), table["kind"], title, caption, shown, panels, methods)


def shown_metrics(study: Study, kind: str) -> set[str]:
    """The measures that figures of a kind ask for by name."""
    figures = [wanted for wanted in read_figures(study) if wanted.kind == kind]
    panels = [panel for wanted in figures for panel in panels_of(wanted)]
    return {panel[name] for panel in panels for name in ("metric", "floor") if name in panel}


def panels_of(wanted: Wanted, admissions: bool = False) -> tuple[dict[str, Any], ...]:
    """The panels of a figure; those of its kind where it names none."""
    if wanted.panels:
        return wanted.panels
    last = "social_burden" if admissions else "credit_gap_true"
    gaps = {"metric": "qualification_gain_difference", "floor": "qualification_gain_noise_floor"}
    if wanted.kind == "series":
        return ({"metric": "return"}, gaps)
    return tuple({"metric": name} for name in ("return", "recall_difference", last))
