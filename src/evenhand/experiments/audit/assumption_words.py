"""How much of an audit hangs on assumed numbers, in words."""

from evenhand.experiments.audit.facts import Audit
from evenhand.experiments.lists import listed

_COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def held(audit: Audit) -> str:
    """How many conclusions survive the assumed alternatives, and which do not."""
    num = len(audit.worlds) - 1
    if not num:
        return "No number of this world is marked as assumed; it was audited as published."
    first, all_of = audit.conclusions[0], audit.conclusions
    text = f"{first.statement.rstrip('.')}: this holds under "
    if first.holds:
        text += f"all {number(num)} other assumptions"
    else:
        text += f"{number(num - len(first.changes_in))} of {number(num)} other assumptions, not "
        text += f"with {listed([name.lower() for name in first.changes_in])}"
    turning = sum(c.turns for c in all_of)
    counts = (
        (sum(c.holds for c in all_of), "hold under every one"),
        (sum(not c.holds for c in all_of) - turning, "vanish under some but never turn round"),
        (turning, "change"),
    )
    parts = [f"{number(count)} {what}" for count, what in counts if count]
    return f"{text[:1].upper()}{text[1:]}. Of all {len(all_of)} conclusions {listed(parts)}."


def number(count: int) -> str:
    """A small number in words."""
    return _COUNTS[count] if count < len(_COUNTS) else str(count)
