"""`evenhand frontier`: the best profit for every tolerated unfairness, computed exactly."""

import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro

from evenhand.commands.frontier_output import check_out, show, write
from evenhand.core.errors import InputError, unknown_name

if TYPE_CHECKING:
    from evenhand.tabular.frontier import Frontier as ExactFrontier
    from evenhand.tabular.frontier import FrontierPoint

_DEFAULT_POINTS = 6

__all__ = ["Frontier", "run", "show"]


@dataclass(frozen=True)
class Frontier:
    """Best profit for every tolerated unfairness, solved exactly, with the price of fairness."""

    preset: str | None = None
    """A named population: gym (default), fico, drift-1, drift-2, drift-3."""
    params: str | None = None
    """A parameter file instead of a preset."""
    groups: str | None = None
    """Comma-separated names of the groups to keep."""
    set: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """Changes to the population, as key=value; repeatable."""
    criterion: str = "gain-disparity"
    """What is tolerated: gain-disparity, approval-gap, score-w1 or recall-gap."""
    steps: int | None = None
    """Decisions per episode; default: the population's own."""
    tolerances: str | None = None
    """Comma-separated tolerances, such as inf,20,10,5,0; inf means no constraint."""
    points: int | None = None
    """Instead: this many even tolerances, from the unconstrained unfairness down to 0."""
    policy_class: str = "visit"
    """What a policy may see besides group and level: visit (how often this person came before) or
    time (steps left; bounds every policy, whatever it remembers)."""
    confirm: int = 0
    """Also simulate each point for this many episodes; 0: no simulation."""
    out: str | None = None
    """Write the points to this .csv or .parquet file."""


def run(options: Frontier) -> dict[str, Any]:
    """The frontier as plain data: `points`, and simple threshold `rules` to compare with."""
    start = time.perf_counter()
    tolerances = _parse_tolerances(options)
    exact = _exact(options)
    if tolerances is None:
        points = _DEFAULT_POINTS if options.points is None else options.points
        tolerances = [float(value) for value in exact.even_tolerances(points)]
    found = exact.sweep(tolerances)
    rows = [_row(exact, point, options.confirm) for point in found]
    if options.out is not None:
        write(rows, Path(options.out))
    world = exact.population
    return {
        "population": world.name,
        "groups": list(world.groups),
        "population_per_group": list(world.population_per_group),
        "steps": world.episode_steps if options.steps is None else options.steps,
        "criterion": options.criterion,
        "unit": exact.measure.unit,
        "policy_class": options.policy_class,
        "points": rows,
        "rules": _rules(exact),
        "assumed": dict(world.assumed),
        "wall_seconds": time.perf_counter() - start,
    }


def _parse_tolerances(options: Frontier) -> list[float] | None:
    """The tolerances asked for; None: spread them. Every option is checked before any work."""
    if options.tolerances is not None and options.points is not None:
        raise InputError("--tolerances and --points exclude each other; give one of them")
    if options.points is not None and not 2 <= options.points <= 1000:
        raise InputError(f"--points must be at least 2 and at most 1000, got {options.points}")
    if options.confirm < 0 or options.confirm == 1:
        raise InputError(f"--confirm must be 0 or at least 2 episodes, got {options.confirm}")
    if options.out is not None:
        check_out(Path(options.out))
    if options.tolerances is None:
        return None
    return [_parse_tolerance(text) for text in options.tolerances.split(",")]


def _parse_tolerance(text: str) -> float:
    try:
        value = math.inf if text.strip() == "none" else float(text)
    except ValueError:
        value = math.nan
    if not value >= 0:
        raise InputError(f"--tolerances takes numbers of 0 or more and inf, got {text.strip()!r}")
    return value


def _exact(options: Frontier) -> "ExactFrontier":
    from evenhand.data.choose import choose_population
    from evenhand.tabular.criteria import CRITERIA

    if options.criterion not in CRITERIA:
        raise unknown_name("criterion", options.criterion, CRITERIA)
    from evenhand.tabular.frontier import Frontier as ExactFrontier

    population = choose_population(options.preset, options.params, options.groups, options.set)
    return ExactFrontier(
        population,
        options.criterion,
        options.steps,
        options.policy_class,
        keep_policies=options.confirm > 0,
    )


def _row(exact: "ExactFrontier", point: "FrontierPoint", episodes: int) -> dict[str, Any]:
    """One point as JSON-able data: null where no policy meets the tolerance, "inf" for none."""
    numbers = {name: getattr(point, name) for name in ("profit", "disparity", "dual", "bound")}
    row: dict[str, Any] = {
        "tolerance": "inf" if math.isinf(point.tolerance) else point.tolerance,
        **{name: value if math.isfinite(value) else None for name, value in numbers.items()},
        "seconds": point.seconds,
        "result": point.solution.result.name,
        "message": point.solution.result.value,
    }
    if point.policy is None and "least_tolerance" in point.solution.stats:
        least = point.solution.stats["least_tolerance"]
        row["least_tolerance"] = least
        row["message"] += f" The smallest tolerance any policy meets is {least:.6g}."
    if episodes and point.policy is not None:
        row["confirmed"] = asdict(exact.confirm(point, episodes))
    return row


def _rules(exact: "ExactFrontier") -> list[dict[str, Any]]:
    from evenhand.tabular.lending import threshold_values

    values = threshold_values(exact.population.person(exact.steps))
    return [
        {
            "threshold": int(v["threshold"]),
            "profit": v["profit"],
            "disparity": v[exact.criterion] if math.isfinite(v[exact.criterion]) else None,
        }
        for v in values
    ]
