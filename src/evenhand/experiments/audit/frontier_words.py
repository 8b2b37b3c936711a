"""How far a policy is from the exact frontier, and what policies there do differently, in words."""

from evenhand.experiments.audit.facts import Audit
from evenhand.experiments.audit.nearest import Distance, Rival, Shift
from evenhand.experiments.lists import listed
from evenhand.experiments.wording import criterion_words, figure_of

# Named shifts of a frontier policy; a loss of gain below this is not told.
_MOST_SHIFTS, _LOSS = 3, 0.01


def frontier_sentence(audit: Audit, found: Distance) -> str:
    """How far the policy is from the frontier of one criterion."""
    words = criterion_words(found.criterion)
    name, at = words.title.lower(), figure_of(found.disparity, words.unit)
    if on_frontier(found):
        return f"By {name} it lies on the exact frontier: nothing earns more at no more than {at}."
    if found.richer is None:
        return f"By {name} ({at}) it is not placed: the solver settled on no policy beside it."
    text = (
        f"With no more {name} than its own {at}, another policy earns "
        f"{figure_of(found.gap)} more ({figure_of(found.best_profit)} instead of "
        f"{figure_of(found.profit)})"
    )
    least = figure_of(max(found.least_disparity, 0.0), words.unit)
    if found.closer is not None and least != at:
        text += f"; with no less profit, the {name} could be {least} instead of {at}"
    return f"{text}."


def on_frontier(found: Distance) -> bool:
    """Whether nobody earns more at no more disparity, but for the solvers' rounding."""
    return bool(found.gap <= 1e-6 * (1 + abs(found.profit)))


def shifts(audit: Audit, rival: Rival) -> list[str]:
    """What a frontier policy does differently, the largest shifts of decisions first."""
    return [_shift(audit, shift) for shift in rival.shifts[:_MOST_SHIFTS]]


def _shift(audit: Audit, shift: Shift) -> str:
    way = "more" if shift.after > shift.before else "less"
    ends = [f"{100 * value:.0f}%" for value in (shift.before, shift.after)]
    return (
        f"approves {audit.groups[shift.group]} at {levels(audit, shift.first, shift.last)} {way} "
        f"often: {ends[0]} \N{RIGHTWARDS ARROW} {ends[1]}"
    )


def levels(audit: Audit, first: int, last: int) -> str:
    """Neighbouring levels by the names that the population gives them."""
    labels = audit.population.level_labels
    if not labels:
        return f"level {first}" if first == last else f"levels {first} to {last}"
    if first == last:
        return f"score {labels[first]}"
    return f"scores {labels[first]} to {labels[last]}"


def levelled_down(audit: Audit, rival: Rival) -> str:
    """Who gains less under another policy than now, or that nobody does, as part of a sentence."""
    own = audit.own.numbers
    change = rival.numbers.gain_per_person - own.gain_per_person
    lost = [
        f"{group} by {figure_of(-value)}"
        for group, value in zip(audit.groups, change, strict=True)
        if value < -_LOSS
    ]
    if not lost:
        return "no group gains less than now"
    return f"it lowers the gain per person of {listed(lost)}"
