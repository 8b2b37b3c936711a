"""`evenhand report RUN`: the page of a finished run, or its figures; never runs anything."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import tyro

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class ReportOptions:
    """Which run, and what to write."""

    folder: tyro.conf.Positional[Path]
    """Folder of the run, such as runs/fico-0123456789ab."""
    out: Path | None = None
    """Where to write; by default report.html, or figures/, in the folder of the run."""
    open: bool = False
    """Show the page in the browser."""
    format: Literal["html", "figures"] = "html"
    """One page, or every figure as PDF, PNG and SVG."""


def run(options: ReportOptions) -> dict[str, Any]:
    """The summary of the run and the paths of what was written."""
    from evenhand.experiments.record import read_run
    from evenhand.experiments.summary import summary

    require_matplotlib()
    from evenhand.experiments.report import write_figures, write_page

    if options.format == "figures":
        written = write_figures(options.folder, options.out)
    else:
        written = [write_page(options.folder, options.out)]
    if options.open:
        _show_in_browser(written[0])
    found = summary(read_run(options.folder))
    return found | {"folder": str(options.folder), "written": [str(path) for path in written]}


def show(result: dict[str, Any], console: "Console") -> None:
    """Print the answer, the key table and where the page is."""
    from evenhand.experiments.record import read_run
    from evenhand.experiments.terminal import summary_table

    console.print(result["answer"], style="bold", markup=False, highlight=False)
    console.print(summary_table(read_run(result["folder"])))
    for path in result["written"]:
        console.print(path, markup=False, highlight=False, soft_wrap=True)


def require_matplotlib() -> None:
    """`InputError` with the remedy where matplotlib is not installed."""
    from evenhand.core.errors import InputError

    try:
        import matplotlib  # noqa: F401
    except ModuleNotFoundError as error:
        raise InputError(
            "a report draws with matplotlib, which is not installed; "
            'install it with: pip install "evenhand[report]"'
        ) from error


def _show_in_browser(path: Path) -> None:
    import webbrowser

    webbrowser.open(path.resolve().as_uri())
