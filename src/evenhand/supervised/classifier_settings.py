"""Checks of the settings that all multi-task classifiers share, before any training."""

from typing import Any

import numpy as np

from evenhand.core.errors import InputError, unknown_name

KEEPS = ("last", "best")


def check_training(classifier: Any) -> None:
    """Nothing; raises an `InputError` that names the first setting which cannot be used."""
    for name in ("epochs", "batch_size"):
        value = getattr(classifier, name)
        if not isinstance(value, int | np.integer) or value < 1:
            raise InputError(f"{name} must be a whole number of at least 1, got {value!r}")
    check_widths("hidden", classifier.hidden)
    check_number("learning_rate", classifier.learning_rate, "above 0")
    check_number("weight_decay", classifier.weight_decay, "at least 0")
    fraction = classifier.validation_fraction
    if not _is_number(fraction) or not 0 <= fraction < 1:
        raise InputError(f"validation_fraction must be from 0 to below 1, got {fraction!r}")
    if classifier.keep not in KEEPS:
        raise unknown_name("model to keep", str(classifier.keep), KEEPS)


def check_widths(name: str, widths: Any) -> None:
    """Nothing; raises where these are no widths of layers, one or more."""
    listed = isinstance(widths, tuple | list) and len(widths) > 0
    if not listed or any(not isinstance(w, int | np.integer) or w < 1 for w in widths):
        raise InputError(f"{name} must name widths of at least 1, as in (64, 32), got {widths!r}")


def check_number(name: str, value: Any, least: str) -> None:
    """Nothing; raises where the value is not a finite number "above 0" or "at least 0"."""
    if (
        not _is_number(value)
        or not np.isfinite(value)
        or value < 0
        or (least == "above 0" and value == 0)
    ):
        raise InputError(f"{name} must be a number {least}, got {value!r}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)
