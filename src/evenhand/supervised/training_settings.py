"""Settings that every multi-task classifier has, checked before training begins."""

from typing import Any

import numpy as np

from evenhand.core.errors import InputError, unknown_name

KEEPS = ("last", "best")


def check_training_settings(given: Any) -> None:
    """Raises an `InputError` for the first of these settings that cannot be used."""
    for name in ("epochs", "batch_size"):
        value = getattr(given, name)
        if not isinstance(value, int | np.integer) or value < 1:
            raise InputError(f"{name} must be a whole number of at least 1, got {value!r}")
    if not given.hidden or min(given.hidden) < 1:
        raise InputError(f"hidden must name widths of at least 1, got {given.hidden!r}")
    if not given.learning_rate > 0 or not given.weight_decay >= 0:
        raise InputError(
            "learning_rate must be above 0 and weight_decay at least 0, got "
            f"{given.learning_rate!r} and {given.weight_decay!r}"
        )
    if not 0 <= given.validation_fraction < 1:
        raise InputError(
            f"validation_fraction must be from 0 to below 1, got {given.validation_fraction!r}"
        )
    if given.keep not in KEEPS:
        raise unknown_name("model to keep", str(given.keep), KEEPS)
