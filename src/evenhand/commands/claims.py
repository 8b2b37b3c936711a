"""`evenhand claims papers/<key>`: stored verdicts on a paper's claims; never runs anything."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro

from evenhand.experiments.paper_records import read_verdicts

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class ClaimsOptions:
    """Which paper."""

    folder: tyro.conf.Positional[Path]
    """Folder of the paper, such as papers/bisimulator."""


def run(options: ClaimsOptions) -> dict[str, Any]:
    """`{"claims": [...]}`, one row per claim."""
    return {"claims": read_verdicts(options.folder)}


def show(result: dict[str, Any], console: "Console") -> None:
    """Print a table with one line per claim."""
    from rich import box
    from rich.table import Table

    table = Table("id", "claim", "statistic", "interval", "verdict", box=box.SIMPLE_HEAD)
    for row in result["claims"]:
        interval = row["interval"]
        table.add_row(
            row["id"],
            row["statement"],
            _number(row["statistic"]),
            f"[{', '.join(map(_number, interval))}]".replace("[", r"\[") if interval else "-",
            row["verdict"],
        )
    console.print(table)


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else str(value or "-")
