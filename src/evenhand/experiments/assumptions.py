"""The section of a page that says which numbers are choices, and what hangs on them."""

from typing import Any

from evenhand.experiments import page
from evenhand.experiments.estimates import Estimates
from evenhand.experiments.markup import Markup, join, tag


def assumed(estimates: Estimates) -> Markup:
    """Numbers of the world that are not estimates, each with its reason."""
    reasons = estimates.run.world.get("assumed") or {}
    if not reasons:
        text = "The records name no assumed numbers; the world below is used as published."
        return tag("p", text)
    text = (
        "These numbers are choices, not estimates. Change them and the answer above may change, "
        "so assess a policy under several before acting on it."
    )
    world = estimates.run.world
    pairs = [(join(tag("code", n), _value(world.get(n))), reason) for n, reason in reasons.items()]
    marked = tag("div", page.definitions(pairs), class_="marked")
    return join(tag("p", text), marked, _survives(estimates))


def _survives(estimates: Estimates) -> Markup | None:
    """What other assumptions would change, and where that is told."""
    found = estimates.run.sensitivity
    if not found:
        return None
    from evenhand.experiments.conclusions import answer

    link = tag("a", "Which conclusions survive other payoffs and moves", href="sensitivity.html")
    return tag("p", tag("strong", link), f": {answer(found)}")


def _value(value: Any) -> str:
    """ " = value" for a number or a few of them, else nothing."""
    values = value if isinstance(value, list) else [value]
    if len(values) > 6 or not all(isinstance(number, int | float) for number in values):
        return ""
    from evenhand.experiments.figures.panels import plain_tick

    return " = " + ", ".join(plain_tick(number, "") for number in values)
