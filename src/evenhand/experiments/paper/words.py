"""What claims, tests and learned observation numbers say in sentences."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from evenhand.experiments.estimates import Estimates
from evenhand.experiments.lists import listed
from evenhand.experiments.paper.judging import Judged, Verdict
from evenhand.experiments.paper.quantities import Quantity
from evenhand.experiments.paper.study import Study
from evenhand.experiments.trials.trial import trial_class
from evenhand.experiments.wording import (
    MINUS,
    Measure,
    figure_of,
    is_admissions,
    measure_words,
    method_title,
    range_of,
)

# Adjustable number of a world -> what it is called, and what one unit of it means.
ADJUSTED = {
    "observed_up": ("observed gain on repayment", "levels"),
    "observed_down": ("observed loss on default", "levels"),
    "cost": ("cost of raising the score by a point", "reward"),
}
_REDUCED = {
    "max": "largest over groups",
    "min": "smallest over groups",
    "gap": "gap between groups",
    "mean": "mean over groups",
}


def measure_of(metric: str, about: Mapping[str, Any]) -> Measure:
    """A measure in words, also a gap between groups and an adjustable number.

    `about` is the experiment of a run: its `env`, or the `kind` of its trial.
    """
    if about.get("kind"):
        return trial_class(about["kind"]).measure(metric)
    admissions = is_admissions(about)
    kind, colon, name = metric.partition(":")
    if colon and kind == "adjusted":
        title, unit = ADJUSTED.get(name, (name.replace("_", " "), "number"))
        return Measure(title.capitalize(), unit, "", "")
    for end, more in (
        ("_signed_difference", ", first minus second group"),
        ("_difference", " gap"),
    ):
        if metric.endswith(end):
            plain = measure_words(metric.removesuffix(end), admissions)
            return Measure(f"{plain.title}{more}", plain.unit, plain.meaning, plain.harm)
    return measure_words(metric, admissions)


def unit_of(used: Quantity, study: Study) -> str:
    """The unit of a quantity; a share of another method's is no share of people."""
    about = study.scenario(used.scenario).experiment.to_json()
    return "number" if used.per else measure_of(used.metric, about).unit


def quantity_words(used: Quantity, study: Study) -> str:
    """What is compared, without its method: "Recall, group 2, lending"."""
    scenario = study.scenario(used.scenario)
    parts = [measure_of(used.metric, scenario.experiment.to_json()).title]
    if used.reduce:
        parts.append(_REDUCED[used.reduce])
    elif used.group:
        parts.append(f"{used.group} {MINUS} {used.minus_group}" if used.minus_group else used.group)
    if used.minus:
        parts.append(f"change from {method_title(used.minus)}")
    if used.absolute:
        parts.append("without sign")
    if used.per:
        parts.append(f"as a multiple of {method_title(used.per)}'s")
    return f"{', '.join(parts)} ({scenario.title})"


def comparison_words(judged: Judged, study: Study) -> tuple[str, str]:
    """What is compared with both sides' means, and what is asked of the difference."""
    test = judged.test
    what, unit = quantity_words(test.a, study), unit_of(test.a, study)
    left = f"{method_title(test.a.method)} {figure_of(judged.a, unit)}"
    if not isinstance(test.b, Quantity):
        return f"{what}: {left}", _asked(judged, unit, figure_of(test.b, unit))
    times = f"{test.b.times:g} \N{MULTIPLICATION SIGN} " if test.b.times != 1 else ""
    name = f"{times}{method_title(test.b.method)}"
    right, other = f"{name} {figure_of(judged.b, unit)}", quantity_words(test.b, study)
    if what != other:
        name = "the second"
        right = f"{right} in {other[0].lower()}{other[1:]}"
    return f"{what}: {left}, {right}", _asked(judged, unit, name)


def _asked(judged: Judged, unit: str, other: str) -> str:
    margin, relation = judged.margin, judged.test.relation
    size = figure_of(abs(margin), unit)
    if relation == "close":
        return f"within {size} of {other}"
    side = "above" if relation == "greater" else "below"
    if margin == 0:
        return f"{side} {other}"
    if margin > 0:
        return f"{side} {other} by more than {size}"
    return f"{side} {other}, or short of it by less than {size}"


def interval_words(judged: Judged, study: Study) -> str:
    """The difference with its interval, "" where there is no data."""
    unit = unit_of(judged.test.a, study)
    if not judged.difference.num:
        return "no data"
    found = judged.difference
    return f"{figure_of(found.estimate, unit, True)} {range_of(found, unit, True)}".strip()


def answer(verdicts: list[Verdict]) -> str:
    """The page in one sentence."""
    count = {kind: sum(v.verdict == kind for v in verdicts) for kind in _SAID}
    told = [f"{n} {_SAID[kind][n != 1]}" for kind, n in count.items() if n]
    plural = "claim" if len(verdicts) == 1 else "claims"
    return f"Of {len(verdicts)} {plural} of the paper, {listed(told)} in this reproduction."


# For one claim, and for several.
_SAID = {
    "holds": ("holds", "hold"),
    "does not hold": ("does not hold", "do not hold"),
    "undecided": ("is undecided", "are undecided"),
}


def learned(estimates: Estimates) -> list[str]:
    """A sentence per method that learned other observation numbers than the world's own."""
    world = estimates.run.world.get("adjustable") or {}
    told = []
    for method in estimates.run.methods:
        parts = []
        for name, own in world.items():
            title, unit = ADJUSTED.get(name, (name.replace("_", " "), "number"))
            cells = [
                estimates.interval(method, f"adjusted:{name}", g) for g in estimates.run.groups
            ]
            means = np.array([cell.estimate for cell in cells])
            if not np.isfinite(means).all() or np.allclose(means, own, atol=1e-6):
                continue
            each = [
                f"{figure_of(cell.estimate, unit)} {range_of(cell, unit)}".strip() + f" for {group}"
                for cell, group in zip(cells, estimates.run.groups, strict=True)
            ]
            true = ", ".join(dict.fromkeys(f"{value:g}" for value in own))
            article = "an" if title[0] in "aeiou" else "a"
            parts.append(f"{article} {title} of {listed(each)}, where the world's own is {true}")
        if parts:
            told.append(f"{method_title(method)} shows {'; and '.join(parts)}.")
    return told
