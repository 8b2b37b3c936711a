"""The page of a run, its figures as files, and its summary; reads records, never runs anything."""

import re
from importlib.resources import files
from pathlib import Path
from string import Template

from evenhand.experiments.estimates import Estimates
from evenhand.experiments.record import Run, read_run, write_text
from evenhand.experiments.summary import summary, summary_table

__all__ = ["summary", "summary_table", "write_figures", "write_page"]


def write_page(run_folder: str | Path, out: str | Path | None = None) -> Path:
    """Write one self-contained page, by default `report.html` in the folder; its path."""
    run = read_run(run_folder)
    path = Path(out) if out else run.folder / "report.html"
    if path.is_dir():
        path = path / "report.html"
    write_text(path, page_of(run))
    return path


def page_of(run: Run) -> str:
    """The text of the page. The same records give the same page."""
    from evenhand.experiments import sentences
    from evenhand.experiments.figures.style import theme_css
    from evenhand.experiments.markup import Markup, join, tag
    from evenhand.experiments.sections import sections

    estimates = Estimates(run)
    made = sections(estimates)
    title = title_of(run)
    light, dark = theme_css()
    links = [tag("li", tag("a", words, href=f"#{name}")) for name, words, _ in made]
    lead = " ".join(filter(None, (sentences.people(estimates), sentences.parity(estimates))))
    head = join(
        tag("h1", title),
        tag("p", sentences.answer(estimates), class_="answer"),
        tag("p", lead, class_="lead"),
        tag("nav", tag("ul", *links), aria_label="Sections"),
    )
    body = join(
        *(
            tag("section", tag("h2", words), content, id=name, aria_label=words)
            for name, words, content in made
        )
    )
    page = _template("page.html").substitute(
        title=join(title),
        style=_template("page.css").substitute(light=light, dark=dark),
        head=head,
        body=body,
        foot=tag("p", f"Made by evenhand from the records {run.digest}. No script, no network."),
    )
    return Markup(re.sub(r"[ \t]+\n", "\n", page))


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


def _template(name: str) -> Template:
    source = files("evenhand.experiments") / "templates" / name
    return Template(source.read_text(encoding="utf-8"))
