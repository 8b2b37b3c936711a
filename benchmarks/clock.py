"""CPU seconds, interleaved: on a shared machine the wall clock says more about the neighbours."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Row:
    """One line of the table: medians, and every repeat they are taken from."""

    name: str
    unit: str
    ours: list[float]
    other: list[float] = field(default_factory=list)
    bar: str = ""
    note: str = ""

    def record(self) -> dict[str, Any]:
        """The row for `latest.json`; `ratio` is ours over the other, of medians."""
        ours, other = (statistics.median(x) if x else None for x in (self.ours, self.other))
        return {
            "name": self.name,
            "ours": ours,
            "other": other,
            "ratio": ours / other if ours is not None and other else None,
            "unit": self.unit,
            "repeats": len(self.ours),
            "ours_all": self.ours,
            "other_all": self.other,
            "bar": self.bar,
            "note": self.note,
        }


def cpu_seconds(work: Callable[[], Any]) -> float:
    """CPU seconds of this process, all threads, that `work` takes."""
    start = time.process_time()
    work()
    return time.process_time() - start


def interleaved(
    ours: Callable[[int], Any], other: Callable[[int], Any] | None, repeats: int
) -> tuple[list[float], list[float]]:
    """CPU seconds of both, taken A B A B, after one round that is not counted."""
    times: tuple[list[float], list[float]] = ([], [])
    for repeat in range(repeats + 1):
        for work, kept in zip((ours, other), times, strict=True):
            if work is not None:
                seconds = cpu_seconds(lambda: work(repeat))  # noqa: B023
                if repeat:
                    kept.append(seconds)
    return times


def print_table(rows: list[Row]) -> None:
    """Median, least and most of every row, and the bar it is held to."""
    head = ("what", "ours", "min", "max", "other", "ratio", "unit", "bar")
    lines = [head]
    for row in rows:
        record = row.record()
        shown = [record["ours"], min(row.ours, default=None), max(row.ours, default=None)]
        shown += [record["other"], record["ratio"]]
        cells = ["-" if x is None else f"{x:,.0f}" if x >= 1000 else f"{x:.3g}" for x in shown]
        lines.append((row.name, *cells, row.unit, row.bar))
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)))
    for row in rows:
        if row.note:
            print(f"{row.name}: {row.note}")
