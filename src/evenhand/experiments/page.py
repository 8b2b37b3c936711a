"""The pieces of the page: tables and figures as HTML, with words that say what they show."""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from matplotlib.figure import Figure

from evenhand.experiments import sentences
from evenhand.experiments.estimates import Estimates
from evenhand.experiments.figures.style import svg, themed
from evenhand.experiments.markup import Markup, join, tag
from evenhand.experiments.statistics import Interval
from evenhand.experiments.summary import columns_of, comparisons, metric_titles
from evenhand.experiments.wording import (
    criterion_words,
    figure_of,
    measure_words,
    method_meaning,
    method_title,
    range_of,
)


def figure(name: str, draw: Callable[[str], Figure], label: str, caption: str) -> Markup:
    """A figure in a wide and a narrow drawing, of which the page shows one.

    `label` and `caption` together are what the picture says, numbers included.
    """
    drawings = []
    for width in ("wide", "narrow"):
        drawing = themed(svg(draw(width), f"{name}-{width}"))
        words = Markup(tag("i", aria_label=f"{label} {caption}")[2:-5])
        opening = f'<svg role="img"{words} '
        drawings.append(tag("div", Markup(drawing.replace("<svg ", opening, 1)), class_=width))
    text = join(tag("strong", label), " ", caption)
    return tag("figure", *drawings, tag("figcaption", text), id=name)


def table(
    head: Sequence[Any], rows: Sequence[Any], label: str, class_: str | None = None
) -> Markup:
    """A table that scrolls inside its own frame, which the keyboard can reach."""
    inner = tag("table", tag("thead", *head), tag("tbody", *rows), class_=class_)
    return tag("div", inner, class_="scroll", role="region", aria_label=label, tabindex="0")


def key_table(estimates: Estimates) -> Markup:
    """Methods against measures, an interval under every number."""
    columns, criteria = columns_of(estimates), estimates.criteria
    rows = []
    for method in estimates.run.methods:
        cells = [tag("th", method_title(method), scope="row")]
        before = None
        for metric, group, unit, _ in columns:
            edge = "split" if metric != before else None
            cells.append(cell(estimates.interval(method, metric, group), unit, edge))
            before = metric
        for index, criterion in enumerate(criteria):
            found = estimates.distance(method, criterion)
            cells.append(cell(found.gap, "reward", "split" if index == 0 else None))
        rows.append(tag("tr", *cells, class_="first" if method == estimates.headline else None))
    return table(_key_head(estimates), rows, "Key numbers of every method")


def _key_head(estimates: Estimates) -> list[Markup]:
    """Two rows: the measure over its groups, and under "below the exact line" the criteria."""
    top, below = [tag("th", "Method", rowspan="2", scope="col")], []
    for (_, heading), part in groupby(columns_of(estimates), key=lambda c: (c[0], c[3])):
        groups = [column[1] for column in part]
        if groups == [""]:
            top.append(tag("th", heading, rowspan="2", scope="col", class_="split"))
            continue
        top.append(tag("th", heading, colspan=len(groups), scope="colgroup", class_="split"))
        below += [
            tag("th", group, scope="col", class_=None if index else "split")
            for index, group in enumerate(groups)
        ]
    if estimates.criteria:
        words = "Return below the exact line at the same …"
        top.append(
            tag("th", words, colspan=len(estimates.criteria), scope="colgroup", class_="split")
        )
        below += [
            tag("th", criterion_words(c).title.lower(), scope="col", class_=None if i else "split")
            for i, c in enumerate(estimates.criteria)
        ]
    return [tag("tr", *top), tag("tr", *below)] if below else [tag("tr", *top)]


def cell(found: Interval, unit: str, class_: str | None = None, signed: bool = False) -> Markup:
    """A number with its interval beneath."""
    interval = range_of(found, unit, signed)
    small = tag("small", interval) if interval else None
    return tag("td", figure_of(found.estimate, unit, signed), small, class_=class_)


def comparison_table(estimates: Estimates) -> Markup:
    """The headline method against every other one, over shared seeds."""
    ours = method_title(estimates.headline)
    heads = ("Against", f"{ours} earns more by", f"Share of run pairs in which {ours} earns more")
    head = tag("tr", *(tag("th", text, scope="col") for text in heads))
    rows = [
        tag(
            "tr",
            tag("th", method_title(row["method"]), scope="row"),
            cell(row["difference"], "reward", signed=True),
            cell(row["probability"], "share"),
        )
        for row in comparisons(estimates)
    ]
    return table([head], rows, f"{ours} against the other methods")


def methods_list(estimates: Estimates) -> Markup | None:
    """One line about every method that this page can explain."""
    labels = tuple(estimates.run.world.get("level_labels", ()))
    told = [(method_title(m), method_meaning(m, labels)) for m in estimates.run.methods]
    items = [tag("li", tag("strong", name), f": {words}.") for name, words in told if words]
    return tag("ul", *items) if items else None


def measures_table(estimates: Estimates) -> Markup:
    """What each measure of the run means, and whom a bad value harms."""
    head = tag(
        "tr", *(tag("th", t, scope="col") for t in ("Measure", "Definition", "Who is harmed"))
    )
    words = [measure_words(metric) for metric in metric_titles(estimates)]
    rows = [
        tag("tr", tag("th", w.title, scope="row"), tag("td", w.meaning), tag("td", w.harm))
        for w in words
        if w.meaning
    ]
    for criterion in estimates.criteria:
        said = criterion_words(criterion)
        meaning = f"Ex ante: {said.meaning}, of expected values."
        harm = "The group on the lower side; which one it is shows in the columns by group."
        rows.append(
            tag("tr", tag("th", said.title, scope="row"), tag("td", meaning), tag("td", harm))
        )
    return table([head], rows, "What each measure means", "text")


def definitions(pairs: Sequence[tuple[Any, Any]], class_: str | None = None) -> Markup:
    """Terms and what is said about them."""
    parts = [
        tag(name, text) for pair in pairs for name, text in zip(("dt", "dd"), pair, strict=True)
    ]
    return tag("dl", *parts, class_=class_)


def missing(what: str, command: str) -> Markup:
    """One sentence in place of a section whose records are not there."""
    return tag("p", f"{what} in this run; ", tag("code", command), " makes them.", class_="note")


def frontier_figures(estimates: Estimates) -> list[Markup]:
    """One figure per criterion that has an exact line."""
    from evenhand.experiments.figures.frontier import frontier

    return [
        figure(
            f"frontier-{criterion}",
            lambda width, criterion=criterion: frontier(estimates, criterion, width),
            f"{criterion_words(criterion).title}.",
            sentences.frontier_caption(estimates, criterion),
        )
        for criterion in estimates.criteria
    ]
