"""What several settings say together: a sentence per conclusion, and whether it holds in all."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from evenhand.experiments.lists import listed
from evenhand.experiments.sensitivity_words import (
    count_words,
    goal,
    level_name,
    prices,
    span,
    steady,
    told,
    varying,
)
from evenhand.experiments.wording import criterion_words, figure_of

RULE = (
    "A conclusion about a size counts as unchanged where its largest value is at most one and a "
    "half times its smallest, or within two percentage points of it; one about a direction where "
    "the direction is the same in every setting, and a difference below 0.05 levels is none."
)
_STILL = 0.05


@dataclass(frozen=True)
class Conclusion:
    """A sentence with numbers of every setting, and whether they agree."""

    text: str
    holds: bool


def conclusions(found: dict[str, Any]) -> list[Conclusion]:
    """Every conclusion that the settings allow, in the order of the page."""
    made = [_first_cut(found), _looking_ahead(found), _threshold(found)]
    made += [_price(found, name) for name in told(found)]
    if len(told(found)) > 1:
        made.append(_order(found))
    made += [_who_is_approved(found), _scores(found)]
    return made + [_at_parity(found, name) for name in told(found)]


def answer(found: dict[str, Any]) -> str:
    """The page in one sentence."""
    made = conclusions(found)
    held = sum(c.holds for c in made)
    kept = f"{held} of {len(made)} conclusions hold in all {count_words(found)}"
    for name in told(found)[:1]:
        costs = f"{span(prices(found, name))} of the best profit in {count_words(found)} settings"
        return f"Bringing {goal(found, name)} costs {costs}; {kept}."
    return f"{kept} settings."


def _first_cut(found: dict[str, Any]) -> Conclusion:
    first = [s["rules"]["optimum"]["first"] for s in found["settings"]]
    cuts = [[_approved(found, at) for at in row] for row in first]
    holds = all(row == cuts[0] for row in cuts)
    if holds and len(set(cuts[0])) == 1:
        words = f"{cuts[0][0]}, in every group"
    else:
        parts = [varying(found, [row[g] for row in cuts]) for g in range(len(found["groups"]))]
        words = "; ".join(f"{g}: {part}" for g, part in zip(found["groups"], parts, strict=True))
    return Conclusion(
        f"Whom the optimum approves on a first application \N{EM DASH} {words}.", holds
    )


def _approved(found: dict[str, Any], level: int | None) -> str:
    name = level_name(found, level)
    if level is None:
        return "not by one threshold"
    return name if level in (0, len(found["level_labels"])) else f"scores from {name}"


def _looking_ahead(found: dict[str, Any]) -> Conclusion:
    lost = _shortfalls(found, "myopic")
    text = f"Judging every decision by its own profit alone earns {span(lost)} less than the best."
    return Conclusion(text, steady(lost))


def _threshold(found: dict[str, Any]) -> Conclusion:
    levels = [s["rules"]["threshold"]["level"] for s in found["settings"]]
    where = varying(found, [_approved(found, level) for level in levels])
    lost = _shortfalls(found, "threshold")
    text = f"The best single threshold approves {where}, and loses {span(lost)}."
    return Conclusion(text, len(set(levels)) == 1 and steady(lost))


def _shortfalls(found: dict[str, Any], rule: str) -> list[float]:
    made = []
    for setting in found["settings"]:
        best = setting["rules"]["optimum"]["profit"]
        lost = best - setting["rules"][rule]["profit"]
        made.append(max(lost, 0.0) / abs(best) if best else 0.0)
    return made


def _price(found: dict[str, Any], name: str) -> Conclusion:
    costs = prices(found, name)
    text = f"Bringing {goal(found, name)} costs {span(costs)} of the best profit"
    text += ", more than there is to earn." if max(costs) > 1 else "."
    return Conclusion(text, steady(costs))


def _order(found: dict[str, Any]) -> Conclusion:
    names = told(found)
    costs = np.array([prices(found, name) for name in names]).T
    orders = [
        [criterion_words(names[i]).title.lower() for i in np.argsort(row, kind="stable")]
        for row in costs
    ]
    if all(order == orders[0] for order in orders):
        return Conclusion(f"From cheap to dear, parity is of {', then '.join(orders[0])}.", True)
    text = f"The cheapest parity is of {varying(found, [order[0] for order in orders])}; "
    text += f"the dearest is of {varying(found, [order[-1] for order in orders])}."
    return Conclusion(text, False)


def _who_is_approved(found: dict[str, Any]) -> Conclusion:
    rates = np.array([s["rules"]["optimum"]["approval_rate"] for s in found["settings"]])
    most = [found["groups"][i] for i in rates.argmax(1)]
    least = [found["groups"][i] for i in rates.argmin(1)]
    gaps = [float(gap) for gap in np.ptp(rates, axis=1)]
    text = (
        f"The optimum approves {varying(found, most)} most often and {varying(found, least)} "
        f"least often, {span(gaps)} of applications apart."
    )
    return Conclusion(text, len(set(most)) == len(set(least)) == 1 and steady(gaps))


def _scores(found: dict[str, Any]) -> Conclusion:
    moves = np.array(
        [np.subtract(s["rules"]["optimum"]["final_score"], s["start"]) for s in found["settings"]]
    )
    parts, holds = _directions(found, moves, "rises by", "falls by", "stays")
    return Conclusion(f"Under the optimum the mean score of {listed(parts)}.", holds)


def _at_parity(found: dict[str, Any], name: str) -> Conclusion:
    moves = np.array(
        [
            np.subtract(
                s["frontier"][name]["parity"]["final_score"], s["rules"]["optimum"]["final_score"]
            )
            for s in found["settings"]
        ]
    )
    parts, holds = _directions(found, moves, "ends higher by", "ends lower by", "ends the same")
    title = criterion_words(name).title.lower()
    return Conclusion(f"Compared with the optimum, at the least {title} {listed(parts)}.", holds)


def _directions(
    found: dict[str, Any], moves: np.ndarray, up: str, down: str, same: str
) -> tuple[list[str], bool]:
    """What happens to each group's mean score, in levels, and whether directions agree."""
    parts, holds = [], True
    for group, column in zip(found["groups"], moves.T, strict=True):
        signs = set(np.where(np.abs(column) < _STILL, 0, np.sign(column)))
        size = f"{span(np.abs(column), 'levels')} levels"
        if signs == {0.0}:
            parts.append(f"{group} {same}")
        elif len(signs) == 1:
            parts.append(f"{group} {up if signs == {1.0} else down} {size}")
        else:
            ends = [figure_of(end, "levels", signed=True) for end in (column.min(), column.max())]
            parts.append(f"{group} moves between {ends[0]} and {ends[1]} levels")
            holds = False
    return parts, holds
