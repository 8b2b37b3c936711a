"""Parameter files: a lending world as TOML, with the bounds and the origin of every number."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from evenhand.core.errors import InputError, unknown_name
from evenhand.data.atomic_file import write_atomically
from evenhand.data.params_schema import (
    ENVIRONMENT,
    FORMAT,
    HEAD,
    PARAMETERS,
    TABLE_KEYS,
    Estimate,
)
from evenhand.data.params_text import params_text
from evenhand.data.params_values import read_estimate, read_reason, read_value
from evenhand.data.population import LendingPopulation


@dataclass(frozen=True)
class ParamsFile:
    """Everything in a parameter file."""

    population: LendingPopulation
    estimates: dict[str, Estimate] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)


def write_params(
    path: str | Path,
    population: LendingPopulation,
    estimates: dict[str, Estimate] | None = None,
    provenance: dict[str, Any] | None = None,
) -> None:
    """Write a parameter file that `read_params` reads back exactly; a failure leaves no file."""
    write_atomically(path, params_text(population, estimates or {}, provenance or {}))


def read_params(path: str | Path) -> LendingPopulation:
    """The population in a parameter file, or an `InputError` naming file, field and remedy."""
    return read_params_file(path).population


def read_params_file(path: str | Path) -> ParamsFile:
    """The population in a parameter file, with its estimates and provenance."""
    path = Path(path)
    content = _parse(path)
    try:
        _check_names(content)
        tables = {name: content[name] for name in PARAMETERS if name in content}
        values = {name: read_value(name, table) for name, table in tables.items()}
        estimates = {n: read_estimate(n, table) for n, table in tables.items() if "method" in table}
        assumed = {n: read_reason(n, t) for n, t in tables.items() if t.get("assumed", False)}
        population = _population(content, values, assumed)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return ParamsFile(population, estimates, content.get("provenance", {}))


def _parse(path: Path) -> dict[str, Any]:
    if path.is_dir():
        raise InputError(f"{path} is a folder; give the parameter file (.toml) in it")
    try:
        return tomllib.loads(path.read_bytes().decode())
    except FileNotFoundError as error:
        raise InputError(
            f"there is no parameter file {path}; write one with: evenhand calibrate"
        ) from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}; check its rights") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path} is not TOML: {error}; correct it or write it again") from error


def _check_names(content: dict[str, Any]) -> None:
    if content.get("format") != FORMAT:
        raise InputError(
            f'format must be "{FORMAT}", got {content.get("format")!r}; write the file again with: '
            "evenhand calibrate"
        )
    if content.get("environment") != ENVIRONMENT:
        raise InputError(f'environment must be "{ENVIRONMENT}", got {content.get("environment")!r}')
    for name in content:
        if name not in (*HEAD, *PARAMETERS, "provenance"):
            raise unknown_name("field", name, (*HEAD, *PARAMETERS, "provenance"))
    for name in [*PARAMETERS, "provenance"]:
        if not isinstance(content.get(name, {}), dict):
            raise InputError(f"{name} must be a table: write [{name}] and under it value = ...")
    for name in PARAMETERS:
        for key in content.get(name, {}):
            if key not in TABLE_KEYS:
                raise unknown_name(f"key of [{name}]", key, TABLE_KEYS)


def _population(
    content: dict[str, Any], values: dict[str, Any], assumed: dict[str, str]
) -> LendingPopulation:
    for name in ("initial", "repay_prob", "population_per_group"):
        if values.get(name) is None:
            raise InputError(f"the table [{name}] with a value is missing; add it")
    texts = {name: _texts(content, name) for name in ("groups", "level_labels") if name in content}
    if not texts.get("groups"):
        raise InputError('groups is missing; add groups = ["...", "..."]')
    for name in ("name", "source"):
        if not isinstance(content.get(name, ""), str):
            raise InputError(f"{name} must be text in quotes, got {content[name]!r}")
    _check_levels(values, texts.get("level_labels", ()))
    options = {name: value for name, value in values.items() if value is not None}
    ones = {key: (1,) * len(texts["groups"]) for key in ("up", "down")}
    return LendingPopulation(
        name=content.get("name", "params"),
        source=content.get("source", ""),
        assumed=assumed,
        **texts,  # pyright: ignore[reportArgumentType]
        **{**ones, **options},
    )


def _texts(content: dict[str, Any], name: str) -> tuple[str, ...]:
    value = content[name]
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise InputError(f"{name} must be a list of names in quotes, got {value!r}")
    if len(set(value)) < len(value):
        raise InputError(f"{name} holds a name twice ({', '.join(value)}); names must differ")
    return tuple(value)


def _check_levels(values: dict[str, Any], labels: tuple[str, ...]) -> None:
    """Lengths that `LendingPopulation` leaves unchecked."""
    num_levels = values["initial"].shape[1]
    edges, gain = values.get("bin_edges"), values.get("gain")
    for name, got, wanted in (
        ("level_labels", len(labels) or num_levels, num_levels),
        ("bin_edges", num_levels + 1 if edges is None else len(edges), num_levels + 1),
        ("gain", num_levels if gain is None else len(gain), num_levels),
    ):
        if got != wanted:
            raise InputError(f"{name} has {got} entries; {num_levels} levels need {wanted}")
    if edges is not None and not (np.diff(edges) > 0).all():
        raise InputError(f"[bin_edges] value must rise from edge to edge, got {edges}")
