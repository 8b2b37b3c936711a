"""The section of the page on assumptions and on the conclusions that hang on them."""

from typing import Any

from evenhand.experiments.audit import tables
from evenhand.experiments.audit.assumption_words import held
from evenhand.experiments.audit.conclusions import RULE
from evenhand.experiments.audit.facts import Audit
from evenhand.experiments.markup import Markup, join, tag
from evenhand.experiments.page import definitions


def assumed(audit: Audit) -> Markup:
    """What the population assumes, the worlds that assume otherwise, and what becomes of it."""
    reasons = audit.population.assumed
    if not reasons:
        text = (
            "No number of this world is marked as assumed: it is audited as published. To see "
            "what hangs on its moves or payoffs, name them: --assume up,down,reward_default."
        )
        return tag("p", text)
    parts: list[Any] = [
        tag("p", "These numbers are choices, not estimates."),
        tag("div", definitions([(tag("code", n), w) for n, w in reasons.items()]), class_="marked"),
    ]
    if len(audit.worlds) == 1:
        return join(*parts, tag("p", "None of them moves a level or a payoff; nothing was varied."))
    worlds = [(world.name, f"{world.why}.") for world in audit.worlds[1:]]
    return join(
        *parts,
        tag("p", tag("strong", held(audit))),
        tag("p", "The audit ran again with one of them changed at a time:"),
        definitions(worlds, "facts"),
        tables.conclusions_table(audit),
        tag("p", RULE, class_="note"),
    )
