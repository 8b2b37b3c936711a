"""The numbers of a run as plain values, for JSON and for the terminal."""

from typing import TYPE_CHECKING, Any

import numpy as np

from evenhand.experiments import sentences, statistics
from evenhand.experiments.estimates import Estimates
from evenhand.experiments.record import Run
from evenhand.experiments.statistics import Interval
from evenhand.experiments.wording import figure_of, measure_words, method_title, range_of

if TYPE_CHECKING:
    from rich.table import Table

# The key table: (metric, per group, unit, heading).
COLUMNS = (
    ("return", False, "reward", "Return"),
    ("return_by_group", True, "reward", "Return"),
    ("approval_rate", True, "share", "Approval rate"),
    ("recall", True, "share", "Recall"),
    ("recall_difference", False, "share", "Recall gap"),
    ("credit_gap_true", False, "levels", "Credit gap"),
    ("qualification_gain_difference", False, "gain", "Gain difference"),
)


def columns_of(estimates: Estimates) -> list[tuple[str, str, str, str]]:
    """(metric, group, unit, heading) of every column of the key table that the run has."""
    columns = []
    for metric, by_group, unit, heading in COLUMNS:
        for group in estimates.run.groups if by_group else ("",):
            if estimates.has(metric, group):
                columns.append((metric, group, unit, heading))
    return columns


def comparisons(estimates: Estimates) -> list[dict[str, Any]]:
    """Every other method's return against the headline method's, over shared seeds."""
    ours = estimates.values(estimates.headline, "return")
    rows = []
    for method in estimates.run.methods:
        if method == estimates.headline:
            continue
        theirs = estimates.values(method, "return")
        rows.append(
            {
                "method": method,
                "difference": statistics.paired_difference(ours, theirs, estimates.generator()),
                "probability": statistics.probability_of_improvement(
                    ours, theirs, estimates.generator()
                ),
            }
        )
    return rows


def summary(run: Run) -> dict[str, Any]:
    """What the page says, as values that JSON can hold; no data is None."""
    estimates = Estimates(run)
    methods = {
        method: {
            (f"{metric} {group}" if group else metric): _plain(
                estimates.interval(method, metric, group)
            )
            for metric, group, *_ in columns_of(estimates)
        }
        for method in run.methods
    }
    return {
        "name": run.experiment.get("name", run.folder.name),
        "digest": run.digest,
        "env": run.experiment.get("env"),
        "groups": list(run.groups),
        "seeds": len(run.seeds),
        "answer": sentences.answer(estimates),
        "methods": methods,
        "distance": {
            criterion: {method: _distance(estimates, method, criterion) for method in run.methods}
            for criterion in estimates.criteria
        },
        "paired_differences": {
            row["method"]: {
                "headline": estimates.headline,
                "difference": _plain(row["difference"]),
                "probability_of_improvement": _plain(row["probability"]),
            }
            for row in comparisons(estimates)
        },
    }


def summary_table(run: Run) -> "Table":
    """The key table for a terminal: intervals for the return and the distance only."""
    from rich import box
    from rich.table import Table

    estimates = Estimates(run)
    columns = columns_of(estimates)
    criterion = next(iter(estimates.criteria), None)
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("method")
    for _, group, _, heading in columns:
        table.add_column(f"{heading.lower()}\n{group}".strip(), justify="right")
    if criterion:
        table.add_column("below the\nexact line", justify="right")
    for method in run.methods:
        cells = [method_title(method)]
        for metric, group, unit, _ in columns:
            found = estimates.interval(method, metric, group)
            cells.append(figure_of(found.estimate, unit))
            if metric == "return":
                cells[-1] += f"\n{range_of(found, unit)}".rstrip()
        if criterion:
            gap = estimates.distance(method, criterion).gap
            cells.append(f"{figure_of(gap.estimate)}\n{range_of(gap)}".rstrip())
        table.add_row(*(cell.replace("[", r"\[") for cell in cells))
    return table


def _distance(estimates: Estimates, method: str, criterion: str) -> dict[str, Any]:
    found = estimates.distance(method, criterion)
    return {
        "disparity": _plain(found.disparity),
        "best": _number(found.best),
        "gap": _plain(found.gap),
        "relative": _number(found.relative),
    }


def _plain(interval: Interval) -> dict[str, Any]:
    return {
        "estimate": _number(interval.estimate),
        "low": _number(interval.low),
        "high": _number(interval.high),
        "seeds": interval.num,
    }


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def metric_titles(estimates: Estimates) -> list[str]:
    """The measures that the run has, in the order of the key table and then by name."""
    ids = list(estimates.run.final["metric"].unique(maintain_order=True))
    plain = [i for i in ids if not i.startswith("criterion:") and not i.endswith("_difference")]
    return sorted(plain, key=lambda i: (not measure_words(i).meaning, plain.index(i)))
