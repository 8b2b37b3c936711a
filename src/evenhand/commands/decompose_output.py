"""How a decomposition is shown and drawn."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from evenhand.core.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

_SUFFIXES = (".png", ".pdf", ".svg")
# Effect -> the groups' own terms, and what it says.
_EFFECTS = {
    "DPE": ("direct", "directly"),
    "IPE": ("indirect", "by where it leads"),
    "SPE": ("spurious", "there anyway"),
    "C": ("total", "in all"),
}


def show(result: dict[str, Any], console: "Console") -> None:
    """Print the effects as a table, then what they say in a sentence, then what to beware of."""
    from rich.table import Table

    from evenhand.experiments.terminal_table import add_column, add_row, as_written

    first, second = result["pair"]
    title = f"{result['policy']} in {result['population']}, {result['steps']} steps: "
    table = Table(title=as_written(title) + "gain per person decided about")
    table.add_column("effect")
    for heading in (first, second, "difference"):
        add_column(table, heading, justify="right")
    if sampled := result.get("sampled"):
        table.add_column("sampled", justify="right")
    table.add_column("how")
    places = [result["groups"].index(name) for name in result["pair"]]
    for name, (part, how) in _EFFECTS.items():
        terms = [_number(result["per_person"][part][place]) for place in places]
        cells = [name, *terms, _number(result[name])]
        if sampled:
            one = sampled["expected"][name]
            cells.append(f"{_number(one['value'])} ± {_number(one['error'])}")
        add_row(table, [*cells, how])
    console.print(table)
    console.print(reading(result), highlight=False, markup=False)
    _show_pairs(result, console)
    _show_notes(result, console)


def reading(result: dict[str, Any]) -> str:
    """What the effects say, in a sentence."""
    first, second = result["pair"]
    C, DPE, IPE, SPE = (_number(result[name]) for name in ("C", "DPE", "IPE", "SPE"))
    gap = f"Of the difference of {C} in gain per person ({first} minus {second})"
    if result["policy"] == "deny-all":
        return f"{gap} nothing is the policy's doing: it denies everybody."
    return (
        f"{gap} the policy causes {DPE} directly and {IPE} through what it sets in motion; "
        f"{SPE} would be there anyway."
    )


def _number(value: float) -> str:
    # Adding 0 takes the sign off a zero.
    return f"{round(value, 4) + 0:.4f}"


def _show_pairs(result: dict[str, Any], console: "Console") -> None:
    from rich.table import Table

    from evenhand.experiments.terminal_table import add_row

    if "pairs" not in result:
        return
    table = Table(title="every pair of groups, first minus second")
    table.add_column("pair")
    for name in ("DPE", "IPE", "SPE", "C"):
        table.add_column(name, justify="right")
    for row in result["pairs"]:
        numbers = (_number(row[name]) for name in ("DPE", "IPE", "SPE", "C"))
        add_row(table, [" - ".join(row["pair"]), *numbers])
    console.print(table)


def _show_notes(result: dict[str, Any], console: "Console") -> None:
    gains = zip(result["groups"], result["gain_by_group"], strict=True)
    summed = ", ".join(f"{name} {gain:.2f}" for name, gain in gains)
    console.print(
        f"Summed gain of all members: {summed}; profit {result['profit']:.2f}.",
        markup=False,
        highlight=False,
    )
    lam = result["benefit_disparity"]
    console.print(
        f"Benefit disparity at radius {lam['radius']:g}: {lam['initial']:.3g} among first "
        f"applicants, {lam['visits']:.3g} among all decisions.",
        highlight=False,
    )
    if lam["radius"] < 1e-3:
        console.print(
            f"At radius {lam['radius']:g} only equal benefits count: where the groups' benefits "
            "never coincide it is 0 whatever is decided; try --radius 0.02.",
            style="dim",
        )
    if result["v0"] == "stationary":
        console.print(
            "V_0 is the released code's: scores end up uniform. It moves IPE and SPE only.",
            style="yellow",
        )
    for note in result["notes"]:
        console.print(f"Note: {note}.", style="yellow", markup=False)
    if "figure" in result:
        console.print(f"figure: {result['figure']}", markup=False, highlight=False, soft_wrap=True)
    for name, why in result["assumed"].items():
        console.print(f"Assumed, not estimated: {name}: {why}.", style="dim", markup=False)


def check_figure(path: Path) -> None:
    """Raise `InputError` where a figure could not be written to this file later."""
    from evenhand.commands.report import require_matplotlib

    if path.suffix not in _SUFFIXES:
        raise InputError(f"--figure must end in {', '.join(_SUFFIXES)}, got {str(path)!r}")
    if path.is_dir():
        raise InputError(f"--figure {str(path)!r} is a folder; name a file in it")
    if not path.parent.is_dir():
        raise InputError(f"--figure: there is no folder {str(path.parent)!r}; create it first")
    require_matplotlib()


def draw(result: dict[str, Any], path: Path) -> Path:
    """The file with the figure: approval probability against benefit, a curve per group."""
    from evenhand.experiments.figures.benefit import benefit
    from evenhand.experiments.figures.style import save

    figure = benefit(
        result["benefit"],
        result["approve"],
        result["visits"],
        groups=result["groups"],
        levels=result["levels"],
    )
    return save(figure, path)
