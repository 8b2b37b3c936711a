"""The pieces of the page: tables and figures as HTML, with words that say what they show."""

from collections.abc import Callable, Sequence
from functools import partial
from html import escape
from itertools import groupby
from typing import Any

from matplotlib.figure import Figure

from evenhand.experiments import captions
from evenhand.experiments.estimates import Estimates
from evenhand.experiments.figures.style import svg, themed
from evenhand.experiments.markup import Markup, join, tag
from evenhand.experiments.statistics import Interval
from evenhand.experiments.summary import EARNINGS, columns_of, comparisons, metric_titles
from evenhand.experiments.wording import (
    criterion_words,
    figure_of,
    is_admissions,
    measure_words,
    method_meaning,
    method_title,
    range_of,
)


def figure(
    name: str,
    draw: Callable[[str], Figure],
    label: str,
    caption: str,
    details: str = "",
    widths: Sequence[str] = ("wide", "narrow"),
) -> Markup:
    """A figure drawn once per width, of which the page shows one.

    `label` and `caption` stand below it; with `details` they are what a screen reader says.
    """
    drawings = []
    for width in widths:
        drawing = themed(svg(draw(width), f"{name}-{width}"))
        words = escape(f"{label} {caption} {details}".strip())
        opening = f'<svg role="img" aria-label="{words}" '
        class_ = width if len(widths) > 1 else "only"
        drawings.append(tag("div", Markup(drawing.replace("<svg ", opening, 1)), class_=class_))
    text = join(tag("strong", label), " ", caption)
    return tag("figure", *drawings, tag("figcaption", text), id=name)


def table(
    head: Sequence[Any], rows: Sequence[Any], label: str, class_: str | None = None
) -> Markup:
    """A table that scrolls inside its own frame, which the keyboard can reach."""
    inner = tag("table", tag("thead", *head), tag("tbody", *rows), class_=class_)
    return tag("div", inner, class_="scroll", role="region", aria_label=label, tabindex="0")


def earnings_table(estimates: Estimates) -> Markup:
    """What the decision-maker earns, and how far below the exact line that is."""
    columns = [c for c in columns_of(estimates) if c[0] in EARNINGS]
    heads = [(name, list(part)) for name, part in groupby(columns, key=lambda c: (c[0], c[3]))]
    spans = [(heading, [column[1] for column in part]) for (_, heading), part in heads]
    criteria = estimates.criteria
    if criteria:
        titles = [criterion_words(criterion).title.lower() for criterion in criteria]
        spans.append(("Below the exact line, at the method's own …", titles))

    def cells(method: str) -> list[tuple[Interval, str]]:
        found = [(estimates.interval(method, m, group), unit) for m, group, unit, _ in columns]
        return found + [(estimates.distance(method, c).gap, "reward") for c in criteria]

    return _by_method(estimates, spans, cells, "What the decision-maker earns")


def people_table(estimates: Estimates) -> Markup | None:
    """What the decisions mean for each group."""
    columns = [c for c in columns_of(estimates) if c[0] not in EARNINGS]
    if not columns:
        return None
    heads = [(name, list(part)) for name, part in groupby(columns, key=lambda c: (c[0], c[3]))]
    spans = [(heading, [column[1] for column in part]) for (_, heading), part in heads]

    def cells(method: str) -> list[tuple[Interval, str]]:
        return [(estimates.interval(method, m, group), unit) for m, group, unit, _ in columns]

    return _by_method(estimates, spans, cells, "What the decisions mean for each group")


def _by_method(
    estimates: Estimates,
    spans: Sequence[tuple[str, Sequence[str]]],
    cells: Callable[[str], list[tuple[Interval, str]]],
    label: str,
) -> Markup:
    """A row per method under two rows of heads; a span with the one head "" fills both rows."""
    top, below = [tag("th", "Method", rowspan="2", scope="col")], []
    starts: list[bool] = []
    for heading, parts in spans:
        starts += [index == 0 for index in range(len(parts))]
        if list(parts) == [""]:
            top.append(tag("th", heading, rowspan="2", scope="col", class_="split"))
            continue
        top.append(tag("th", heading, colspan=len(parts), scope="colgroup", class_="split"))
        below += [
            tag("th", part, scope="col", class_=None if index else "split")
            for index, part in enumerate(parts)
        ]
    rows = []
    for method in estimates.run.methods:
        row = [
            cell(found, unit, "split" if start else None)
            for (found, unit), start in zip(cells(method), starts, strict=True)
        ]
        first = "first" if method == estimates.headline else None
        rows.append(tag("tr", tag("th", method_title(method), scope="row"), *row, class_=first))
    return table([tag("tr", *top), tag("tr", *below)], rows, label)


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
            tag("td", figure_of(row["probability"].estimate, "share")),
        )
        for row in comparisons(estimates)
    ]
    return table([head], rows, f"{ours} against the other methods", "fit")


def methods_list(estimates: Estimates) -> Markup | None:
    """One line about every method that this page can explain."""
    labels = tuple(estimates.run.world.get("level_labels", ()))
    told = [
        (method_title(m), f"{meaning}{_ruined(estimates, m)}")
        for m in estimates.run.methods
        if (meaning := method_meaning(m, labels))
    ]
    items = [tag("li", tag("strong", name), f": {words}.") for name, words in told]
    return tag("ul", *items) if items else None


def _ruined(estimates: Estimates, method: str) -> str:
    """What to add where a method loses all the cash, which ends an episode early."""
    cash = estimates.run.world.get("cash")
    ruined = cash is not None and (estimates.values(method, "return") <= 1 - cash).mean()
    if not ruined:
        return ""
    return f"; it loses the bank's whole cash of {cash:,.0f}, and nobody is lent to after that"


def measures_table(estimates: Estimates) -> Markup:
    """What each measure of the run means, and whom a bad value harms."""
    head = tag(
        "tr", *(tag("th", t, scope="col") for t in ("Measure", "Definition", "Who is harmed"))
    )
    admits = is_admissions(estimates.run.experiment)
    words = [measure_words(metric, admits) for metric in metric_titles(estimates)]
    rows = [
        tag("tr", tag("th", w.title, scope="row"), tag("td", w.meaning), tag("td", w.harm))
        for w in words
        if w.meaning
    ]
    for criterion in estimates.criteria:
        said = criterion_words(criterion)
        meaning = f"{said.meaning[:1].upper()}{said.meaning[1:]}; the exact line holds it ex ante."
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
    """One figure per criterion: the first one large, the others beside each other."""
    from evenhand.experiments.figures.frontier import frontier

    made = []
    for index, criterion in enumerate(estimates.criteria):
        draw = partial(frontier, estimates, criterion)
        widths = ("narrow",) if index else ("wide", "narrow")
        title = f"{criterion_words(criterion).title}."
        words = captions.frontier_caption(estimates, criterion)
        made.append(figure(f"frontier-{criterion}", draw, title, *words, widths=widths))
    return [*made[:1], tag("div", *made[1:], class_="row")] if made[1:] else made
