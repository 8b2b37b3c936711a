"""`evenhand group-fair-lp`: the best policies whose gaps on every task meet a tolerance."""

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evenhand.core.errors import InputError, unknown_name
from evenhand.core.registry import ENVIRONMENTS

if TYPE_CHECKING:
    from rich.console import Console

    from evenhand.core.solution import Solution
    from evenhand.tabular.mdp import TabularMDP

_WORLDS = ("RiverSwim-v0",)


@dataclass(frozen=True)
class GroupFairOptions:
    """The largest total return of all groups on all tasks whose gaps between groups are tolerated,
    computed exactly on the true model."""

    env: str = "RiverSwim-v0"
    """The world: RiverSwim-v0."""
    groups: int = 2
    """How many groups: 1 to 3 (swimmers A slow, B fast, C between them)."""
    tasks: str = "predecessor"
    """Comma-separated tasks, each a reward of its own: predecessor, near-goal, middle-goal."""
    tolerance: str = "1.1"
    """Largest gap of a task's return between two groups; one for all, or one per task, as 1.1,inf;
    inf leaves a task without a constraint."""
    maximise: str = "total"
    """total (of all groups and tasks) or worst-group (the smallest return of any group on any
    task, then the total)."""
    states: int = 7
    """Places in the river."""
    horizon: int = 10
    """Strokes of a swimmer."""


def run(options: GroupFairOptions) -> dict[str, Any]:
    """The optimum as plain data; `J` has a row per group and a column per task, as asked for."""
    start = time.perf_counter()
    _check_env(options.env)
    tolerances = _tolerances(options.tolerance)
    from evenhand.data.river_swim import choose_tasks, river
    from evenhand.tabular.group_fair_lp import GroupFairLP
    from evenhand.tabular.river_swim import river_swim_mdp

    world = river(options.groups, choose_tasks(options.tasks), options.states, options.horizon)
    mdp = river_swim_mdp(world)
    lp = GroupFairLP(mdp, tolerances, options.maximise)
    found = lp.solve()
    free = GroupFairLP(mdp, math.inf, options.maximise).solve()
    return {
        "env": options.env,
        "groups": list(world.groups),
        "tasks": list(mdp.signals),
        "tolerance": ["inf" if math.isinf(one) else float(one) for one in lp.tolerance],
        "maximise": options.maximise,
        **answer(mdp, found, free),
        "num_fairness_rows": lp.num_fairness_rows,
        "seconds": time.perf_counter() - start,
    }


def answer(mdp: "TabularMDP", found: "Solution", free: "Solution") -> dict[str, Any]:
    """What a solution says, with null where there is none; `free` knows no tolerance."""
    J, solved = found.J, found.J is not None
    best, objective = free.stats.get("objective"), found.stats.get("objective")
    return {
        "J": None if J is None else J.tolist(),
        "gaps": None if J is None else (J.max(0) - J.min(0)).tolist(),
        "objective": objective,
        "objective_without_tolerance": best,
        "price_of_tolerance": best - objective if solved and best is not None else None,
        "prices": _prices(mdp, found) if solved else None,
        "result": found.result.name,
        "message": found.result.value,
        "solver_seconds": found.stats["seconds"],
    }


def _prices(mdp: "TabularMDP", found: "Solution") -> list[dict[str, Any]]:
    """The rows that bind: group `above` may be better off than `below` by the tolerance only."""
    prices = found.stats["prices"]
    return [
        {"task": mdp.signals[m], "above": int(i), "below": int(j), "price": float(prices[m, i, j])}
        for m, i, j in zip(*(abs(prices) > 1e-9).nonzero(), strict=True)
    ]


def _check_env(name: str) -> None:
    if name not in ENVIRONMENTS:
        raise unknown_name("environment", name, ENVIRONMENTS)
    if name not in _WORLDS:
        raise InputError(
            f"{name} has no tasks that all groups share; use --env {_WORLDS[0]}, or for lending: "
            "evenhand frontier"
        )


def _tolerances(text: str) -> list[float]:
    found = []
    for part in text.split(","):
        try:
            value = float(part)
        except ValueError:
            value = math.nan
        if not value >= 0:
            raise InputError(
                f"--tolerance takes numbers of 0 or more and inf, got {part.strip()!r}"
            )
        found.append(value)
    return found


def show(result: dict[str, Any], console: "Console") -> None:
    """Print the returns of every group on every task, the gaps, and what the tolerance costs."""
    from rich.table import Table

    if result["J"] is None:
        console.print(result["message"], style="yellow")
        return
    table = Table(title=f"{result['env']}: expected return of each group on each task")
    table.add_column("group")
    for task in result["tasks"]:
        table.add_column(task, justify="right")
    for name, row in zip(result["groups"], result["J"], strict=True):
        table.add_row(name, *(f"{value:.4f}" for value in row))
    table.add_section()
    table.add_row("gap", *(f"{value:.4f}" for value in result["gaps"]))
    table.add_row("tolerance", *(f"{float(value):g}" for value in result["tolerance"]))
    console.print(table)
    console.print(
        f"Objective ({result['maximise']}) {result['objective']:.4f}; without a tolerance "
        f"{result['objective_without_tolerance']:.4f}, so it costs "
        f"{result['price_of_tolerance']:.4f}."
    )
    for row in result["prices"]:
        above, below = result["groups"][row["above"]], result["groups"][row["below"]]
        console.print(
            f"One more unit of tolerance of {row['task']} for {above} above {below} is worth "
            f"{row['price']:.4g}."
        )
