"""The numbers of a run as plain values, for JSON and for the terminal."""

from typing import Any

import numpy as np

from evenhand.experiments import sentences, statistics
from evenhand.experiments.estimates import Estimates
from evenhand.experiments.record import Run
from evenhand.experiments.statistics import Interval
from evenhand.experiments.wording import is_admissions, measure_words

# The key table: (metric, per group, unit, heading).
COLUMNS = (
    ("return", False, "reward", "Return"),
    ("return_by_group", True, "reward", "Return by group"),
    ("approval_rate", True, "share", "Approval rate"),
    ("recall", True, "share", "Recall"),
    ("recall_difference", False, "share", "Recall gap"),
    ("credit_gap_true", False, "levels", "Credit gap"),
    ("qualification_gain_difference", False, "gain", "Gain gap"),
    ("social_burden", True, "reward", "Social burden"),
)
# Left out of the tables where the world has no such thing, rather than shown as no data.
_ONLY_SOME = ("qualification_gain", "social_burden")
_SOME_WORLDS = ("qualification_gain_difference", "social_burden")

# What is the decision-maker's; the other columns are about people.
EARNINGS = ("return", "return_by_group")


def columns_of(estimates: Estimates) -> list[tuple[str, str, str, str]]:
    """(metric, group, unit, heading) of every column of the key table that the run has."""
    columns = []
    admits = is_admissions(estimates.run.experiment)
    for metric, by_group, unit, heading in COLUMNS:
        if metric in _SOME_WORLDS and not _known(estimates, metric):
            continue
        if metric == "credit_gap_true" and admits:  # nothing that is decided moves a true score
            continue
        if metric == "approval_rate" and admits:
            heading = "Admission rate"
        for group in estimates.run.groups if by_group else ("",):
            if estimates.has(metric, group):
                columns.append((metric, group, unit, heading))
    return columns


def _known(estimates: Estimates, metric: str) -> bool:
    """Whether any method has a number for this metric, in any group or over all."""
    return any(
        np.isfinite(estimates.values(method, metric, group)).any()
        for method in estimates.run.methods
        for group in ("", *estimates.run.groups)
    )


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
    admits = is_admissions(estimates.run.experiment)
    ids = list(estimates.run.final["metric"].unique(maintain_order=True))
    plain = [i for i in ids if ":" not in i and not i.endswith("_difference")]
    plain = [i for i in plain if i not in _ONLY_SOME or _known(estimates, i)]
    return sorted(plain, key=lambda i: (not measure_words(i, admits).meaning, plain.index(i)))
