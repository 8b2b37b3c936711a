"""The exact side of a comparison: the frontier, and rules whose value is known exactly."""

from collections.abc import Callable
from typing import Any

import numpy as np

from evenhand.experiments.config import Experiment
from evenhand.experiments.exactness import why_not_exact
from evenhand.tabular.frontier import Frontier
from evenhand.tabular.lending import criterion_values, threshold_policy
from evenhand.tabular.planning import backward_induction, myopic

Rows = list[dict[str, Any]]


def exact_rows(
    experiment: Experiment, population: Any, advance: Callable[[int], None]
) -> dict[str, Rows]:
    """Rows of `frontier` and `reference`; empty for worlds without a finite model of a person."""
    if why_not_exact(population):
        return {"frontier": [], "reference": []}
    steps = experiment.evaluation_steps or population.episode_steps
    frontier: Rows = []
    for criterion in experiment.criteria:
        for policy_class in dict.fromkeys(("visit", experiment.policy_class)):
            frontier += frontier_rows(
                population, criterion, policy_class, steps, experiment.frontier_points
            )
        advance(experiment.steps // 20)
    return {"frontier": frontier, "reference": reference_rows(population, steps)}


def frontier_rows(
    population: Any, criterion: str, policy_class: str, steps: int, points: int
) -> Rows:
    """Best profit at even tolerances, from the unconstrained criterion value to the least there is.

    Empty where the criterion is undefined: in some group nobody would repay.
    """
    frontier = Frontier(population, criterion, steps, policy_class, keep_policies=False)
    if not np.isfinite(frontier.unconstrained.disparity):
        return []
    if frontier.measure.rows is None:
        points = max(2, 3 * points // 5)
    ends = frontier.unconstrained.disparity, frontier.least_tolerance
    return [
        {
            "criterion": criterion,
            "policy_class": policy_class,
            "tolerance": point.tolerance,
            "profit": point.profit,
            "disparity": point.disparity,
            "dual": point.dual,
            "seconds": point.seconds,
        }
        for point in frontier.sweep(np.linspace(*ends, points))
        if np.isfinite(point.profit)
    ]


def reference_rows(population: Any, steps: int) -> Rows:
    """Profit and criteria of the exact optimum, the myopic rule and every single threshold."""
    mdp = population.person(steps)
    profit = np.zeros(len(mdp.signals))
    profit[mdp.signals.index("profit")] = 1.0
    rules = {
        "exact optimum": backward_induction(mdp, profit).policy,
        "exact myopic rule": myopic(mdp, profit),
    }
    for level in range(mdp.num_states + 1):
        rules[f"threshold:{level}"] = threshold_policy(mdp, level)
    rows: Rows = []
    for name, policy in rules.items():
        values = criterion_values(mdp, policy)
        rows += [
            {"name": name, "criterion": key, "profit": values["profit"], "disparity": value}
            for key, value in values.items()
            if key != "profit"
        ]
    return rows
