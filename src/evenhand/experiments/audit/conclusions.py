"""What an audit concludes, world by world: each conclusion is one sentence with one verdict."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from evenhand.experiments.audit.under import Pair, WorldFacts
from evenhand.experiments.lists import listed
from evenhand.experiments.wording import criterion_words

# Differences below these are none: in gain per person, in shares, and in profit.
STILL, ALIKE, MATERIAL = 0.005, 0.005, 0.05
NOBODY, NEITHER, UNCHANGED, EQUAL = "no group", "neither", "no change", "no difference"
NONE = (NOBODY, NEITHER, UNCHANGED, EQUAL)
NOT_DEFINED = "not defined"

RULE = (
    f"Gains per person within {STILL} of each other, and rates within half a percentage point, "
    f"count as equal. Profit is called close to the best within {100 * MATERIAL:.0f}%. "
    "The recall gap's distance to the frontier is told of the world as stated only."
)

Verdict = Callable[[WorldFacts], str]


@dataclass(frozen=True)
class Conclusion:
    """A question, its answer in every world, and the sentence for each answer."""

    question: str
    verdicts: tuple[str, ...]
    statements: tuple[str, ...]
    names: tuple[str, ...]
    """Names of the worlds."""

    @property
    def statement(self) -> str:
        """The conclusion in the world as stated."""
        return self.statements[0]

    @property
    def holds(self) -> bool:
        """Whether every world gives the same answer."""
        return len(set(self.verdicts)) == 1

    @property
    def changes_in(self) -> tuple[str, ...]:
        """The worlds with another answer."""
        pairs = zip(self.names, self.verdicts, strict=True)
        return tuple(name for name, verdict in pairs if verdict != self.verdicts[0])

    @property
    def vanishes_in(self) -> tuple[str, ...]:
        """The worlds in which a difference or effect is no more, rather than another one."""
        if self.verdicts[0] in NONE:
            return ()
        pairs = zip(self.names, self.verdicts, strict=True)
        return tuple(name for name, verdict in pairs if verdict in NONE)

    @property
    def turns(self) -> bool:
        """Whether some world gives another answer, and not only none."""
        return set(self.changes_in) != set(self.vanishes_in)


def conclusions(
    worlds: Sequence[WorldFacts], groups: tuple[str, ...], pair: Pair
) -> tuple[Conclusion, ...]:
    """Every conclusion, in the order of the page."""
    made = [
        ("Who gains least", lambda w: _least(w.numbers.gain_per_person, groups, STILL),
         "{} gains least in qualification.", "No group gains less than another."),
        *(_caused(groups, g) for g in range(len(groups))),
        *_effects(groups, pair),
        ("Who is approved least", lambda w: _least(w.numbers.approval_rate, groups, ALIKE),
         "{} is approved least often.", "No group is approved less often than another."),
        ("Whose would-be repayers are refused most",
         lambda w: _least(w.numbers.recall, groups, ALIKE),
         "Of those who would repay, members of {} are refused most often.",
         "Those who would repay are refused alike in every group."),
        ("Who costs the lender money", lambda w: _losing(w, groups),
         "The lender loses money on {}.", "The lender earns money from every group."),
        *(question for name in worlds[0].best_profit for question in _frontier(name)),
    ]  # fmt: skip
    names = tuple(world.name for world in worlds)
    found = []
    for question, verdict, sentence, otherwise in made:
        verdicts = tuple(verdict(world) for world in worlds)
        said = tuple(_sentence(v, sentence, otherwise) for v in verdicts)
        found.append(Conclusion(question, verdicts, said, names))
    return tuple(found)


def _sentence(verdict: str, sentence: str, otherwise: str) -> str:
    if verdict == NOT_DEFINED:
        return "Not defined here."
    return otherwise if verdict in (*NONE, "no") else sentence.replace("{}", verdict)


def _least(values: np.ndarray, groups: tuple[str, ...], still: float) -> str:
    """The groups with about the smallest value; nobody where all are about equal."""
    if not np.isfinite(values).all():
        return NOT_DEFINED
    if np.ptp(values) < still:
        return NOBODY
    last = np.flatnonzero(values - values.min() < still)
    return " or ".join(groups[g] for g in last)


def _caused(groups: tuple[str, ...], g: int) -> tuple[str, Verdict, str, str]:
    def verdict(world: WorldFacts) -> str:
        value = float(world.caused[g])
        return UNCHANGED if abs(value) < STILL else "raises" if value > 0 else "lowers"

    return (
        f"What lending does to {groups[g]}",
        verdict,
        f"Compared with approving nobody, the policy {{}} the qualification of {groups[g]}.",
        f"Compared with approving nobody, the policy leaves the qualification of {groups[g]} as "
        "it is.",
    )


def _effects(groups: tuple[str, ...], pair: Pair) -> list[tuple[str, Verdict, str, str]]:
    """Which of the two groups each part of the disparity puts behind, and the largest part."""
    both = f"{groups[pair[0]]} and {groups[pair[1]]}"
    parts = (
        ("DPE", "Whom the direct part puts behind", "Directly, the policy puts {} behind"),
        (
            "IPE",
            "Whom the part set in motion puts behind",
            "By what it sets in motion, the policy puts {} behind",
        ),
        ("SPE", "Who would be behind anyway", "With nobody approved at all, {} would be behind"),
    )
    made: list[tuple[str, Verdict, str, str]] = []
    for name, question, sentence in parts:

        def verdict(world: WorldFacts, name: str = name) -> str:
            value = getattr(world.effects[pair], name)
            return NEITHER if abs(value) < STILL else groups[pair[1] if value > 0 else pair[0]]

        otherwise = sentence.replace("{}", "neither of them")
        made.append((question, verdict, f"{sentence} (of {both}).", f"{otherwise} (of {both})."))

    def largest(world: WorldFacts) -> str:
        effects = world.effects[pair]
        sizes = [abs(effects.DPE), abs(effects.IPE), abs(effects.SPE)]
        names = ("direct", "set in motion", "there anyway")
        return EQUAL if max(sizes) < STILL else names[int(np.argmax(sizes))]

    sentence = f"Of the difference between {both} the largest part is {{}}."
    made.append(("The largest part", largest, sentence, f"Between {both} there is no difference."))
    return made


def _losing(world: WorldFacts, groups: tuple[str, ...]) -> str:
    profits = zip(groups, world.numbers.profit, strict=True)
    scale = STILL * (1 + abs(world.numbers.total_profit))
    lost = [group for group, profit in profits if profit < -scale]
    return listed(lost) if lost else NOBODY


def _frontier(criterion: str) -> list[tuple[str, Verdict, str, str]]:
    title = criterion_words(criterion).title.lower()

    def close(world: WorldFacts) -> str:
        if criterion not in world.best_profit:
            return NOT_DEFINED
        return "yes" if world.short_of_best(criterion) <= MATERIAL else "no"

    def halved(world: WorldFacts) -> str:
        if criterion not in world.halved:
            return NOT_DEFINED
        return "yes" if world.halved[criterion] else "no"

    near = f"the best profit at its own {title}."
    return [
        (f"Close to the frontier by {title}", close, f"It is close to {near}",
         f"It is not close to {near}"),
        (f"Half the {title} at no cost", halved,
         f"Half the {title} would be possible without earning less.",
         f"Half the {title} would cost profit."),
    ]  # fmt: skip
