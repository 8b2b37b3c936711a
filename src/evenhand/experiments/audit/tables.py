"""The tables of an audit's page."""

from collections.abc import Sequence
from typing import Any

from evenhand.experiments.audit import words
from evenhand.experiments.audit.facts import Audit
from evenhand.experiments.audit.frontier_words import on_frontier
from evenhand.experiments.audit.under import Pair
from evenhand.experiments.markup import Markup, join, tag
from evenhand.experiments.page import table
from evenhand.experiments.wording import CRITERIA, MEASURES, criterion_words, figure_of

_GROUP_ROWS = (
    ("Decisions", "decisions", "number", False),
    ("Approvals", "approvals", "number", False),
    ("Approval rate", "approval_rate", "share", False),
    ("Recall", "recall", "share", False),
    ("Default rate of the approved", "default_rate", "share", False),
    ("Profit", "profit", "reward", True),
    ("Profit per decision", "profit_per_decision", "reward", True),
    ("Gain per person", "gain_per_person", "gain", True),
    ("Mean score at the start", "start_score", "levels", False),
    ("Mean score at the end", "end_score", "levels", False),
)
MOST_PAIRS = 6  # told in words and in a panel each: all pairs of four groups
_FATES = (("profit", "reward"), ("approval_rate", "share"), ("gain_per_person", "gain"))


def groups_table(audit: Audit) -> Markup:
    """What one episode means for each group, in expectation."""
    own, made = audit.own.numbers, []
    for title, name, unit, signed in _GROUP_ROWS:
        values = [figure_of(value, unit, signed) for value in getattr(own, name)]
        made.append(_row(title, values))
        if name == "gain_per_person":
            caused = [figure_of(value, "gain", signed=True) for value in audit.own.caused]
            made.append(_row("… caused by the policy", caused))
    return table([_head(["", *audit.groups])], made, "What happens to each group", "fit")


def causes_table(audit: Audit, pairs: Sequence[Pair]) -> Markup:
    """The parts of the difference of every pair, per person."""
    heads = ("Ahead, behind", "Difference", "Direct", "Set in motion", "There anyway")
    rows = []
    for pair in pairs:
        found = audit.own.effects[pair]
        sign = 1 if found.C >= 0 else -1
        values = [
            figure_of(sign * value, "gain", signed=True)
            for value in (found.C, found.DPE, found.IPE, found.SPE)
        ]
        rows.append(_row(", ".join(audit.groups[g] for g in pair[::sign]), values))
    return table([_head(heads)], rows, "Where differences of gain come from", "fit")


def benefit_table(audit: Audit) -> Markup:
    """Lambda of every pair at both radii, its largest value, and what that means."""
    heads = ("Groups", "Benefits within", "Lambda", "At most", "Mean difference within")
    rows = []
    for found in audit.similar:
        names = f"{audit.groups[found.pair[0]]}, {audit.groups[found.pair[1]]}"
        values = (
            f"{found.radius:g}",
            f"{found.value:.3g}",
            f"{found.most:.3g}",
            figure_of(found.share, "share"),
        )
        rows.append(_row(names, values))
    return table([_head(heads)], rows, "Approvals at about equal benefit", "fit")


def frontier_table(audit: Audit) -> Markup:
    """The policy's own values beside what is achievable."""
    heads = (
        *("Criterion", "Its own", "Best profit with no more"),
        *("Earns less than that by", "Least with no less profit"),
    )
    rows = []
    for found in audit.distances:
        said = criterion_words(found.criterion)
        share = figure_of(found.relative_gap, "share")
        values = (
            figure_of(found.disparity, said.unit),
            figure_of(found.best_profit),
            "nothing"
            if on_frontier(found)
            else join(figure_of(found.gap), tag("small", f"{share} of the best")),
            figure_of(max(found.least_disparity, 0.0), said.unit),
        )
        rows.append(_row(said.title, values))
    return table([_head(heads)], rows, "Distance to the exact frontier")


