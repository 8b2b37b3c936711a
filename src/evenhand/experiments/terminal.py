"""The key numbers of a run for a terminal, in tables that fit its width."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from evenhand.experiments.estimates import Estimates
from evenhand.experiments.record import Run
from evenhand.experiments.statistics import Interval
from evenhand.experiments.summary import EARNINGS, columns_of
from evenhand.experiments.terminal_table import add_column, add_row, plain_table
from evenhand.experiments.wording import figure_of, method_title, range_of

if TYPE_CHECKING:
    from rich.table import Table

# The metrics whose interval is shown; the others stand alone, to leave room for names.
_WITH_INTERVAL = ("return", "distance")
_BELOW = "below exact line"

Cell = Callable[[str], str]


class SummaryTables:
    """What rich prints: two tables side by group, or one block per method where they are wider."""

    def __init__(self, estimates: Estimates):
        self.estimates = estimates

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        tables = [self.earnings(), self.people()]
        kept = [table for table in tables if len(table.columns) > 1]
        titles = [method_title(method) for method in self.estimates.run.methods]
        words = [word for title in titles for word in title.split()]
        slack = max(map(len, titles)) - max(map(len, words))
        if all(_fits(table, console, options, slack) for table in kept):
            yield from kept
            return
        for method in self.estimates.run.methods:
            yield from self._blocks(method, console, options)

    def earnings(self) -> "Table":
        """What the decision-maker earns: a row per method."""
        return self._by_method("What the decision-maker earns", True)

    def people(self) -> "Table":
        """What the decisions mean for each group: a row per method."""
        return self._by_method("What the decisions mean for each group", False)

    def _cells(self) -> list[tuple[str, str, str, Cell]]:
        """(metric, group, heading, text of a method) of every column."""
        found: list[tuple[str, str, str, Cell]] = []
        for metric, group, unit, heading in columns_of(self.estimates):
            found.append((metric, group, heading.lower(), self._cell(metric, group, unit)))
        if self.estimates.criteria:
            criterion = self.estimates.criteria[0]
            gap = lambda method: self.estimates.distance(method, criterion).gap  # noqa: E731
            found.append(("distance", "", _BELOW, lambda method: number_of(gap(method), "reward")))
        return found

    def _cell(self, metric: str, group: str, unit: str) -> Cell:
        def text(method: str) -> str:
            found = self.estimates.interval(method, metric, group)
            shown = metric in _WITH_INTERVAL
            return number_of(found, unit) if shown else figure_of(found.estimate, unit)

        return text

    def _by_method(self, title: str, earnings: bool) -> "Table":
        cells = [c for c in self._cells() if (c[0] in (*EARNINGS, "distance")) == earnings]
        table = plain_table(title)
        add_column(table, "method")
        for _, group, heading, _ in cells:
            name = "\n".join(filter(None, (*heading.split(), group)))
            add_column(table, name, justify="right", no_wrap=True)
        for method in self.estimates.run.methods:
            add_row(table, [method_title(method), *(text(method) for *_, text in cells)])
        return table

    def _blocks(self, method: str, console: Any, options: Any) -> Iterator["Table"]:
        """A row per measure; as many groups beside each other as the width allows."""
        groups, at_once = list(self.estimates.run.groups), len(self.estimates.run.groups)
        while at_once > 1:
            if _fits(self._block(method, groups[:at_once], True), console, options):
                break
            at_once -= 1
        for start in range(0, len(groups), at_once):
            yield self._block(method, groups[start : start + at_once], start == 0)

    def _block(self, method: str, groups: list[str], overall: bool) -> "Table":
        rows: dict[str, dict[str, str]] = {}
        for metric, group, heading, text in self._cells():
            name = "return" if metric == "return_by_group" else heading
            rows.setdefault(name, {})[group] = text(method)
        heads = [*([""] if overall else []), *groups]
        table = plain_table(method_title(method) if overall else "")
        add_column(table, "", no_wrap=True)
        for head in heads:
            add_column(table, head or "all", justify="right", no_wrap=True)
        for name, found in rows.items():
            if any(head in found for head in heads):
                add_row(table, [name, *(found.get(head, "") for head in heads)])
        return table


def summary_table(run: Run) -> SummaryTables:
    """The key tables for a terminal: intervals for the return and the distance only."""
    return SummaryTables(Estimates(run))


def number_of(found: Interval, unit: str) -> str:
    """A number with ± where its interval is about symmetric, else with both ends beneath."""
    text = figure_of(found.estimate, unit)
    if not found.bounded:
        return text
    low, high = found.estimate - found.low, found.high - found.estimate
    if abs(high - low) <= 0.2 * (high + low):
        half = (high + low) / 2
        # No more digits than the number itself shows.
        digits = min(len(t.rstrip("%").partition(".")[2]) for t in (text, figure_of(half, unit)))
        size = f"{100 * half if unit == 'share' else half:,.{digits}f}"
        return f"{text} ±{size}"
    return f"{text}\n{range_of(found, unit)}"


def _fits(table: "Table", console: Any, options: Any, slack: int = 0) -> bool:
    """Whether nothing is cut at this width; `slack` is what the methods' names can wrap away."""
    from rich.measure import Measurement

    # Asked with the width in question, rich would answer with no more than that.
    free = options.update_width(10_000)
    return Measurement.get(console, free, table).maximum - slack <= options.max_width
