"""Which methods run in which worlds, and which worlds have an exact frontier."""

import re
from collections.abc import Iterable
from typing import Any

from evenhand.core import declared, registry
from evenhand.experiments.exactness import why_not_exact

Row = dict[str, Any]


def matrix() -> dict[str, dict[str, Any]]:
    """Worlds with what they show, and every algorithm and rule with what it reads.

    `algorithms` and `policies` hold, by method and world, `runs` and, where false, `why`.
    """
    worlds = _worlds()
    algorithms = {name: _row(name, _reads(name), worlds) for name in sorted(registry.ALGORITHMS)}
    policies = {
        name: _row(name, declared.READS.get(name, ()), worlds) for name in sorted(registry.POLICIES)
    }
    return {
        "worlds": {n: {k: v for k, v in row.items() if k != "scale"} for n, row in worlds.items()},
        "algorithms": algorithms,
        "policies": policies,
    }


def _worlds() -> dict[str, Row]:
    """Every preset, in the order of its environment."""
    from evenhand.data.admissions import ADMISSIONS_PRESETS, AdmissionsPopulation
    from evenhand.data.presets import PRESETS

    found: dict[str, Row] = {}
    for name, make in PRESETS.items():
        found[name] = _world("Lending-v0", make())
    # Making its numbers takes a second, and the class says what there is to know.
    for name in ADMISSIONS_PRESETS:
        found[name] = _world("Admissions-v0", AdmissionsPopulation)
    return found


def _world(environment: str, population: Any) -> Row:
    why = why_not_exact(population)
    return {
        "environment": environment,
        "features": list(declared.SHOWS[environment]),
        "credits": list(declared.CREDITS[environment]),
        "exact_frontier": not why,
        "why_not_exact": why,
        "scale": getattr(population, "bin_edges", None) is not None,
    }


def _reads(algorithm: str) -> tuple[str, ...]:
    """What an algorithm reads; one that is not declared is imported and asked."""
    if algorithm not in declared.READS:
        return registry.make_algorithm(algorithm).reads
    return declared.READS[algorithm]


def _row(method: str, reads: Iterable[str], worlds: dict[str, Row]) -> Row:
    row: Row = {}
    for name, world in worlds.items():
        why = _why_not(method, reads, name, world)
        row[name] = {"runs": not why, **({"why": why} if why else {})}
    return row


def _why_not(method: str, reads: Iterable[str], name: str, world: Row) -> str:
    """Why a method cannot run in a world, as a sentence; "" where it can."""
    for feature in reads:
        if re.sub(r"\d+$", "300", feature) not in world["features"]:
            return f"{method} reads {feature}, which {name} cannot show."
    if method in declared.READS_SCALE and not world["scale"]:
        return f"{name} has levels and no scale of scores; use threshold."
    return ""
