"""The section of the page that says what frontier policies near the audited one do differently."""

from functools import partial
from typing import Any

import numpy as np

from evenhand.experiments.audit import frontier_figures, tables
from evenhand.experiments.audit.facts import Audit
from evenhand.experiments.audit.frontier_words import (
    frontier_sentence,
    levelled_down,
    on_frontier,
    shifts,
)
from evenhand.experiments.audit.nearest import Distance, Rival
from evenhand.experiments.markup import Markup, join, tag
from evenhand.experiments.page import figure
from evenhand.experiments.wording import criterion_words, figure_of


def nearer(audit: Audit) -> Markup | None:
    """Per criterion: the two nearest frontier policies in words, in numbers and drawn."""
    if not audit.distances:
        return None
    text = (
        "Two policies on the frontier are nearest to the audited one: the one that earns most "
        "with no more disparity, and the one with the least disparity that earns no less. Shifts "
        "are told by how many decisions they change; several policies can reach the same point, "
        "and these are one choice each."
    )
    parts: list[Any] = [tag("p", text)]
    for number in range(len(audit.distances)):
        parts += _one(audit, number)
    return join(*parts)


def _one(audit: Audit, number: int) -> list[Any]:
    found, earlier = audit.distances[number], audit.distances[:number]
    said = criterion_words(found.criterion)
    heading = tag("h3", said.title)
    if on_frontier(found) and _still(found):
        return [heading, tag("p", frontier_sentence(audit, found))]
    same = next((e for e in earlier if _alike(e, found)), None)
    if same is not None:
        other = criterion_words(same.criterion).title.lower()
        text = f"{frontier_sentence(audit, found)} Both neighbours are those told for {other}."
        return [heading, tag("p", text)]
    items = [
        _told(audit, title, rival, said.unit)
        for title, rival in (
            (f"Most profit with no more {said.title.lower()}", found.richer),
            (f"Least {said.title.lower()} with no less profit", found.closer),
        )
    ]
    caption = (
        "Share approved at each level over the episode; grey: where decisions about the group "
        f"fall under the audited policy. {_numbers(audit, found)}"
    )
    draw = partial(frontier_figures.differences, audit, found)
    drawn = (
        figure(f"by-level-{found.criterion}", draw, "Approvals by level.", caption),
        tables.fates_table(audit, number),
    )
    if number == 0:
        return [heading, *items, *drawn]
    more = tag("summary", f"Approvals by level, and each group's fate, by {said.title.lower()}")
    return [heading, *items, tag("details", more, *drawn)]


def _told(audit: Audit, title: str, rival: Rival | None, unit: str) -> Markup:
    if rival is None:
        return tag("p", tag("strong", f"{title}: "), "the solver settled on none.")
    at = figure_of(max(rival.disparity, 0.0), unit)
    start = f"earns {figure_of(rival.profit)} at {at}; {levelled_down(audit, rival)}"
    told = shifts(audit, rival)
    if not told:
        return tag("p", tag("strong", f"{title}: "), f"{start}; it decides as the audited does.")
    return join(
        tag("p", tag("strong", f"{title}: "), f"{start}. It"),
        tag("ul", *(tag("li", f"{shift};") for shift in told[:-1]), tag("li", f"{told[-1]}.")),
    )


def _still(found: Distance) -> bool:
    return found.closer is None or not found.closer.shifts


def _alike(one: Distance, other: Distance) -> bool:
    """Whether two criteria lead to the same two policies."""
    pairs = ((one.richer, other.richer), (one.closer, other.closer))
    return all(
        a is not None and b is not None and np.allclose(a.approve, b.approve, 0, 0.02, True)
        for a, b in pairs
    )


def _numbers(audit: Audit, found: Distance) -> str:
    rates = [
        f"{group} {figure_of(rate, 'share')}"
        for group, rate in zip(audit.groups, audit.own.numbers.approval_rate, strict=True)
    ]
    return f"Audited approval rates: {', '.join(rates)}."
