"""`evenhand lower-bound`: the exact time that equal treatment of actions costs on a chain."""

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evenhand.core.errors import InputError, unknown_name

if TYPE_CHECKING:
    from rich.console import Console

    from evenhand.tabular.lower_bound import Growth

FAMILIES = ("chain", "costly-chain")
_LONGEST = 400


@dataclass(frozen=True)
class LowerBoundOptions:
    """Steps that the best learner needs, if it must keep a notion of equal treatment of actions,
    to come within eps of the optimum; computed exactly (Jabbari et al. 2017)."""

    family: str = "chain"
    """chain (Definition 6; fair, or alpha-choice fair with --choice-alpha) or costly-chain (this
    project's; alpha-action fair with --action-alpha)."""
    actions: int = 2
    """Actions of every state, of which one goes ahead."""
    states: str | None = None
    """Comma-separated sizes; by default 6,9,12,15, or four up to the longest costly chain."""
    discount: float | None = None
    """Between 0 and 1; by default 0.6, or 0.9 for the costly chain."""
    eps: float = 0.1
    """How near to the optimum: an average of 2 eps / (1 - discount) of value may be missing."""
    choice_alpha: float | None = None
    """For the chain: how far apart the chances of tied actions may be; by default 0, fair."""
    action_alpha: float | None = None
    """For the costly chain: by how much an action must be better to count; by default 0.05."""


def run(options: LowerBoundOptions) -> dict[str, Any]:
    """A row per size, and how the steps grow from one size to the next."""
    start = time.perf_counter()
    _check(options)
    from evenhand.tabular import families, lower_bound

    costly = options.family == "costly-chain"
    discount = options.discount if options.discount is not None else (0.9 if costly else 0.6)
    shared = {"actions": options.actions, "discount": discount, "eps": options.eps}
    if costly:
        alpha = 0.05 if options.action_alpha is None else options.action_alpha
        notion = {"notion": "alpha-action fair", "alpha": alpha}
        states = _sizes(options.states, families.longest_costly_chain(alpha, discount))
        growth = lower_bound.costly_growth(states, **shared, action_alpha=alpha)
        chance = lower_bound.ahead_chance(options.actions)
    else:
        alpha = options.choice_alpha or 0.0
        notion = {"notion": "alpha-choice fair" if alpha else "fair", "alpha": alpha}
        states = _sizes(options.states, None)
        growth = lower_bound.chain_growth(states, **shared, choice_alpha=alpha)
        chance = lower_bound.ahead_chance(options.actions, alpha)
    return {
        "family": options.family,
        **notion,
        **shared,
        "chance_ahead": chance,
        "rows": _rows(growth, chance),
        "fitted_base": None if math.isnan(growth.fitted_base) else growth.fitted_base,
        "exact_base": growth.exact_base,
        "paper_base": growth.paper_base,
        "seconds": time.perf_counter() - start,
    }


def _rows(growth: "Growth", chance: float) -> list[dict[str, Any]]:
    from evenhand.tabular.lower_bound import hitting_time

    each = zip(growth.states, growth.steps, (None, *growth.local_bases), strict=True)
    return [
        {"n": n, "steps": steps, "hitting_time": hitting_time(n, chance), "local_base": base}
        for n, steps, base in each
    ]


def _check(options: LowerBoundOptions) -> None:
    if options.family not in FAMILIES:
        raise unknown_name("family", options.family, FAMILIES)
    if not 2 <= options.actions <= 1000:
        raise InputError(f"--actions must be 2 to 1000, got {options.actions}")
    if not 0 < options.eps < math.inf:
        raise InputError(f"--eps must be a number above 0, got {options.eps}")
    if options.discount is not None and not 0 < options.discount < 1:
        raise InputError(f"--discount must be between 0 and 1, got {options.discount}")
    costly = options.family == "costly-chain"
    flag, value = (
        ("--choice-alpha", options.choice_alpha)
        if costly
        else ("--action-alpha", options.action_alpha)
    )
    if value is not None:
        other = FAMILIES[0] if costly else FAMILIES[1]
        raise InputError(f"{flag} belongs to --family {other}, got it with {options.family}")
    alpha, least = options.choice_alpha, "at least 0 and below 1"
    if alpha is not None and not 0 <= alpha < 1:
        raise InputError(f"--choice-alpha must be {least}, where all is allowed, got {alpha}")
    alpha = options.action_alpha
    if alpha is not None and not 0 < alpha < 1:
        raise InputError(f"--action-alpha must be above 0 and below 1, got {alpha}")


def _sizes(text: str | None, longest: int | None) -> tuple[int, ...]:
    """The sizes asked for; without any, those of the family."""
    if longest is not None and longest < 2:
        raise InputError(
            "no costly chain makes the notion bind at this --action-alpha and --discount; lower "
            "--action-alpha below discount / 2.01"
        )
    if text is None:
        if longest is None:
            return (6, 9, 12, 15)
        return tuple(sorted({max(2, round(longest * share / 4)) for share in (1, 2, 3, 4)}))
    found = []
    for part in text.split(","):
        if not part.strip().isdecimal() or not 2 <= int(part) <= _LONGEST:
            raise InputError(
                f"--states takes whole numbers from 2 to {_LONGEST}, as 6,9,12, got "
                f"{part.strip()!r}"
            )
        found.append(int(part))
    if len(set(found)) < len(found):
        raise InputError(f"--states names a size twice: {text}")
    return tuple(found)


def show(result: dict[str, Any], console: "Console") -> None:
    """Print a row per size, then the bases of growth."""
    from rich.table import Table

    what = result["notion"] + (f", alpha {result['alpha']:g}" if result["alpha"] else "")
    table = Table(
        title=f"{result['family']}, {result['actions']} actions, discount {result['discount']:g}: "
        f"steps of the best learner that is {what}"
    )
    steps = f"steps to eps = {result['eps']:g}"
    for column in ("states", steps, "mean steps to the last state", "each state multiplies by"):
        table.add_column(column, justify="right")
    for row in result["rows"]:
        base = "" if row["local_base"] is None else f"{row['local_base']:.4f}"
        table.add_row(str(row["n"]), f"{row['steps']:,}", f"{row['hitting_time']:,.0f}", base)
    console.print(table)
    fitted = result["fitted_base"]
    said = "one size gives no base" if fitted is None else f"each state multiplies by {fitted:.4f}"
    console.print(
        f"Fit over these sizes: {said}. In the limit: {result['exact_base']:.4f}; "
        f"the theorem's base: {result['paper_base']:.4f}."
    )
