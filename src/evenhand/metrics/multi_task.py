"""Accuracy and equalised odds of several binary predictions at once, alone and relative to others.

The definition is equalised odds between two groups (Hardt et al. 2016); the harm is unequal error:
who deserves a yes is refused, or who does not is given one, more often in one group. Numbers are
descriptive: they say how large a difference is on these rows, not that a model does no harm.
Axes: N people, T tasks, G = 2 groups, the protected one last.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import ArrayLike

from evenhand.core.errors import InputError

LEAST_VIOLATION = 1e-3
"""Violations of the single-task model below this are divided by this instead."""


class TaskRates(NamedTuple):
    """Rates of yes by task and group, NaN without people, and the people behind them."""

    true_positive: Float[np.ndarray, "T G"]
    false_positive: Float[np.ndarray, "T G"]
    positives: Int[np.ndarray, "T G"]
    negatives: Int[np.ndarray, "T G"]


def rates_by_task(
    Y_true: ArrayLike,
    Y_pred: ArrayLike,
    s: ArrayLike,
) -> TaskRates:
    """P(prediction = 1 | target, group) of every task, with the number of people in each cell."""
    truth, decided, protected = _checked(Y_true, Y_pred, s)
    groups = (~protected, protected)
    positives = np.stack([truth[g].sum(0) for g in groups], 1)
    negatives = np.stack([(~truth[g]).sum(0) for g in groups], 1)
    hits = np.stack([(decided[g] & truth[g]).sum(0) for g in groups], 1)
    alarms = np.stack([(decided[g] & ~truth[g]).sum(0) for g in groups], 1)
    return TaskRates(_share(hits, positives), _share(alarms, negatives), positives, negatives)


def equalized_odds_violation(
    Y_true: ArrayLike,
    Y_pred: ArrayLike,
    s: ArrayLike,
    empty: float = 0.0,
) -> Float[np.ndarray, " T"]:
    """|TPR_1 - TPR_0| + |FPR_1 - FPR_0| of every task, between 0 and 2.

    Roy & Ntoutsi 2022, equation 1. A term one of whose groups has nobody to take the rate over
    counts `empty`: 0 as in the authors' evaluation, or NaN to be told of it.
    """
    rates = rates_by_task(Y_true, Y_pred, s)
    apart = np.abs([np.diff(rates.true_positive)[:, 0], np.diff(rates.false_positive)[:, 0]])
    return np.where(np.isnan(apart), empty, apart).sum(0)


def task_accuracy(Y_true: ArrayLike, Y_pred: ArrayLike) -> Float[np.ndarray, " T"]:
    """The share of people each task's prediction is right about."""
    truth, decided, _ = _checked(Y_true, Y_pred, np.zeros(len(np.asarray(Y_true)), np.int8))
    return (truth == decided).mean(0)


def relative_accuracy(accuracy: ArrayLike, single_task: ArrayLike) -> float:
    """ARA: the mean over tasks of accuracy over that of a model of this task alone.

    Roy & Ntoutsi 2022, section 5; above 1, learning together helped on average.
    """
    together, alone = _by_task(accuracy, single_task, "accuracies")
    if (alone <= 0).any():
        raise InputError(
            "a single-task model has accuracy 0, so nothing is relative to it; check that its "
            "predictions are 0 and 1 in the order of the tasks"
        )
    return float(np.mean(together / alone))


def relative_violation(
    violation: ArrayLike,
    single_task: ArrayLike,
    least: float = LEAST_VIOLATION,
) -> float:
    """AREO: the mean over tasks of the violation over max(`least`, that of a single-task model).

    Roy & Ntoutsi 2022, section 5, who divide without `least`: their single-task violations reach
    .0009, and one task with a violation near 0 outweighs all others. So read it beside
    `mean_violation`.
    """
    together, alone = _by_task(violation, single_task, "violations")
    if not least > 0:
        raise InputError(f"least = {least} does not keep the division finite; give a number over 0")
    return float(np.mean(together / np.maximum(alone, least)))


def mean_violation(violation: ArrayLike) -> float:
    """The mean over tasks of the equalised-odds violation."""
    return float(np.mean(np.asarray(violation, float)))


def _share(count: Int[np.ndarray, "T G"], total: Int[np.ndarray, "T G"]) -> np.ndarray:
    return np.where(total > 0, count / np.maximum(total, 1), np.nan)


def _checked(
    Y_true: ArrayLike, Y_pred: ArrayLike, s: ArrayLike
) -> tuple[Bool[np.ndarray, "N T"], Bool[np.ndarray, "N T"], Bool[np.ndarray, " N"]]:
    """Targets, predictions and membership of the protected group."""
    truth, decided, group = np.asarray(Y_true), np.asarray(Y_pred), np.asarray(s)
    if truth.ndim != 2 or truth.shape != decided.shape or group.shape != truth.shape[:1]:
        raise InputError(
            f"targets {truth.shape}, predictions {decided.shape} and groups {group.shape} do not "
            "fit; give (rows, tasks) twice and (rows,)"
        )
    if len(group) == 0:
        raise InputError("there are no rows to take rates over; give at least one")
    for name, values in (("targets", truth), ("predictions", decided), ("groups", group)):
        if not ((values == 0) | (values == 1)).all():
            raise InputError(f"the {name} hold values other than 0 and 1; give decisions, not odds")
    return truth == 1, decided == 1, group == 1


def _by_task(
    values: ArrayLike, single_task: ArrayLike, what: str
) -> tuple[Float[np.ndarray, " T"], Float[np.ndarray, " T"]]:
    together, alone = np.asarray(values, float), np.asarray(single_task, float)
    if together.ndim != 1 or together.shape != alone.shape or len(together) == 0:
        raise InputError(
            f"{what} of shape {together.shape} cannot be related to {alone.shape}; give one number "
            "per task, in the same order"
        )
    return together, alone
