"""The page of a run, its figures as files, and its summary; reads records, never runs anything."""

from pathlib import Path
from typing import Any

from evenhand.experiments.estimates import Estimates
from evenhand.experiments.record import Run, read_run, write_text
from evenhand.experiments.summary import summary
from evenhand.experiments.terminal import summary_table

__all__ = ["summary", "summary_table", "write_figures", "write_page", "write_sensitivity"]


def write_page(run_folder: str | Path, out: str | Path | None = None) -> Path:
    """Write one self-contained page, by default `report.html` in the folder; its path."""
    run = read_run(run_folder)
    path = Path(out) if out else run.folder / "report.html"
    if path.is_dir():
        path = path / "report.html"
    write_text(path, page_of(run))
    if run.sensitivity:
        write_sensitivity(run.sensitivity, path.with_name("sensitivity.html"), path.name)
    return path


def page_of(run: Run) -> str:
    """The text of the page. The same records give the same page."""
    from evenhand.experiments import sentences
    from evenhand.experiments.document import document
    from evenhand.experiments.markup import tag
    from evenhand.experiments.sections import sections

    estimates = Estimates(run)
    lead = " ".join(filter(None, (sentences.people(estimates), sentences.parity(estimates))))
    head = [
        tag("p", sentences.answer(estimates), class_="answer"),
        tag("p", lead, class_="lead") if lead else None,
    ]
    foot = tag("p", f"Made by evenhand from the records {run.digest}. No script, no network.")
    return document(title_of(run), head, sections(estimates), foot)


def write_sensitivity(found: dict[str, Any], path: Path, back: str | None = None) -> Path:
    """Write the page of `sensitivity` and return its path; `back` is the run's own page."""
    from evenhand.experiments.sensitivity_page import sensitivity_page

    write_text(path, sensitivity_page(found, back))
    return path


def title_of(run: Run) -> str:
    """What the run is about, in one line."""
    world = " ".join(filter(None, (run.experiment.get("env"), run.experiment.get("preset"))))
    name = run.experiment.get("name") or run.folder.name
    return f"{name}: {world}, groups {', '.join(run.groups)}"


def write_figures(run_folder: str | Path, out: str | Path | None = None) -> list[Path]:
    """Write every figure of the run as PDF, PNG and SVG, by default into `figures/`; the paths."""
    from evenhand.experiments.figures import catalogue
    from evenhand.experiments.figures.style import save

    run = read_run(run_folder)
    folder = Path(out) if out else run.folder / "figures"
    paths = []
    for name, draw in catalogue.figures(Estimates(run)).items():
        figure = draw("wide")
        paths += [save(figure, folder / f"{name}.{kind}") for kind in ("pdf", "png", "svg")]
    return paths
