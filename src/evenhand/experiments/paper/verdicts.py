"""Claims with their verdicts, as a table of a page and of a text."""

from typing import Any

from evenhand.experiments.markup import Markup, tag
from evenhand.experiments.paper import words
from evenhand.experiments.paper.judging import FAILS, HOLDS, UNDECIDED, Judged, Verdict
from evenhand.experiments.paper.study import Study

_SIGNS = {HOLDS: "✓", FAILS: "✕", UNDECIDED: "?"}
_CLASSES = {HOLDS: "holds", FAILS: "fails", UNDECIDED: "open"}


def claims_table(found: list[Verdict], study: Study) -> Markup:
    """A row per claim: the statement, the verdict, and the comparison that decided it."""
    head = tag("tr", *(tag("th", t, scope="col") for t in ("Claim", "Verdict", "What decided it")))
    rows = [_row(verdict, study) for verdict in found]
    return tag("table", tag("thead", head), tag("tbody", *rows), class_="claims")


def _row(found: Verdict, study: Study) -> Markup:
    claim = found.claim
    where = tag("small", claim.where) if claim.where else None
    name = tag("th", tag("span", claim.id, class_="id"), " ", claim.statement, where, scope="row")
    parts: list[Any] = []
    if found.deciding is not None:
        parts.append(_deciding(found.deciding, study))
    if found.missing:
        parts.append(tag("p", f"Not run: {', '.join(found.missing)}."))
    if claim.margin:
        parts.append(tag("p", f"Margin: {claim.margin}", class_="note"))
    if claim.note:
        parts.append(tag("p", claim.note, class_="note"))
    if len(found.tests) > 1:
        parts.append(_all_tests(found, study))
    return tag("tr", name, tag("td", chip(found.verdict)), tag("td", *parts))


def chip(verdict: str) -> Markup:
    """A verdict as a small label that does not rest on its colour."""
    sign = tag("span", _SIGNS[verdict], aria_hidden="true")
    return tag("span", sign, f" {verdict}", class_=f"verdict {_CLASSES[verdict]}")


def _deciding(judged: Judged, study: Study) -> Markup:
    what, asked = words.comparison_words(judged, study)
    difference = tag("strong", words.interval_words(judged, study))
    return tag("p", f"{what}. Difference ", difference, f"; asked for: {asked}.")


def _all_tests(found: Verdict, study: Study) -> Markup:
    items = []
    for judged in found.tests:
        what, asked = words.comparison_words(judged, study)
        difference = words.interval_words(judged, study)
        said = f"{what}. Difference {difference}; asked for: {asked}."
        items.append(tag("li", chip(judged.verdict), f" {said}"))
    count = f"All {len(found.tests)} comparisons"
    return tag("details", tag("summary", count), tag("ul", *items))
