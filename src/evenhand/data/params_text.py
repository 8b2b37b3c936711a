"""The text of a parameter file: TOML that people can read, with floats that read back exactly."""

import json
import textwrap
from typing import Any

import numpy as np

from evenhand.data.params_schema import ENVIRONMENT, FORMAT, PARAMETERS, Estimate
from evenhand.data.population import LendingPopulation

_WIDTH = 96
_COMMENTS = {
    "initial": "share of each level (columns) in each group (rows)",
    "repay_prob": "probability of repayment at each level (columns) of each group (rows)",
    "population_per_group": "people per group; one of all people applies at every step",
    "up": "levels gained by a repayment",
    "down": "levels lost by a default",
    "drift": "law of the extra move -W..W after denial, default, repayment; then per group",
    "reward_repaid": "what a repaid loan earns",
    "reward_default": "what a defaulted loan earns",
    "bin_edges": "level k holds the scores from edge k up to, without, edge k + 1",
    "gain": "worth of each level, for the qualification gain; left out: the cubic one",
    "conscientiousness_std": "spread of a person's own unseen shift of the repayment probability",
}


def params_text(
    population: LendingPopulation, estimates: dict[str, Estimate], provenance: dict[str, Any]
) -> str:
    """The text of a parameter file."""
    head = {
        "format": FORMAT,
        "environment": ENVIRONMENT,
        "name": population.name,
        "source": population.source,
        "groups": population.groups,
        "level_labels": population.level_labels,
    }
    blocks = [
        "# Parameters of a lending environment, for: --params <this file>.\n"
        "# low and high are confidence bounds and count the records behind a number;\n"
        "# assumed = true marks what the records cannot show, with the reason.\n"
        + _lines({key: value for key, value in head.items() if value != ()})
    ]
    for name in PARAMETERS:
        table = _table(name, population, estimates.get(name))
        if table:
            comment = f"  # {_COMMENTS[name]}" if name in _COMMENTS else ""
            blocks.append(f"[{name}]{comment}\n{_lines(table)}")
    if provenance:
        blocks.append(f"[provenance]\n{_lines(provenance)}")
    return "\n".join(blocks)


def _table(name: str, population: LendingPopulation, estimate: Estimate | None) -> dict[str, Any]:
    """The keys of one parameter's table; empty if there is nothing to say."""
    table: dict[str, Any] = {}
    value = getattr(population, name)
    if value is not None:
        table["value"] = value
    if estimate is not None:
        for key in ("low", "high", "count", "filled"):
            if getattr(estimate, key) is not None:
                table[key] = getattr(estimate, key)
        table["method"] = estimate.method
    if name in population.assumed:
        table |= {"assumed": True, "reason": population.assumed[name]}
    return table


def _lines(table: dict[str, Any]) -> str:
    return "".join(f"{_key(key)} = {toml_value(value)}\n" for key, value in table.items())


def _key(key: str) -> str:
    bare = key and all(c.isascii() and (c.isalnum() or c in "-_") for c in key)
    return key if bare else toml_value(key)


def toml_value(value: Any, indent: str = "") -> str:
    """A Python or numpy value as TOML; floats read back to the same bits."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # JSON's escapes are TOML's too, except that TOML also wants DEL escaped.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(k)} = {toml_value(v)}" for k, v in value.items()) + "}"
    return _list(value, indent)


def _list(value: list[Any] | tuple[Any, ...], indent: str) -> str:
    """Numbers fill lines; names too long for one line and inner lists get a line each."""
    inner = [toml_value(item, indent + "  ") for item in value]
    flat = f"[{', '.join(inner)}]"
    nested = any(isinstance(item, list | tuple) for item in value)
    if not nested and len(flat) + len(indent) <= _WIDTH:
        return flat
    if not nested and not any(isinstance(item, str) for item in value):
        lines = textwrap.wrap(", ".join(inner), _WIDTH - len(indent))
    else:
        lines = [f"{item}," for item in inner]
    return "[\n" + "".join(f"{indent}  {line}\n" for line in lines) + f"{indent}]"
