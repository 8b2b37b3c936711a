"""`evenhand sensitivity`: which exact conclusions survive other payoffs and moves."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class Sensitivity:
    """Solve a lending world exactly under four settings of its assumed payoffs and moves."""

    preset: str | None = None
    """A named world that marks what it assumes: fico (default)."""
    params: str | None = None
    """Parameter file of `evenhand calibrate`, instead of a preset."""
    groups: str | None = None
    """Comma-separated subset of the groups."""
    set: tuple[str, ...] = ()
    """key=value: options of the preset or fields of the population; repeatable."""
    steps: int | None = None
    """Decisions per episode; the world's own by default."""
    points: int = 9
    """Points of every frontier."""
    out: Annotated[str, tyro.conf.arg(aliases=["-o"])] = "sensitivity.html"
    """Page to write."""


def run(options: Sensitivity) -> dict[str, Any]:
    """The numbers of every setting, the conclusions, and where the page is."""
    from evenhand.commands.report import require_matplotlib
    from evenhand.core.errors import InputError
    from evenhand.data.choose import choose_population

    require_matplotlib()
    from evenhand.experiments.conclusions import answer, conclusions
    from evenhand.experiments.report import write_sensitivity
    from evenhand.experiments.sensitivity import sensitivity

    if options.points < 2:
        raise InputError(f"--points must be at least 2, got {options.points}")
    if Path(options.out).is_dir():
        raise InputError(f"--out {options.out} is a folder; name a file for the page")
    start = time.perf_counter()
    preset = options.preset or (None if options.params else "fico")
    population = choose_population(preset, options.params, options.groups, options.set)
    found = sensitivity(population, options.steps, points=options.points)
    made = [{"text": c.text, "holds": c.holds} for c in conclusions(found)]
    page = write_sensitivity(found, Path(options.out))
    told = {"answer": answer(found), "conclusions": made, "page": str(page)}
    return told | found | {"wall_seconds": time.perf_counter() - start}


def show(result: dict[str, Any], console: "Console") -> None:
    """Print the answer, every conclusion, and where the page is."""
    console.print(result["answer"], style="bold", markup=False, highlight=False)
    for conclusion in sorted(result["conclusions"], key=lambda c: c["holds"]):
        verdict = "same   " if conclusion["holds"] else "changes"
        console.print(f"{verdict} {conclusion['text']}", markup=False, highlight=False)
    console.print(f"page: {result['page']}", markup=False, highlight=False, soft_wrap=True)
