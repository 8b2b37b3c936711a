"""The words that several settings share: ranges, exceptions, prices."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from evenhand.experiments.lists import listed
from evenhand.experiments.wording import MINUS, criterion_words, figure_of

_COUNTS = {2: "two", 3: "three", 4: "four"}


def told(found: dict[str, Any]) -> list[str]:
    """The criteria that are defined in every setting."""
    settings = found["settings"]
    return [n for n in found["definitions"] if all(s["frontier"].get(n) for s in settings)]


def count_words(found: dict[str, Any]) -> str:
    """The number of settings in words."""
    return _COUNTS.get(len(found["settings"]), str(len(found["settings"])))


def prices(found: dict[str, Any], name: str) -> list[float]:
    """What parity costs in each setting, as a share of the best profit there."""
    return [
        setting["frontier"][name]["price"] / abs(setting["rules"]["optimum"]["profit"] or np.nan)
        for setting in found["settings"]
    ]


def level_name(found: dict[str, Any], level: int | None) -> str:
    """Where approvals begin, in words."""
    labels = found["level_labels"]
    if level is None:
        return "no single level"
    return "nobody" if level >= len(labels) else "everybody" if level == 0 else labels[level]


def span(values: Sequence[float] | np.ndarray, unit: str = "share") -> str:
    """The smallest to the largest value, or the one that they all are."""
    low, high = float(np.min(values)), float(np.max(values))
    if unit == "share" and max(abs(low), abs(high)) >= 0.1:
        ends = [f"{100 * end:,.0f}%".replace("-", MINUS) for end in (low, high)]
    else:
        ends = [figure_of(end, unit) for end in (low, high)]
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"


def steady(values: Sequence[float]) -> bool:
    """Whether sizes agree, by the rule that the page states."""
    low, high = float(np.min(values)), float(np.max(values))
    return bool(high - low <= 0.02 or (low > 0 and high <= 1.5 * low))


def varying(found: dict[str, Any], values: Sequence[str]) -> str:
    """The own setting's value, and where it is another one."""
    names = [setting["name"] for setting in found["settings"]]
    others: dict[str, list[str]] = {}
    for name, value in zip(names, values, strict=True):
        if value != values[0]:
            others.setdefault(value, []).append(f"with {name[0].lower()}{name[1:]}")
    said = [f"{value} {' or '.join(where)}" for value, where in others.items()]
    return f"{values[0]}, but {listed(said)}" if said else values[0]


def least(found: dict[str, Any], name: str) -> str | None:
    """The least value of a criterion where that is above 0 in some setting."""
    values = [setting["frontier"][name]["least"] for setting in found["settings"]]
    return None if max(values) < 1e-4 else span(values, criterion_words(name).unit)


def goal(found: dict[str, Any], name: str) -> str:
    """What parity means here: the criterion, and 0 or its least value."""
    lowest, words = least(found, name), criterion_words(name)
    end = "0" if lowest is None else f"its least, {lowest} {words.unit},"
    return f"the {words.title.lower()} to {end}"
