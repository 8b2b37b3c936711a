"""Which figures a run has records for."""

from collections.abc import Callable
from functools import partial

from matplotlib.figure import Figure

from evenhand.experiments.estimates import Estimates
from evenhand.experiments.figures.approvals import approvals
from evenhand.experiments.figures.curves import curves
from evenhand.experiments.figures.distributions import distributions
from evenhand.experiments.figures.frontier import frontier
from evenhand.experiments.figures.horizon import EXACT, exact_values, horizon
from evenhand.experiments.figures.panels import methods_with
from evenhand.experiments.figures.recall import recall


def figures(estimates: Estimates) -> dict[str, Callable[[str], Figure]]:
    """File name -> function of the width."""
    found: dict[str, Callable[[str], Figure]] = {
        f"frontier-{criterion}": partial(frontier, estimates, criterion)
        for criterion in estimates.criteria
    }
    if methods_with(estimates, "approvals"):
        found["approvals"] = partial(approvals, estimates)
    if methods_with(estimates, "recall"):
        found["recall"] = partial(recall, estimates)
    if estimates.run.distributions is not None:
        found["distributions"] = partial(distributions, estimates)
    if set(EXACT) <= exact_values(estimates).keys():
        found["horizon"] = partial(horizon, estimates)
    if estimates.run.curves is not None:
        found["curves"] = lambda width: curves(estimates, width=width)
    return found
