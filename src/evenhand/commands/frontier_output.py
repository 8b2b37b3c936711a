"""How a frontier is shown and written."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from evenhand.core.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

_SUFFIXES = (".csv", ".parquet")


def show(result: dict[str, Any], console: "Console") -> None:
    """Print the frontier as a table."""
    from rich.table import Table

    best = (
        "best achievable profit"
        if result["policy_class"] == "time"
        else "best profit by group, level and visit"
    )
    table = Table(
        title=f"{result['population']}, {result['steps']} steps: {best} "
        f"for each tolerated {result['criterion']} ({result['unit']})"
    )
    for heading in ("tolerance", "profit", "reached", "price", "seconds"):
        table.add_column(heading, justify="right")
    simulated = any("confirmed" in row for row in result["points"])
    if simulated:
        table.add_column("simulated", justify="right")
        table.add_column("criterion", justify="right")
    for row in result["points"]:
        table.add_row(*_cells(row, simulated))
    console.print(table)
    _show_notes(result, console)


def _show_notes(result: dict[str, Any], console: "Console") -> None:
    """Print what the table leaves out: tolerances nobody meets, the best rule, assumptions."""
    for row in result["points"]:
        if row["profit"] is None:
            console.print(f"tolerance {row['tolerance']:.6g}: {row['message']}", style="yellow")
    rule = max(result["rules"], key=lambda r: r["profit"])
    console.print(
        f"Best single threshold: approve from level index {rule['threshold']} on, "
        f"profit {rule['profit']:.3f}, {result['criterion']} {_number(rule['disparity'], '.4g')}."
    )
    for name, why in result["assumed"].items():
        console.print(f"Assumed, not estimated: {name}: {why}.", style="dim")


def _cells(row: dict[str, Any], simulated: bool) -> list[str]:
    tolerance = row["tolerance"]
    cells = [tolerance if isinstance(tolerance, str) else f"{tolerance:.6g}"]
    for name, form in (("profit", ".3f"), ("disparity", ".4g"), ("dual", ".4g")):
        cells.append(_number(row[name], form))
    cells.append(f"{row['seconds']:.2f}")
    if simulated:
        for name in ("profit", "disparity"):
            seen = row.get("confirmed")
            cells.append(f"{seen[name]:.3f} ± {seen[name + '_se']:.3f}" if seen else "-")
    return cells


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def write(rows: list[dict[str, Any]], path: Path) -> None:
    """Write one line per point; a simulation's numbers get columns of their own."""
    import polars as pl

    flat = []
    for row in rows:
        seen = {f"confirmed_{k}": v for k, v in row.get("confirmed", {}).items()}
        kept = {k: v for k, v in row.items() if k not in ("confirmed", "message")}
        flat.append({**kept, "tolerance": float(row["tolerance"]), **seen})
    frame = pl.DataFrame(flat, infer_schema_length=None)
    frame.write_csv(path) if path.suffix == ".csv" else frame.write_parquet(path)


def check_out(path: Path) -> None:
    """Raise `InputError` where the frontier could not be written to this file later."""
    if path.suffix not in _SUFFIXES:
        raise InputError(f"--out must end in {' or '.join(_SUFFIXES)}, got {str(path)!r}")
    if path.is_dir():
        raise InputError(f"--out {str(path)!r} is a folder; name a file in it")
    if not path.parent.is_dir():
        raise InputError(f"--out: there is no folder {str(path.parent)!r}; create it first")