def fates_table(audit: Audit, number: int) -> Markup:
    """What the two frontier policies of one criterion mean for each group."""
    found = audit.distances[number]
    told = [("Audited", audit.own.numbers)]
    for title, rival in (("Most profit", found.richer), ("Least disparity", found.closer)):
        if rival is not None:
            told.append((title, rival.numbers))
    spans = ("Profit", "Approval rate", "Gain per person")
    top = tag(
        "tr",
        tag("th", "Policy", rowspan="2", scope="col"),
        *(
            tag("th", name, colspan=len(audit.groups), scope="colgroup", class_="split")
            for name in spans
        ),
    )
    below = [
        tag("th", group, scope="col", class_=None if g else "split")
        for _ in spans
        for g, group in enumerate(audit.groups)
    ]
    rows = []
    for index, (title, numbers) in enumerate(told):
        cells = []
        for name, unit in (
            ("profit", "reward"),
            ("approval_rate", "share"),
            ("gain_per_person", "gain"),
        ):
            for g, value in enumerate(getattr(numbers, name)):
                text = figure_of(value, unit, signed=unit == "gain")
                cells.append(tag("td", text, class_=None if g else "split"))
        first = None if index else "first"
        rows.append(tag("tr", tag("th", title, scope="row"), *cells, class_=first))
    label = f"The policies by {criterion_words(found.criterion).title.lower()}"
    return table([top, tag("tr", *below)], rows, label)


def conclusions_table(audit: Audit) -> Markup:
    """Every conclusion, and what becomes of it in each other world."""
    names = [world.name for world in audit.worlds[1:]]
    rows = []
    for holds in (True, False):
        for found in audit.conclusions:
            if found.holds is not holds:
                continue
            cells = [
                tag("td", _verdict(verdict, found.verdicts[0])) for verdict in found.verdicts[1:]
            ]
            rows.append(tag("tr", tag("th", found.statement, scope="row"), *cells))
    return table([_head(["As stated", *names])], rows, "Which conclusions hold", "verdicts")


def _verdict(verdict: str, own: str) -> Markup:
    if verdict == own:
        mark = tag("span", "\N{CHECK MARK}", aria_hidden="true")
        return tag("span", mark, tag("span", " same", class_="quiet"), class_="same")
    return tag("strong", verdict)


def measures_table(audit: Audit) -> Markup:
    """What each measure means, and whom a bad value harms."""
    names = ("return_by_group", "approval_rate", "recall", "qualification_gain")
    rows = []
    for said in (MEASURES[name] for name in names):
        cells = tag("td", said.meaning), tag("td", said.harm)
        rows.append(tag("tr", tag("th", said.title, scope="row"), *cells))
    for found in audit.distances:
        said = CRITERIA[found.criterion]
        meaning = f"{said.meaning[:1].upper()}{said.meaning[1:]}, in expectation."
        harm = "The group on the lower side; which one it is shows in the table by group."
        rows.append(
            tag("tr", tag("th", said.title, scope="row"), tag("td", meaning), tag("td", harm))
        )
    return table(
        [_head(("Measure", "Definition", "Who is harmed"))], rows, "What each means", "text"
    )


def pairs_of(audit: Audit) -> list[Pair]:
    """Every pair of groups: the one that is told first, then the wider apart the earlier."""
    effects = audit.own.effects
    return sorted(effects, key=lambda pair: (pair != audit.pair, -abs(effects[pair].C)))


def decompositions(audit: Audit) -> Markup:
    """A sentence per pair of groups; of many pairs the first ones, as the figure shows them."""
    told = [words.decomposition(audit, pair) for pair in pairs_of(audit)]
    if len(told) == 1:
        return tag("p", tag("strong", *told))
    if len(told) > MOST_PAIRS:
        told[MOST_PAIRS:] = [f"The table below has all {len(told)} pairs."]
    return tag("ul", *(tag("li", sentence) for sentence in told))


def _head(heads: Sequence[Any]) -> Markup:
    return tag("tr", *(tag("th", _name(head), scope="col") for head in heads))


def _row(title: str, values: Sequence[Any]) -> Markup:
    return tag("tr", tag("th", _name(title), scope="row"), *(tag("td", value) for value in values))


def _name(title: Any) -> Any:
    """A heading; a long one may break, or it would push the numbers off the page."""
    return tag("span", title, class_="long") if len(str(title)) > 32 else title
