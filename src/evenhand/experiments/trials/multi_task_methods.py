"""From the names of a multi-task trial's methods to classifiers, and from their fits to rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float

from evenhand.core.errors import InputError
from evenhand.experiments.trials.trial import Rows
from evenhand.metrics.multi_task import relative_accuracy, relative_violation
from evenhand.supervised.classifier import MultiTaskClassifier
from evenhand.supervised.fair_branch import FairBranch
from evenhand.supervised.mtaf import MTAF, SEARCHED_WEIGHTS
from evenhand.supervised.multi_task_table import MultiTaskTable
from evenhand.supervised.shared_classifiers import L2TFMT, GreedyFMT, VanillaMTL
from evenhand.supervised.single_task import SingleTask

_CLASSIFIERS: dict[str, Any] = {
    "fair-branch": FairBranch,
    "g-fmt": GreedyFMT,
    "l2t-fmt": L2TFMT,
    "mta-f": MTAF,
    "single-task": SingleTask,
    "vanilla-mtl": VanillaMTL,
}
# What the trial says for all methods, or the seed does.
_GIVEN = ("epochs", "batch_size", "validation_fraction", "random_state")
METHODS: dict[str, tuple[str, ...]] = {
    name: tuple(field.name for field in fields(made) if field.name not in _GIVEN)
    for name, made in _CLASSIFIERS.items()
}


def classifier_of(
    method: str, options: Mapping[str, Any], common: Mapping[str, Any], preset: str
) -> MultiTaskClassifier:
    """The classifier of this name in a preset; `common` are the fields that all methods share.

    Its settings are tried, so that a wrong one is told before any training.
    """
    made = _CLASSIFIERS[method]
    settings = {**common, **options}
    try:
        found = made.paper(**settings) if preset == "paper" else made(**settings)
        found._check_settings()
    except TypeError as error:
        told = str(error).splitlines()[0]
        raise InputError(f"{method}: an option has a value of the wrong kind: {told}") from error
    except InputError as error:
        raise InputError(f"{method}: {error}") from error
    return found


def fitted(
    made: MultiTaskClassifier,
    searched: bool,
    table: MultiTaskTable,
    after_epoch: Callable[[int, Any], None],
) -> MultiTaskClassifier:
    """The classifier after training on the table's training part; see `is_searched`."""
    settings = made.get_params() if searched else {}
    settings.pop("fairness_weights", None)
    fit = partial(MTAF.searched, **settings) if searched else made.fit
    return fit(
        table.X_train, table.Y_train, sensitive_features=table.s_train,
        validation=table.part("val"), after_epoch=after_epoch,
    )  # fmt: skip


def is_searched(method: str, options: Mapping[str, Any]) -> bool:
    """Whether a weight is chosen on the validation part: MTA-F's, where no option gives it."""
    return method == "mta-f" and "fairness_weights" not in options


def num_fits(method: str, options: Mapping[str, Any]) -> int:
    """How often a method trains for one result."""
    return len(SEARCHED_WEIGHTS) if is_searched(method, options) else 1


def rows_of(
    tasks: Sequence[str],
    accuracy: Float[np.ndarray, " M"],
    violation: Float[np.ndarray, " M"],
    history: Mapping[str, np.ndarray],
    spent: Mapping[str, float],
) -> Rows:
    """Final measures on the test part, and curves over epochs on the validation part."""
    final = [
        *_by_task("accuracy", tasks, accuracy),
        *_by_task("violation", tasks, violation),
        _row("mean_accuracy", np.mean(accuracy)),
        _row("mean_violation", np.mean(violation)),
        _row("largest_violation", np.max(violation)),
        *(_row(name, seconds) for name, seconds in spent.items()),
    ]
    shares = _choices(history)
    if shares is not None:
        final += _by_task("worst_group_share", tasks, shares.mean(0))
    return {"final": final, "curves": _curves(tasks, history, shares)}


def relative_rows(tasks: Sequence[str], rows: Rows, alone: Rows) -> list[dict[str, Any]]:
    """ARA and AREO of a part, relative to the single-task part of the same seed."""
    together, single = (_values(part, tasks) for part in (rows, alone))
    return [
        _row("ARA", relative_accuracy(together["accuracy"], single["accuracy"])),
        _row("AREO", relative_violation(together["violation"], single["violation"])),
    ]


def _choices(history: Mapping[str, np.ndarray]) -> Float[np.ndarray, "E M"] | None:
    """Share of an epoch's batches that a task was trained for the worst group in."""
    return history["choice"].mean(1) if "choice" in history else None


def _curves(
    tasks: Sequence[str], history: Mapping[str, np.ndarray], shares: np.ndarray | None
) -> list[dict[str, Any]]:
    curves = {f"validation_{name}": history[name] for name in ("accuracy", "violation")}
    if shares is not None:
        curves["worst_group_share"] = shares
    rows = []
    for name, values in curves.items():
        for epoch, found in enumerate(np.asarray(values), 1):
            points = [*_by_task(name, tasks, found), _row(name, found.mean())]
            rows += [point | {"env_steps": epoch} for point in points]
    return rows


def _values(rows: Rows, tasks: Sequence[str]) -> dict[str, list[float]]:
    """Accuracies and violations in the order of the tasks."""
    found = {row["metric"]: row["value"] for row in rows["final"]}
    names = ("accuracy", "violation")
    return {name: [found[f"{name}:{task}"] for task in tasks] for name in names}


def _by_task(name: str, tasks: Sequence[str], values: np.ndarray) -> list[dict[str, Any]]:
    return [_row(f"{name}:{task}", one) for task, one in zip(tasks, values, strict=True)]


def _row(metric: str, value: Any) -> dict[str, Any]:
    return {"metric": metric, "group": "", "value": float(value)}
