"""The result tables: a row per method, best values marked.

The columns are those of the `[[columns]]` of the study's figures file, else the main measures.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from evenhand.experiments import statistics
from evenhand.experiments.estimates import Estimates
from evenhand.experiments.markup import Markup, join, tag
from evenhand.experiments.page import cell, table
from evenhand.experiments.paper.quantities import REDUCERS
from evenhand.experiments.paper.wanted import WantedColumn
from evenhand.experiments.paper.words import measure_of
from evenhand.experiments.statistics import Interval
from evenhand.experiments.wording import figure_of, is_admissions, method_title, range_of

# Up to this many groups have a column each.
_GROUPS_SHOWN = 3
# A value this close to the best one, as a share of it, is marked like it.
NEAR = 0.05
NOTE = (
    "Mean over seeds with a 95% bootstrap interval. Bold: the best value of a column and any "
    "within 5% of it, as in the paper; a marked difference need not be beyond chance."
)
EXACT = "Shares of runs have exact 95% intervals (Clopper and Pearson)."


@dataclass(frozen=True)
class Column:
    """A column: heading, unit, whether more is better (None: neither), and values by seed.

    `exact` asks for the exact interval of a share of seeds.
    """

    title: str
    unit: str
    higher: bool | None
    values: Callable[[str], np.ndarray]
    exact: bool = False


def by_table(asked: Sequence[WantedColumn]) -> dict[str, list[WantedColumn]]:
    """The columns of the tables by their titles; the main table has none and comes first."""
    made: dict[str, list[WantedColumn]] = {"": []}
    for column in asked:
        made.setdefault(column.table, []).append(column)
    return made


def columns(estimates: Estimates, asked: Sequence[WantedColumn] = ()) -> list[Column]:
    """The columns asked for; else return, recall, recall gap, credit gap or social burden."""
    if asked:
        made = [_asked(estimates, wanted) for wanted in asked]
        # A signed difference, say, is of two groups, and a study may have scenarios of three.
        return [column for column in made if _has_data(estimates, column)]

    def one(metric: str, group: str = "") -> Callable[[str], np.ndarray]:
        return lambda method: estimates.values(method, metric, group)

    made = [Column("Return", "reward", True, one("return"))]
    made += _by_group(estimates, "recall", "Recall", "share", True)
    made.append(Column("Recall gap", "share", False, one("recall_difference")))
    if is_admissions(estimates.run.experiment):
        made += _by_group(estimates, "social_burden", "Burden", "reward", False)
    else:
        made.append(Column("Credit gap", "levels", False, one("credit_gap_true")))
    return made


def _has_data(estimates: Estimates, column: Column) -> bool:
    return any(np.isfinite(column.values(method)).any() for method in estimates.run.methods)


def _asked(estimates: Estimates, wanted: WantedColumn) -> Column:
    words = measure_of(wanted.metric, estimates.run.experiment)
    title = wanted.title or ", ".join(filter(None, (words.title, wanted.group)))
    higher = {"higher": True, "lower": False}.get(wanted.better)

    def values(method: str) -> np.ndarray:
        return estimates.values(method, wanted.metric, wanted.group)

    return Column(title, words.unit, higher, values, wanted.exact)


def _by_group(
    estimates: Estimates, metric: str, title: str, unit: str, higher: bool
) -> list[Column]:
    groups = estimates.run.groups

    def of(group: str) -> Callable[[str], np.ndarray]:
        return lambda method: estimates.values(method, metric, group)

    def over(reduce: str) -> Callable[[str], np.ndarray]:
        reducer = REDUCERS[reduce]
        return lambda method: reducer([estimates.values(method, metric, g) for g in groups], axis=0)

    if len(groups) <= _GROUPS_SHOWN:
        return [Column(f"{title}, {group}", unit, higher, of(group)) for group in groups]
    return [
        Column(f"{words} {title.lower()}", unit, higher, over(reduce))
        for words, reduce in (("Lowest", "min"), ("Highest", "max"))
    ]


def intervals(estimates: Estimates, column: Column) -> dict[str, Interval]:
    """Each method's mean over seeds with its interval."""
    methods = estimates.run.methods
    if column.exact:
        return {method: statistics.share_interval(column.values(method)) for method in methods}
    return {
        method: statistics.mean_interval(column.values(method), estimates.generator())
        for method in methods
    }


def best(found: dict[str, Interval], higher: bool | None) -> set[str]:
    """The methods with the best mean, and those within 5% of it."""
    known = {m: i.estimate for m, i in found.items() if np.isfinite(i.estimate)}
    if not known or higher is None:
        return set()
    top = max(known.values()) if higher else min(known.values())
    return {m for m, value in known.items() if abs(value - top) <= NEAR * abs(top)}


def as_html(estimates: Estimates, label: str, asked: Sequence[WantedColumn] = ()) -> Markup:
    """The table as a part of a page."""
    made = columns(estimates, asked)
    head = tag("tr", *(tag("th", t, scope="col") for t in ("Method", *(c.title for c in made))))
    cells = [(column, found := intervals(estimates, column), best(found, column.higher))
             for column in made]  # fmt: skip
    rows = []
    for method in estimates.run.methods:
        row = [
            cell(found[method], c.unit, "best" if method in marked else None)
            for c, found, marked in cells
        ]
        rows.append(tag("tr", tag("th", method_title(method), scope="row"), *row))
    return join(table([head], rows, label))


def as_markdown(estimates: Estimates, asked: Sequence[WantedColumn] = ()) -> str:
    """The table in Markdown: mean ± half the width of the 95% interval, or an exact one whole."""
    made = columns(estimates, asked)
    cells = [(column, found := intervals(estimates, column), best(found, column.higher))
             for column in made]  # fmt: skip
    lines = [
        "| " + " | ".join(("Method", *(column.title for column in made))) + " |",
        "|---" + "|---:" * len(made) + "|",
    ]
    for method in estimates.run.methods:
        row = [
            as_text(found[method], c.unit, method in marked, c.exact) for c, found, marked in cells
        ]
        lines.append("| " + " | ".join((method_title(method), *row)) + " |")
    return "\n".join(lines) + "\n"


def as_text(found: Interval, unit: str, marked: bool, exact: bool = False) -> str:
    """A cell in Markdown."""
    text = figure_of(found.estimate, unit)
    if exact:
        text += f" {range_of(found, unit)}"
    elif found.bounded:
        text += f" ± {figure_of((found.high - found.low) / 2, unit)}"
    return f"**{text}**" if marked else text
