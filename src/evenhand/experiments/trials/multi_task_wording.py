"""The measures of multi-task trials in words."""

from evenhand.experiments.wording import Measure
from evenhand.metrics.multi_task import LEAST_VIOLATION

_UNEQUAL = (
    "In a group with a lower rate of true yeses more people who deserve a yes are refused; in one "
    "with a higher rate of false yeses more are wrongly given one."
)
_VALIDATED = "on the validation part after each epoch; where no task is named, the tasks' mean."

MEASURES: dict[str, Measure] = {
    "accuracy": Measure(
        "Accuracy", "share", "Share of people of the test part a task's prediction is right about.",
        "A low value harms whoever is decided about.",
    ),
    "violation": Measure(
        "EO violation",
        "rates",
        "Violation of equalised odds on the test part: the groups' difference in true-positive "
        "rate plus that in false-positive rate, from 0 to 2 (Roy and Ntoutsi 2022, equation 1).",
        _UNEQUAL,
    ),
    "mean_accuracy": Measure("Mean accuracy", "share", "The mean over tasks.", ""),
    "mean_violation": Measure("Mean EO violation", "rates", "The mean over tasks.", _UNEQUAL),
    "largest_violation": Measure(
        "Largest EO violation", "rates", "That of the task where it is largest.", _UNEQUAL
    ),
    "ARA": Measure(
        "ARA",
        "number",
        "Average relative accuracy: the mean over tasks of accuracy over that of the single-task "
        "classifier of the same seed. Above 1, learning together helped on average.",
        "",
    ),
    "AREO": Measure(
        "AREO",
        "number",
        "Average relative equalised odds: the mean over tasks of the violation over that of the "
        f"single-task classifier of the same seed, or over {LEAST_VIOLATION:g} where that is "
        "larger. One task whose single-task violation is near 0 can outweigh all others, so read "
        "it beside the mean violation. Below 1, the violations are smaller than single-task ones.",
        _UNEQUAL,
    ),
    "worst_group_share": Measure(
        "Batches for the worst group",
        "share",
        "Share of batches in which a task was trained on its worst-group loss, the others on its "
        "accuracy loss; methods that choose no loss have no number.",
        "",
    ),
    "validation_accuracy": Measure(
        "Validation accuracy", "share", f"Accuracy {_VALIDATED}", ""
    ),
    "validation_violation": Measure(
        "Validation EO violation", "rates", f"Violation of equalised odds {_VALIDATED}", _UNEQUAL
    ),
    "seconds": Measure(
        "CPU seconds", "number", "Processor time of the fit, with what was compiled in it.", ""
    ),
    "wall_seconds": Measure(
        "Wall seconds", "number", "Time of the fit, while other fits may run beside it.", ""
    ),
    "seconds_per_epoch": Measure(
        "CPU seconds an epoch", "number", "Processor time of an epoch after the first.", ""
    ),
}  # fmt: skip
