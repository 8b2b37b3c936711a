"""From what a person writes on a command line or in a file to a population."""

import ast
import inspect
from collections.abc import Iterable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from evenhand.core.errors import InputError, unknown_name
from evenhand.data.population import LendingPopulation
from evenhand.data.population_checks import as_numbers, check_numbers
from evenhand.data.presets import PRESETS

# Fields that hold one number per group; a single number on the command line means "for each".
_PER_GROUP = ("population_per_group", "up", "down")
# Names and scales belong to a preset or a file; a change on the command line would unsettle them.
_FIXED = {"assumed", "source", "name", "groups", "level_labels", "bin_edges"}
_FORMS = {"--set": "key=value", "--option": "algorithm.field=value"}
_ARRAYS = ("initial", "repay_prob", "drift", "gain")


def parse_settings(settings: Iterable[str], flag: str = "--set") -> dict[str, Any]:
    """`["key=value", ...]` as a dictionary; numbers and tuples are read as Python literals."""
    parsed: dict[str, Any] = {}
    for setting in settings:
        key, separator, text = setting.partition("=")
        key, text = key.strip(), text.strip()
        if not separator or not key or not text:
            raise InputError(f"{flag} takes {_FORMS[flag]}, got {setting!r}")
        if key in parsed:
            raise InputError(f"{flag} gives {key!r} twice; give it once")
        try:
            parsed[key] = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            parsed[key] = {"true": True, "false": False}.get(text.lower(), text)
    return parsed


def choose_population(
    preset: str | None = None,
    params: str | Path | None = None,
    groups: str | None = None,
    settings: Iterable[str] = (),
) -> LendingPopulation:
    """The population named by a preset or read from a parameter file, with settings applied.

    `groups` is a comma-separated subset (presets with named groups only); `settings` are
    `key=value` strings: first options of the preset, then fields of `LendingPopulation`.
    """
    changes = parse_settings(settings)
    if params is not None:
        if preset is not None:
            raise InputError("--preset and --params exclude each other; give one of them")
        from evenhand.data.params_file import read_params

        population = read_params(params)
    else:
        population, groups = _from_preset(preset or "gym", groups, changes)
    if groups is not None:
        population = population.with_groups(tuple(part.strip() for part in groups.split(",")))
    return with_changes(population, changes)


def _from_preset(
    name: str, groups: str | None, changes: dict[str, Any]
) -> tuple[LendingPopulation, str | None]:
    """A preset's population and the groups still to be chosen; takes its options out of `changes`.

    A preset has one number for all groups; one for each is left to replace what it made.
    """
    if name not in PRESETS:
        raise unknown_name("preset", name, PRESETS)
    make = PRESETS[name]
    known = inspect.signature(make).parameters
    each = [key for key in _PER_GROUP if isinstance(changes.get(key), tuple | list)]
    options = {key: changes.pop(key) for key in list(changes) if key in known and key not in each}
    check_numbers({k: (v,) for k, v in options.items() if k == "population_per_group"})
    if groups is not None and "groups" in known:
        options["groups"] = tuple(part.strip() for part in groups.split(","))
        groups = None
    try:
        return make(**options), groups
    except InputError:
        raise
    except (TypeError, ValueError) as error:
        raise InputError(f"preset {name!r}: {error}") from error


def with_changes(population: LendingPopulation, changes: dict[str, Any]) -> LendingPopulation:
    """The population with named fields replaced; an unknown name is an error with a suggestion."""
    known = {f.name for f in fields(population)} - _FIXED
    for key in changes:
        if key not in known:
            raise unknown_name("setting", key, known)
    filled = dict(changes)
    for key in _PER_GROUP:
        if key in filled and not isinstance(filled[key], tuple | list):
            filled[key] = (filled[key],) * population.num_groups
        elif key in filled:
            filled[key] = tuple(filled[key])
    for key in _ARRAYS:
        if filled.get(key) is not None:
            filled[key] = as_numbers(key, filled[key])
    check_numbers(filled)
    try:
        return replace(population, **filled)
    except InputError:
        raise
    except (TypeError, ValueError, AttributeError) as error:
        raise InputError(f"--set {', '.join(changes)}: {error}") from error
