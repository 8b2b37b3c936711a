"""How the learned methods got there."""

import numpy as np
from matplotlib.figure import Figure

from evenhand.experiments.estimates import Estimates
from evenhand.experiments.figures.labels import place
from evenhand.experiments.figures.panels import thousands
from evenhand.experiments.figures.style import margins, method_line, method_look, new_figure, styled
from evenhand.experiments.wording import method_title


def curves(estimates: Estimates, metric: str = "reward", width: str = "wide") -> Figure:
    """A training quantity against environment steps, mean and 95% band over seeds."""
    with styled():
        figure = new_figure(width, 2.5)
        axes = figure.add_subplot()
        margins(figure, 0.6, 0.2, 0.5, 0.3)
        labels, points = [], []
        for index, method in enumerate(estimates.run.methods):
            found = estimates.curve(method, metric)
            if found is None:
                continue
            steps, band = found
            colour, _ = method_look(index)
            axes.fill_between(steps, band[1], band[2], color=colour, alpha=0.18, linewidth=0)
            axes.plot(steps, band[0], color=colour, linestyle=method_line(index))
            middle = len(steps) * (2 + len(labels) % 3 * 2) // 8
            labels.append(
                (float(steps[middle]), float(band[0][middle]), method_title(method), colour)
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
