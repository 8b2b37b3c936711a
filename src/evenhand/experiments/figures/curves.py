"""How the learned methods got there."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from evenhand.experiments.estimates import Estimates
from evenhand.experiments.figures.labels import place
from evenhand.experiments.figures.looks import looks
from evenhand.experiments.figures.panels import thousands
from evenhand.experiments.figures.style import margins, new_figure, styled
from evenhand.experiments.variants import base_method
from evenhand.experiments.wording import method_title


def curves(estimates: Estimates, metric: str = "reward", width: str = "wide") -> Figure:
    """A training quantity against environment steps, mean and 95% band over seeds."""
    with styled():
        figure = new_figure(width, 2.5)
        axes = figure.add_subplot()
        margins(figure, 0.6, 0.2, 0.5, 0.3)
        labels, points = [], []
        methods = estimates.run.methods
        style, named = looks(methods), {base_method(method): method for method in methods}
        for method in methods:
            found = estimates.curve(method, metric)
            if found is None:
                continue
            steps, band = found
            colour, alpha = style[method]["color"], style[method]["alpha"]
            if alpha == 1:  # bands of many variants would lie on each other
                axes.fill_between(steps, band[1], band[2], color=colour, alpha=0.18, linewidth=0)
            axes.plot(
                steps, band[0], color=colour, linestyle=style[method]["linestyle"], alpha=alpha
            )
            # Variants share a colour and one label, at the last of them.
            if named[base_method(method)] != method:
                continue
            middle = len(steps) * (2 + len(labels) % 3 * 2) // 8
            labels.append(
                (float(steps[middle]), float(band[0][middle]), _name(method, methods), colour)
            )
            # Labels keep clear of the line between the records, too.
            dense = np.linspace(steps[0], steps[-1], 200)
            points += list(zip(dense, np.interp(dense, steps, band[0]), strict=True))
        axes.set_title(f"{metric} per step", weight="normal", pad=8)
        axes.set_xlabel("environment steps")
        axes.xaxis.set_major_formatter(thousands)
        axes.margins(y=0.12)
        axes.locator_params(axis="x", nbins=5)
        place(axes, labels, np.array(points, float).reshape(-1, 2))
    return figure


def _name(method: str, methods: Sequence[str]) -> str:
    """The method's name; that of its algorithm where other variants are drawn beside it."""
    base = base_method(method)
    alone = sum(base_method(other) == base for other in methods) == 1
    return method_title(method if alone else base)
