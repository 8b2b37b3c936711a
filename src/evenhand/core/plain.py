"""Results as plain values that JSON can hold."""

import json
import math
from dataclasses import fields, is_dataclass
from datetime import date, time
from enum import Enum
from pathlib import PurePath
from typing import Any


def plain(value: Any) -> Any:
    """The value in dictionaries, lists, strings and numbers only.

    NaN, which stands for "no data", becomes None; infinities become "inf" and "-inf". Arrays and
    their scalars become lists and numbers.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=repr) if isinstance(value, set | frozenset) else value
        return [plain(item) for item in items]
    return _unusual(value)


def to_json(value: Any, **options: Any) -> str:
    """One JSON text of the value; strict, so any reader accepts it."""
    return json.dumps(plain(value), allow_nan=False, **options)


def _key(key: Any) -> str:
    return key if isinstance(key, str) else str(plain(key))


def _unusual(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, date | time):
        return value.isoformat()
    # numpy's and jax's arrays and scalars, without importing either.
    if to_list := getattr(value, "tolist", None):
        return plain(to_list())
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    raise TypeError(f"{type(value).__name__} has no plain form; a command returns plain values")
