"""From what a file or a command line says to the values of a dataclass's fields."""

from dataclasses import Field
from typing import Any, get_args, get_origin

from evenhand.core.errors import InputError

_NAMES = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


def coerced(field: Field, value: Any, where: str) -> Any:
    """The value as the field has it; an `InputError` that names the field otherwise.

    Lists become tuples, whole numbers become floats, and one name stands for a list of one.
    """
    kind: Any = field.type
    if isinstance(kind, str):
        raise TypeError(f"the fields of {field.name}'s class need types, not strings")
    if get_origin(kind) is tuple:
        item = get_args(kind)[0]
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",")] if item is str else value
        items = value if isinstance(value, list | tuple) else [value]
        return tuple(_one(item, one, field.name, where) for one in items)
    return _one(kind, value, field.name, where)


def _one(kind: Any, value: Any, name: str, where: str) -> Any:
    options = get_args(kind) or (kind,)
    if value is None and type(None) in options:
        return None
    for option in options:
        if option is float and isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        if option is float and value in ("inf", "-inf"):
            return float(value)
        # A bool is an int in Python, and never meant as one here.
        if option in _NAMES and type(value) is option:
            return value
    wanted = " or ".join(_NAMES[option] for option in options if option in _NAMES)
    raise InputError(f"{where}: {name} is {wanted}, got {value!r}")
