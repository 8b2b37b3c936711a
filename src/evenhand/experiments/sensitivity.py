"""How much exact conclusions hang on a lending world's assumed payoffs and moves; no training."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from evenhand.core.errors import InputError
from evenhand.data.population import LendingPopulation
from evenhand.tabular.criteria import Layout
from evenhand.tabular.evaluation import staged, totals
from evenhand.tabular.frontier import Frontier
from evenhand.tabular.lending import layout_of, measures, threshold_policy, threshold_values
from evenhand.tabular.mdp import TabularMDP
from evenhand.tabular.planning import backward_induction, myopic

# As a page tells them; the recall gap is last because each of its points needs a search.
DEFINITIONS = ("gain-disparity", "approval-gap", "score-w1", "recall-gap")
POINTS = 9

OWN = "As assumed"


@dataclass(frozen=True)
class Setting:
    """A world with other assumed numbers, and why these are worth a look."""

    name: str
    why: str
    population: LendingPopulation


def settings_of(population: LendingPopulation) -> tuple[Setting, ...]:
    """Up to four settings around the population's own numbers; () where none of them is assumed.

    One number changes at a time, so that a change of conclusion has one cause: what a default
    costs in both directions, and how far it lets a person fall.
    """
    moves = {"up", "down"} & population.assumed.keys()
    payoffs = {"reward_repaid", "reward_default"} & population.assumed.keys()
    own = Setting(OWN, "the numbers that the rest of this page varies", population)
    losses = [_loss(population, *pair) for pair in _LOSSES[: 2 if moves else 3]] if payoffs else []
    falls = _falls(population)[: 1 if payoffs else 3] if moves else []
    found = [own, *losses, *falls]
    return tuple(found) if len(found) > 1 else ()


_LOSSES = ((0.5, "Half the loss"), (2.0, "Twice the loss"), (0.25, "A quarter of the loss"))


def _loss(population: LendingPopulation, factor: float, name: str) -> Setting:
    changed = replace(population, reward_default=factor * population.reward_default)
    direction = "milder" if factor < 1 else "harsher"
    why = (
        f"a {direction} lender's book: an approval now breaks even at a repayment probability of "
        f"{changed.break_even:.3g} instead of {population.break_even:.3g}"
    )
    return Setting(name, why, changed)


def _falls(population: LendingPopulation) -> list[Setting]:
    """Worlds in which a default, or a repayment, moves a person further or less far."""
    up, down = population.up, population.down
    steeper = any(d > u for u, d in zip(up, down, strict=True))
    level = Setting(
        "A fall as small as the rise",
        "a default costs a person no more levels than a repayment earns back",
        replace(population, down=up),
    )
    larger = Setting(
        "A larger fall",
        "a default costs a person twice as many levels, at least one more",
        replace(population, down=tuple(max(2 * d, d + 1) for d in down)),
    )
    rise = Setting(
        "A larger rise",
        "a repayment lifts a person by one level more",
        replace(population, up=tuple(u + 1 for u in up)),
    )
    return [level, larger, rise] if steeper else [larger, rise]


def sensitivity(
    population: LendingPopulation,
    steps: int | None = None,
    definitions: Sequence[str] = DEFINITIONS,
    points: int = POINTS,
) -> dict[str, Any]:
    """Exact numbers of every setting as plain data; `InputError` where nothing is assumed."""
    if population.conscientiousness_std > 0 or population.num_groups < 2:
        raise InputError(
            "sensitivity needs the exact solvers, which need conscientiousness_std=0 and at "
            f"least two groups; {population.name!r} has {population.conscientiousness_std} and "
            f"{population.num_groups}"
        )
    settings = settings_of(population)
    if not settings:
        raise InputError(
            f"{population.name!r} marks neither its payoffs nor its moves as assumed, so there is "
            "nothing to vary; use --preset fico or a file of `evenhand calibrate`"
        )
    steps = population.episode_steps if steps is None else steps
    return {
        "name": population.name,
        "groups": list(population.groups),
        "level_labels": list(population.labels),
        "steps": steps,
        "definitions": list(definitions),
        "assumed": dict(population.assumed),
        "source": population.source,
        "settings": [setting_numbers(s, steps, definitions, points) for s in settings],
    }


def applies(population: Any) -> bool:
    """Whether `sensitivity` has something to say about these numbers."""
    return (
        isinstance(population, LendingPopulation)
        and population.conscientiousness_std == 0
        and population.num_groups >= 2
        and bool(settings_of(population))
    )


def setting_numbers(
    setting: Setting, steps: int, definitions: Sequence[str], points: int
) -> dict[str, Any]:
    """One setting: its numbers, exact rules, and every frontier from the optimum to parity."""
    world = setting.population
    mdp = world.person(steps)
    rules, frontier = _rules(mdp), {}
    for name in definitions:
        frontier[name] = _frontier(world, name, steps, points, mdp)
    levels = np.arange(mdp.num_states)
    start = mdp.initial @ levels
    return {
        "name": setting.name,
        "why": setting.why,
        "reward_repaid": world.reward_repaid,
        "reward_default": world.reward_default,
        "up": list(world.up),
        "down": list(world.down),
        "break_even": world.break_even,
        "start": start.tolist(),
        "rules": rules,
        "frontier": frontier,
    }


def _rules(mdp: TabularMDP) -> dict[str, Any]:
    """The optimum, the rule that maximises profit now, and the best single threshold."""
    best, now = backward_induction(mdp).policy, myopic(mdp)
    thresholds = threshold_values(mdp)
    cut = int(max(thresholds, key=lambda rule: rule["profit"])["threshold"])
    layout = layout_of(mdp)
    found = {
        name: fates(layout, totals(mdp, staged(mdp, policy)))
        for name, policy in (
            ("optimum", best),
            ("myopic", now),
            ("threshold", threshold_policy(mdp, cut)),
        )
    }
    every = staged(mdp, best)
    found["optimum"] |= {"first": cuts(every[:, 0]), "last": cuts(every[:, -1])}
    found["myopic"]["first"] = cuts(now)
    found["threshold"] |= {"level": cut, "profits": [rule["profit"] for rule in thresholds]}
    return found


def _frontier(
    world: LendingPopulation, criterion: str, steps: int, points: int, mdp: TabularMDP
) -> dict[str, Any] | None:
    """The frontier of one criterion and what its far end, parity, means for each group."""
    exact = Frontier(world, criterion, steps, "visit", keep_policies=False)
    if not np.isfinite(exact.unconstrained.disparity):
        return None
    tolerances = np.linspace(exact.unconstrained.disparity, exact.least_tolerance, points)
    solved = [point for point in exact.sweep(tolerances) if np.isfinite(point.profit)]
    last = solved[-1]
    return {
        "least": max(last.disparity, 0.0),
        "price": solved[0].profit - last.profit,
        "parity": fates(layout_of(mdp), last.solution.stats["totals"]),
        "points": [[point.disparity, point.profit] for point in solved],
    }


def fates(layout: Layout, reached: np.ndarray) -> dict[str, Any]:
    """What totals `(G, M + S)` mean: profit, criteria, and by group return, approvals, scores."""
    levels = np.arange(layout.num_states)
    return {
        **measures(layout, reached),
        "return": layout.of(reached, "profit").tolist(),
        "approval_rate": (layout.of(reached, "approved") / layout.visits).tolist(),
        "final_score": (reached[:, len(layout.signals) :] @ levels / layout.group_size).tolist(),
    }


def cuts(policy: np.ndarray) -> list[int | None]:
    """The level from which each group is approved, S for nobody; None where no single cut is."""
    approved = policy[..., 1] > 0.5
    found = []
    for row in approved:
        at = len(row) - int(row.sum())
        found.append(at if row[at:].all() else None)
    return found


