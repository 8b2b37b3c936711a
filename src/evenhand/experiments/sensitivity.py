"""How much exact conclusions hang on a lending world's assumed payoffs and moves; no training."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from evenhand.core.errors import InputError
from evenhand.data.population import LendingPopulation
from evenhand.experiments.settings import Setting, settings_of
from evenhand.tabular.criteria import Layout
from evenhand.tabular.evaluation import staged, totals
from evenhand.tabular.frontier import Frontier
from evenhand.tabular.lending import layout_of, measures, threshold_policy, threshold_values
from evenhand.tabular.mdp import TabularMDP
from evenhand.tabular.planning import backward_induction, myopic

# As a page tells them; the recall gap is last because each of its points needs a search.
DEFINITIONS = ("gain-disparity", "approval-gap", "score-w1", "recall-gap")
POINTS = 9


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
    best, now = np.asarray(backward_induction(mdp).policy), myopic(mdp)
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
