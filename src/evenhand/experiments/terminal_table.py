"""Tables for a terminal in which names stand as they are written, brackets included."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table


def plain_table(title: str = "") -> "Table":
    """An empty table with a rule below its headings and no other frame."""
    from rich import box
    from rich.table import Table

    return Table(
        title=as_written(title) or None,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )


def add_column(table: "Table", heading: str, **look: Any) -> None:
    """Put a column with this heading at the right end; `look` is rich's."""
    table.add_column(as_written(heading), **look)


def add_row(table: "Table", cells: list[str]) -> None:
    """Put a row at the end."""
    table.add_row(*map(as_written, cells))


def as_written(text: str) -> str:
    """The text with its brackets protected, which rich would read as styles."""
    from rich.markup import escape

    return escape(text)
