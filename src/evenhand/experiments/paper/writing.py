"""Where a study's page, tables, figures and records are written."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from evenhand.core.files import write_text
from evenhand.experiments.estimates import Estimates
from evenhand.experiments.figures.style import styled
from evenhand.experiments.paper import figures, table
from evenhand.experiments.paper.judging import Verdict
from evenhand.experiments.paper.overview import overview_markdown, read_overview
from evenhand.experiments.paper.page import study_page
from evenhand.experiments.paper.results import fresh_folder, judged, write_results
from evenhand.experiments.paper.running import Sitting
from evenhand.experiments.paper.wanted import read_columns

Runs = Mapping[str, Estimates]


def write_study(sitting: Sitting, runs: Runs) -> tuple[Path, list[Verdict]]:
    """The folder that was written, and the verdicts.

    The paper's own results are written when every scenario of the study is there as the study
    asks for it. Before that, and for scratch runs, a preliminary page goes beside the runs.
    """
    study = sitting.study
    found = judged(study, runs)
    note = preliminary(sitting, runs)
    folder = sitting.runs / "preliminary" if note else study.results
    folder.mkdir(parents=True, exist_ok=True)
    text = study_page(study, runs, found, sitting.command, note)
    write_text(folder / "page.html", text)
    write_text(folder / "tables.md", tables_text(sitting, runs))
    drawn = fresh_folder(folder, "figures")
    for wanted, draw in figures.drawings(study, runs):
        _save_small(draw("wide"), drawn / f"{wanted.name}.png")
    if not note:
        write_results(study, runs, found, folder)
    return folder, found


def _save_small(figure: Figure, path: Path) -> None:
    """Write a picture of few colours: a fifth of the bytes, and lines look the same."""
    from PIL import Image

    page = io.BytesIO()
    with styled():
        figure.savefig(page, format="png", dpi=110, facecolor="white", metadata={"Software": None})
    with Image.open(page) as picture:
        picture.convert("RGB").quantize(96).save(path, optimize=True)


def preliminary(sitting: Sitting, runs: Runs) -> str:
    """Why these runs are not the study's results, as a sentence; "" where they are."""
    if sitting.scratch:
        words = ", ".join(f"{name} {value}" for name, value in sitting.changes.items())
        return f"A scratch run ({words} instead of the study's own): nothing here is a result."
    missing = [s.name for s in sitting.study.scenarios if s.name not in runs]
    if missing:
        return (
            f"Preliminary: {', '.join(missing)} not run yet, so claims about that are undecided "
            "here."
        )
    return ""


def tables_text(sitting: Sitting, runs: Runs) -> str:
    """The result tables in Markdown."""
    note = (
        "Mean over seeds ± half the width of the 95% bootstrap interval. Bold: the best value of "
        "a column and any within 5% of it."
    )
    if any(column.exact for column in read_columns(sitting.study)):
        note += f" {table.EXACT}"
    parts = [f"# Results: {sitting.study.about.get('title') or sitting.study.key}\n", f"{note}\n"]
    if over := read_overview(sitting.study):
        parts.append(f"## {over.title}\n\n{overview_markdown(over, sitting.study, runs)}")
    asked = read_columns(sitting.study)
    for name, estimates in runs.items():
        run = estimates.run
        each = run.manifest["budget"] if sitting.study.kind else _steps(run.experiment)
        budget = f"{len(run.seeds)} seeds, {each}"
        title = sitting.study.scenario(name).title
        parts.append(f"## {title}\n\n{budget}.\n")
        for more, columns in table.by_table(asked).items():
            head = f"### {more}\n\n" if more else ""
            parts.append(f"{head}{table.as_markdown(estimates, columns)}")
    return "\n".join(parts)


def _steps(experiment: Mapping[str, Any]) -> str:
    return f"{experiment['steps']:,} training steps"
