"""Quantities of one seed that claims are about: a measure of a group, a gap, a share of another."""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from evenhand.core.errors import InputError, unknown_name
from evenhand.core.registry import BETWEEN_GROUPS, METRIC_IDS, RUN_METRIC_IDS
from evenhand.experiments.estimates import Estimates
from evenhand.experiments.paper.fields import keys_checked
from evenhand.experiments.trials.trial import trial_class

# How the numbers of several groups become one; NaN where a group has no data.
REDUCERS = {"max": np.max, "min": np.min, "gap": np.ptp, "mean": np.mean}
_PREFIXES = ("criterion:", "adjusted:")


@dataclass(frozen=True)
class Quantity:
    """A number per seed: a measure of a method in a scenario, times a constant.

    Without `group` and `reduce` it is the measure over all groups; `reduce` takes the groups
    together. `minus_group` subtracts another group's number, `minus` another method's, then
    `absolute` drops the sign; `per` divides by another method's.
    """

    scenario: str
    metric: str
    method: str
    group: str = ""
    reduce: str = ""
    minus_group: str = ""
    minus: str = ""
    absolute: bool = False
    per: str = ""
    times: float = 1.0

    def values(self, estimates: Estimates) -> np.ndarray:
        """`(seeds,)` the quantity; NaN where there is no data."""
        found = self._of(self.method, estimates)
        if self.minus:
            found = found - self._of(self.minus, estimates)
        found = self.times * (np.abs(found) if self.absolute else found)
        if not self.per:
            return found
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = found / self._of(self.per, estimates)
        return np.where(np.isfinite(shares), shares, np.nan)

    def _of(self, method: str, estimates: Estimates) -> np.ndarray:
        if self.reduce:
            groups = [estimates.values(method, self.metric, g) for g in estimates.run.groups]
            return REDUCERS[self.reduce](np.stack(groups), axis=0)
        found = estimates.values(method, self.metric, self.group)
        if self.minus_group:
            found = found - estimates.values(method, self.metric, self.minus_group)
        return found


_KEYS = {f.name for f in fields(Quantity)}


def quantity(table: dict[str, Any], where: str) -> Quantity:
    """The quantity that a table describes, its names checked as far as no world is needed."""
    keys_checked("key of a quantity", table, _KEYS, where)
    for name in ("scenario", "metric", "method"):
        if name not in table:
            raise InputError(f"{where}: a quantity needs {name}")
    times = table.get("times", 1.0)
    if isinstance(times, bool) or not isinstance(times, int | float):
        raise InputError(f"{where}: times is a number, got {times!r}")
    absolute = table.get("absolute", False)
    if not isinstance(absolute, bool):
        raise InputError(f"{where}: absolute is true or false, got {absolute!r}")
    words = {key: value for key, value in table.items() if key not in ("times", "absolute")}
    for name, value in words.items():
        if not isinstance(value, str):
            raise InputError(f"{where}: {name} is a name, got {value!r}")
    made = Quantity(times=float(times), absolute=absolute, **words)
    if made.reduce and made.reduce not in REDUCERS:
        raise InputError(f"{where}: {unknown_name('reduce', made.reduce, REDUCERS)}")
    if made.reduce and (made.group or made.minus_group):
        raise InputError(f"{where}: reduce takes all groups, group names one; give one of them")
    return made


def check_metric(metric: str, kind: str, where: str) -> None:
    """Raise an `InputError` for a measure that no run has; `kind` is that of a trial, or ""."""
    if kind:
        try:
            trial_class(kind).measure(metric)
        except InputError as error:
            raise InputError(f"{where}: {error}") from error
        return
    ends = ("", "_difference", "_signed_difference")
    by_group = (*METRIC_IDS, *(name for name in RUN_METRIC_IDS if name not in BETWEEN_GROUPS))
    known = {f"{name}{end}" for name in by_group for end in ends} | {*BETWEEN_GROUPS}
    if metric not in known and not metric.startswith(_PREFIXES):
        raise InputError(f"{where}: {unknown_name('metric', metric, known)}")


def with_method(found: Quantity, method: str) -> Quantity:
    """The same quantity of another method."""
    return replace(found, method=method)
