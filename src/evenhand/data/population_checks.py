"""What the numbers of a population must be, whoever wrote them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from evenhand.core.errors import InputError

# An arrival is drawn from 24 random bits.
_MOST_PEOPLE = 2**24 - 1
_MOST_STEPS = 2**31 - 1
_FINITE = ("reward_repaid", "reward_default", "cash", "conscientiousness_std", "episode_steps")
_WHOLE = ("up", "down", "population_per_group")


def check_numbers(values: Mapping[str, Any]) -> None:
    """Raise an `InputError` for a value that is no number, not whole, not finite or too large."""
    groups = values.get("groups", ())
    twice = [name for name in groups if groups.count(name) > 1]
    if twice:
        raise InputError(f"group {twice[0]!r} is named twice; name each group once")
    for name in values.keys() & set(_FINITE):
        _check_number(name, values[name])
    for name in values.keys() & set(_WHOLE):
        _check_counts(name, values[name])


def _check_number(name: str, value: Any) -> None:
    if not _is_number(value) or not np.isfinite(value):
        raise InputError(f"{name} must be a finite number, got {value!r}")
    if name == "conscientiousness_std" and value < 0:
        raise InputError(f"{name} must be at least 0, got {value}")
    if name == "episode_steps" and (value != int(value) or value > _MOST_STEPS):
        raise InputError(f"{name} must be a whole number up to {_MOST_STEPS:,}, got {value!r}")


def _check_counts(name: str, value: Any) -> None:
    if not all(_is_number(v) and v >= 0 and v == np.floor(v) for v in value):
        raise InputError(f"{name} takes whole numbers from 0, one per group, got {value!r}")
    most = sum(value) if name == "population_per_group" else max(value, default=0)
    if most > _MOST_PEOPLE:
        raise InputError(f"{name} must be at most {_MOST_PEOPLE:,} in all, got {most:,}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def as_numbers(name: str, value: Any) -> np.ndarray:
    """The value as float64; `InputError` for text, ragged rows, nan and inf."""
    try:
        array = np.array(value, float)
    except (TypeError, ValueError):
        array = np.array(np.nan)
    if not np.isfinite(array).all():
        raise InputError(f"{name} must hold finite numbers in rows of one length, got {value!r}")
    return array
