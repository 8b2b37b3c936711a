"""From the tables of an experiment file to the fields of an experiment."""

from collections.abc import Collection, Mapping
from typing import Any

from evenhand.core.errors import InputError, unknown_name
from evenhand.core.registry import ALGORITHMS
from evenhand.experiments.variants import base_method, with_sweeps

_TEXT = ("env", "preset", "params", "groups", "policy_class")
_NAMES = ("features", "methods", "criteria", "sweep")
# "*" gives an option to every learner of a scenario.
EVERY = "*"


def keys_checked(kind: str, table: Any, known: Collection[str], where: str) -> None:
    """Raise an `InputError` for a key that nothing reads, with the nearest one that is read."""
    if not isinstance(table, Mapping):
        raise InputError(f"{where}: expected a table, got {table!r}")
    for key in table:
        if key not in known:
            raise InputError(f"{where}: {unknown_name(kind, key, known)}")


def experiment_fields(
    defaults: Mapping[str, Any], own: Mapping[str, Any], where: str
) -> dict[str, Any]:
    """The fields of a scenario: its own, else the defaults.

    Settings and options written as tables are merged key by key. A default option for a method
    that the scenario does not run is left out; one of the scenario's own is an error later.
    """
    found = {**defaults, **own}
    for name, value in found.items():
        if name in _NAMES:
            found[name] = _names(name, value, where)
        elif name not in ("settings", "options"):
            _check_kind(name, value, where)
    found["settings"] = _merged(defaults, own, "settings", where)
    methods = found.get("methods", ())
    sweeps = found.pop("sweep", ())
    if sweeps:
        methods = found["methods"] = with_sweeps(methods, sweeps)
    found["options"] = _options(defaults, own, methods, where)
    return found


def _check_kind(name: str, value: Any, where: str) -> None:
    text = name in _TEXT
    if isinstance(value, bool) or not isinstance(value, str if text else int):
        raise InputError(f"{where}: {name} is {'a text' if text else 'a whole number'}: {value!r}")


def _names(name: str, value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InputError(f"{where}: {name} is a list of names, got {value!r}")
    return tuple(value)


def _merged(
    defaults: Mapping[str, Any], own: Mapping[str, Any], name: str, where: str
) -> tuple[str, ...]:
    """`key=value` lines of two tables, the second one's values before the first one's."""
    merged: dict[str, Any] = {}
    for table in (defaults.get(name, {}), own.get(name, {})):
        if not isinstance(table, Mapping):
            raise InputError(f"{where}: {name} is a table such as {{ num_groups = 10 }}: {table!r}")
        merged |= table
    return tuple(f"{key}={_text(value)}" for key, value in merged.items())


def _options(
    defaults: Mapping[str, Any], own: Mapping[str, Any], methods: Collection[str], where: str
) -> tuple[str, ...]:
    """`method.field=value` lines; a named method's option comes before that of "*"."""
    lines: dict[str, str] = {}
    bases = dict.fromkeys(base_method(method) for method in methods)
    learners = [method for method in bases if method in ALGORITHMS]
    for table, strict in ((defaults.get("options", {}), False), (own.get("options", {}), True)):
        if not isinstance(table, Mapping) or not all(
            isinstance(t, Mapping) for t in table.values()
        ):
            raise InputError(f"{where}: options are tables such as [options.ppo], got {table!r}")
        for method in sorted(table, key=lambda name: name != EVERY):
            for owner in learners if method == EVERY else [method]:
                if strict or owner in bases:
                    lines |= {f"{owner}.{k}": _text(v) for k, v in table[method].items()}
    return tuple(f"{key}={text}" for key, text in lines.items())


def _text(value: Any) -> str:
    """A value as it is written on a command line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        value = tuple(value)
    return value if isinstance(value, str) else repr(value)
