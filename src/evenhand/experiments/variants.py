"""Variants of a method: `a-ppo:decrease_weight=1` is the algorithm with options of its own."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from evenhand.core.errors import InputError, unknown_name
from evenhand.core.registry import ALGORITHMS, TRADE_OFFS, TRIAL_METHODS
from evenhand.data.choose import parse_settings


@dataclass(frozen=True)
class Curve:
    """Variants of one method by the rising value of one field: a line, not a point."""

    method: str
    field: str
    variants: tuple[str, ...]
    values: tuple[float, ...]


def base_method(method: str) -> str:
    """The name of a variant's algorithm; any other name as it is."""
    name, found, _ = method.partition(":")
    return name if found and _has_options(name) else method


def _has_options(name: str) -> bool:
    return name in ALGORITHMS or any(name in known for known in TRIAL_METHODS.values())


def is_variant(method: str) -> bool:
    """Whether a method's name gives an algorithm options of its own."""
    return base_method(method) != method


def variant_settings(method: str) -> dict[str, str]:
    """Each field that a variant sets with its value as written; {} for any other method."""
    found: dict[str, str] = {}
    if not is_variant(method):
        return found
    base, _, rest = method.partition(":")
    for setting in rest.split(";"):
        name, sign, text = (part.strip() for part in setting.partition("="))
        if not (name and sign and text):
            raise InputError(
                f"a variant reads {base}:field=value, or {base}:field=value;field=value, "
                f"got {method!r}"
            )
        if name in found:
            raise InputError(f"{method} gives {name!r} twice; give it once")
        found[name] = text
    return found


def variant_values(method: str) -> dict[str, Any]:
    """Each field that a variant sets with its value, numbers read as Python literals."""
    settings = variant_settings(method)
    return parse_settings([f"{name}={text}" for name, text in settings.items()], "--option")


def identity(method: str) -> tuple[str, frozenset[tuple[str, Any]]]:
    """What two spellings of one variant have in common: `w=.5` and `w=0.5` are equal."""
    values = variant_values(method).items()
    return base_method(method), frozenset((n, v if _is_number(v) else repr(v)) for n, v in values)


def together(methods: Iterable[str]) -> tuple[str, ...]:
    """The methods with variants behind the first method of their algorithm, else in order."""
    found: dict[str, list[str]] = {}
    for method in methods:
        found.setdefault(base_method(method), []).append(method)
    return tuple(method for family in found.values() for method in family)


def curves(methods: Sequence[str]) -> list[Curve]:
    """The lines that variants make: those that differ only in the first field they name."""
    found: dict[Any, list[tuple[float, str]]] = {}
    for method in methods:
        settings = list(variant_values(method).items())
        if settings and _is_number(settings[0][1]):
            (field, value), *others = settings
            key = (base_method(method), field, repr(sorted(others)))
            found.setdefault(key, []).append((value, method))
    made = []
    for (method, field, _), points in found.items():
        if len(points) > 1:
            values, variants = zip(*sorted(points), strict=True)
            made.append(Curve(method, field, variants, values))
    return made


def sweep(text: str) -> tuple[str, ...]:
    """The variants of `method.field=value,value`; of `method` alone, those of its trade-off."""
    key, given, listed = (part.strip() for part in text.partition("="))
    method, dot, field = key.partition(".")
    if method not in ALGORITHMS:
        raise unknown_name("algorithm to sweep", method, ALGORITHMS)
    if not dot and not given:
        if method not in TRADE_OFFS:
            raise InputError(
                f"{method} has no trade-off of its own to sweep; name a field and its values, "
                f"such as {method}.discount=0.9,0.99"
            )
        field, values = TRADE_OFFS[method]
    else:
        values = tuple(part.strip() for part in listed.split(",") if part.strip())
    if not field or not values:
        raise InputError(f"a sweep reads algorithm or algorithm.field=value,value, got {text!r}")
    return tuple(f"{method}:{field}={value}" for value in values)


def with_sweeps(methods: Sequence[str], sweeps: Iterable[str]) -> tuple[str, ...]:
    """The methods and the variants of sweeps, which stand behind the learners."""
    variants = [variant for text in sweeps for variant in sweep(text)]
    learners = [index for index, method in enumerate(methods) if base_method(method) in ALGORITHMS]
    last = max(learners, default=-1) + 1
    return together((*methods[:last], *variants, *methods[last:])) if variants else tuple(methods)


def _is_number(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value)
