"""Recall so far in each group, as decisions go by."""

from matplotlib.figure import Figure

from evenhand.experiments.estimates import Estimates
from evenhand.experiments.figures.panels import over_time
from evenhand.experiments.figures.style import styled


def recall(estimates: Estimates, width: str = "wide") -> Figure:
    """Running recall per group, one panel per method."""
    with styled():
        return over_time(estimates, "recall", width, lambda v, _: f"{100 * v:g}%", 1.03)
