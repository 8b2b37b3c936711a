"""Names and meanings: what each measure says, and whom a bad value harms."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evenhand.experiments.variants import base_method, variant_settings
from evenhand.experiments.wording_admissions import ADMISSIONS
from evenhand.experiments.wording_effects import EFFECTS
from evenhand.experiments.wording_learners import LEARNERS
from evenhand.experiments.wording_rules import RULES
from evenhand.experiments.wording_trials import TRIAL_METHODS

MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Measure:
    """A measure in words.

    `unit` is "share", "reward", "gain", "levels", "count", "number", or "rates" for a difference
    of rates, told in three digits.
    """

    title: str
    unit: str
    meaning: str
    harm: str


MEASURES: dict[str, Measure] = {
    "return": Measure(
        "Return",
        "reward",
        "What the decision-maker earns over one episode: every repaid loan adds, every default "
        "subtracts.",
        "A low value harms the lender; a lender that loses money stops lending to anybody.",
    ),
    "return_by_group": Measure(
        "Return by group",
        "reward",
        "The part of the return that comes from decisions about each group.",
        "A negative value means that a group's approvals lose money, which also means defaults "
        "that lower its members' scores.",
    ),
    "profit_rate": Measure(
        "Profit rate",
        "share",
        "Return from a group per decision about it.",
        "A group with a low rate is one the lender has a reason to avoid.",
    ),
    "approval_rate": Measure(
        "Approval rate",
        "share",
        "Approvals per decision. An equal rate is demographic parity.",
        "A low rate for one group harms its applicants as a whole: they go without credit, "
        "including those who would have repaid.",
    ),
    "recall": Measure(
        "Recall",
        "share",
        "Approvals among applicants who would repay. An equal recall is equality of opportunity.",
        "A low value harms people who would have repaid and were turned away; a gap means that "
        "one group bears more of these refusals.",
    ),
    "credit_gap_true": Measure(
        "Credit gap",
        "levels",
        "Distance (1-Wasserstein) between the groups' true score distributions at the end.",
        "A large value harms the group left at lower scores: its next applications, here or "
        "elsewhere, start from there.",
    ),
    "credit_gap_observed": Measure(
        "Observed credit gap",
        "levels",
        "The same distance between the scores that the decision-maker sees.",
        "Where it is smaller than the true gap, the record hides a difference in people's lives.",
    ),
    "qualification_gain": Measure(
        "Qualification gain",
        "gain",
        "How much the members of a group moved up or down in qualification, summed over them.",
        "A negative value means that the loans left the group worse off than before.",
    ),
    **{name: Measure(*words) for name, words in EFFECTS.items()},
}


@dataclass(frozen=True)
class CriterionWords:
    """An unfairness criterion in words."""

    title: str
    unit: str
    axis: str
    meaning: str


CRITERIA: dict[str, CriterionWords] = {
    "gain-disparity": CriterionWords(
        "Gain disparity",
        "gain",
        "difference between groups in qualification gain",
        "the largest difference between groups in summed qualification gain",
    ),
    "approval-gap": CriterionWords(
        "Approval gap",
        "share",
        "difference between groups in approval rate",
        "the largest difference between groups in approvals per decision",
    ),
    "recall-gap": CriterionWords(
        "Recall gap",
        "share",
        "difference between groups in recall",
        "the largest difference between groups in approvals of people who would repay",
    ),
    "score-w1": CriterionWords(
        "Score distance",
        "levels",
        "distance between the groups' final scores, in levels",
        "the distance (1-Wasserstein) between the groups' final score distributions",
    ),
}

METHODS: dict[str, tuple[str, str]] = {**LEARNERS, **RULES, **TRIAL_METHODS}


def method_title(name: str) -> str:
    """A method's name as people say it; an unknown name stays as it is."""
    if name in METHODS:
        return METHODS[name][0]
    if settings := variant_settings(name):
        told = ", ".join(f"{_field_words(field)} {text}" for field, text in settings.items())
        base = method_title(base_method(name))
        return f"{base[:-1]}, {told})" if base.endswith(")") else f"{base} ({told})"
    kind, found, rest = name.partition(":")
    return f"Threshold {rest}" if found and kind == "threshold" else name


def _field_words(field: str) -> str:
    """A field as people say it; m_q is a symbol of its paper."""
    return "m_Q" if field == "m_q" else field.replace("_", " ")


def method_meaning(name: str, labels: tuple[str, ...] = ()) -> str:
    """One line about a method, or "" for one that this page does not know."""
    name = base_method(name)
    kind, _, rest = name.partition(":")
    if kind == "threshold" and rest.isdigit() and int(rest) < len(labels):
        return f"approves from level {rest} (score {labels[int(rest)]}) on, in every group"
    return METHODS.get(name, ("", ""))[1]


def criterion_words(name: str) -> CriterionWords:
    """A criterion in words; an unknown one is called by its name."""
    return CRITERIA.get(name) or CriterionWords(name, "number", name, name)


def is_admissions(experiment: Mapping[str, Any]) -> bool:
    """Whether people are admitted once and for all, rather than lent to again and again."""
    return str(experiment.get("env", "")).startswith("Admissions")


def measure_words(metric: str, admissions: bool = False) -> Measure:
    """A measure in words; an unknown one is called by its name."""
    title = metric.replace("_", " ").capitalize()
    if admissions and metric in ADMISSIONS:
        return Measure(*ADMISSIONS[metric])
    return MEASURES.get(metric) or Measure(title, "number", "", "")


def figure_of(value: Any, unit: str = "number", signed: bool = False) -> str:
    """A number as text: about three digits, a share in percent, an en dash for no data."""
    if value is None or value != value:
        return "\N{EN DASH}"
    value = float(value)
    if unit == "share":
        digits, value, suffix = 1, 100 * value, "%"
    elif unit == "rates":
        digits, suffix = 3, ""
    else:
        size = abs(value)
        digits, suffix = 0 if size >= 100 else 1 if size >= 10 else 2, ""
    text = f"{abs(round(value, digits)):,.{digits}f}"
    sign = MINUS if round(value, digits) < 0 else "+" if signed and round(value, digits) > 0 else ""
    return f"{sign}{text}{suffix}"


def range_of(interval: Any, unit: str = "number", signed: bool = False) -> str:
    """An interval as "[low, high]", or "" where there is none."""
    if not interval.bounded:
        return ""
    low, high = (figure_of(end, unit, signed).rstrip("%") for end in (interval.low, interval.high))
    return f"[{low}, {high}]"
