"""From one table of a parameter file to a value, its estimate and its reason."""

from typing import Any

import numpy as np

from evenhand.core.errors import InputError
from evenhand.data.params_schema import ARRAYS, PARAMETERS, WHOLE, Estimate


def read_value(name: str, table: dict[str, Any]) -> Any:
    """The value as the population takes it; None where the table has only a reason."""
    if "value" not in table:
        if not table.get("assumed", False):
            raise InputError(f"[{name}] has no value; add value = ...")
        return None
    value, axes = table["value"], PARAMETERS[name]
    if axes == "text":
        if not isinstance(value, str):
            raise InputError(f"[{name}] value must be text in quotes, got {value!r}")
        return value
    array = _numbers(name, "value", value, int(axes))
    if not np.isfinite(array).all():
        raise InputError(f"[{name}] value holds nan or inf; give finite numbers")
    if name in WHOLE and (array != np.rint(array)).any():
        raise InputError(f"[{name}] value must be whole, got {value}")
    if name in ARRAYS:
        return array
    made = array.astype(int).tolist() if name in WHOLE else array.tolist()
    return tuple(made) if isinstance(made, list) else made


def _numbers(name: str, key: str, value: Any, axes: int) -> np.ndarray:
    """The numbers as float64 with that many axes; strings and ragged rows are errors."""
    shape = ("one number", "a list of numbers", "rows of numbers", "tables of rows of numbers")
    problem = InputError(f"[{name}] {key} must be {shape[axes]}, all rows equally long")
    try:
        array = np.array(value)
    except ValueError as error:
        raise problem from error
    if array.dtype.kind not in "if" or array.ndim != axes or array.size == 0:
        raise problem
    return array.astype(float)


def read_estimate(name: str, table: dict[str, Any]) -> Estimate:
    """The bounds, counts and method of an estimated parameter."""
    shape = np.shape(table["value"]) if "value" in table else ()
    found: dict[str, np.ndarray | None] = {"low": None, "high": None, "count": None}
    for key in found.keys() & table.keys():
        per_law = key == "count" and len(shape) > 1 and np.ndim(table[key]) == len(shape) - 1
        wanted = shape[:-1] if per_law else shape
        array = _numbers(name, key, table[key], len(wanted))
        if array.shape != wanted:
            raise InputError(f"[{name}] {key} must have the shape {shape} of value")
        if key == "count" and (not np.isfinite(array).all() or (array < 0).any()):
            raise InputError(f"[{name}] count must hold whole numbers from 0")
        found[key] = array.astype(int) if key == "count" else array
    filled = np.array(table["filled"]) if "filled" in table else None
    if filled is not None and (filled.dtype != bool or filled.shape != shape):
        raise InputError(f"[{name}] filled must be true or false in the shape {shape} of value")
    if not isinstance(table["method"], str):
        raise InputError(f"[{name}] method must be text in quotes, got {table['method']!r}")
    return Estimate(method=table["method"], filled=filled, **found)


def read_reason(name: str, table: dict[str, Any]) -> str:
    """Why an assumed parameter is what it is."""
    reason = table.get("reason")
    if not isinstance(reason, str) or not reason.strip():
        raise InputError(f'[{name}] is assumed and has no reason; add reason = "..."')
    return reason
