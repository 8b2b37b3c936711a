"""What `evenhand calibrate` tells: a summary that is JSON, and the same on a terminal."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from evenhand.data.calibrate import Calibration
    from evenhand.data.records import Records


def summary(out: str, records: "Records", result: "Calibration") -> dict[str, Any]:
    """What was read, estimated and assumed, ready for JSON."""
    repay = result.estimates["repay_prob"]
    told: dict[str, Any] = {
        "out": out,
        "file": records.file,
        "rows": records.num_rows,
        "rows_used": len(records.group),
        "groups": {name: _json_ready(figures) for name, figures in result.by_group.items()},
        "levels": list(result.population.labels),
        "repay_prob": result.population.repay_prob.tolist(),
        "repay_prob_count": None if repay.count is None else repay.count.tolist(),
        "filled_cells": 0 if repay.filled is None else int(repay.filled.sum()),
        "confidence": result.provenance["confidence"],
        "warnings": list(result.warnings),
        "score": result.provenance["score"],
        "columns_used": result.provenance.get("columns_used", []),
        "columns_not_used": result.provenance.get("columns_not_used", []),
        "assumed": dict(result.population.assumed),
    }
    if result.transitions is not None:
        told["moves"] = _moves(records.groups, result.transitions)
    return told


def _json_ready(figures: dict[str, float | int]) -> dict[str, float | int | None]:
    """The figures with None for NaN, which JSON does not know."""
    return {key: None if value != value else value for key, value in figures.items()}


def _moves(groups: tuple[str, ...], moves: Any) -> dict[str, Any]:
    """Mean moves with bounds, counts and the misfit of the model, after delay and payment."""
    return {
        group: {
            what: {
                "mean_move": moves.mean_move[row, g, 0].item(),
                "low": moves.mean_move[row, g, 1].item(),
                "high": moves.mean_move[row, g, 2].item(),
                "count": int(moves.count[row, g]),
                "misfit": moves.misfit[row, g].item(),
            }
            for what, row in (("delayed", 1), ("paid", 2))
        }
        for g, group in enumerate(groups)
    }


def show(result: dict[str, Any], console: "Console") -> None:
    """Print the groups, the moves and every assumption."""
    from rich.markup import escape

    console.print(_table(result))
    for group, row in result.get("moves", {}).items():
        for what, move in row.items():
            console.print(
                f"{escape(group)}: after a month {what}, {move['mean_move']:+.2f} levels on average"
                f" ({move['low']:+.2f} to {move['high']:+.2f}, {move['count']} moves)"
            )
    if result["filled_cells"]:
        console.print(f"cells without records, filled: {result['filled_cells']}; see the file")
    for warning in result["warnings"]:
        console.print(f"Warning: {escape(warning)}")
    console.print("Assumed, not shown by the records:")
    for name, reason in result["assumed"].items():
        console.print(f"  {name}: {escape(reason)}")
    console.print(f"Wrote {escape(result['out'])}")


def _table(result: dict[str, Any]) -> "Table":
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(f"{result['file']}: {result['rows_used']} of {result['rows']} rows"))
    for name in (
        "group",
        "records",
        "repaid",
        f"{result['confidence']:.0%} bounds",
        "AUC",
        "predicted",
    ):
        table.add_column(name, justify="left" if name == "group" else "right")
    for name, row in result["groups"].items():
        cells = (row["repayment_rate"], row["auc"], row.get("mean_predicted_repayment"))
        repaid, auc, predicted = ("-" if cell is None else f"{cell:.3f}" for cell in cells)
        bounds = f"{row['low']:.3f}-{row['high']:.3f}"
        table.add_row(escape(name), str(row["count"]), repaid, bounds, auc, predicted)
    return table
