"""Loans that each group has received, as decisions go by."""

from matplotlib.figure import Figure

from evenhand.experiments.estimates import Estimates
from evenhand.experiments.figures.panels import over_time, thousands
from evenhand.experiments.figures.style import styled


def approvals(estimates: Estimates, width: str = "wide") -> Figure:
    """Cumulative approvals per group, one panel per method."""
    with styled():
        return over_time(estimates, "approvals", width, thousands)
