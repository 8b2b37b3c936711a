"""The panels of figures about every task of a trial, from the records of its runs."""

import numpy as np

from evenhand.experiments.estimates import Estimates
from evenhand.experiments.figures.boxes import BoxPanel
from evenhand.experiments.figures.shares import SharePanel
from evenhand.experiments.paper.wanted import Wanted
from evenhand.experiments.paper.words import measure_of
from evenhand.experiments.wording import method_title


def box_panels(wanted: Wanted, estimates: Estimates, above: str) -> list[BoxPanel]:
    """Final values of every task by method, means over seeds."""
    tasks, made = _tasks(estimates), []
    for panel in wanted.panels:
        metric = panel["metric"]
        words = measure_of(metric, estimates.run.experiment)
        values = {}
        for method in _chosen(wanted, estimates):
            found = np.array([estimates.values(method, f"{metric}:{task}") for task in tasks])
            values[method] = found.mean(1)
        title = panel.get("title") or words.title
        made.append(BoxPanel(title, above, words.unit, tasks, values))
    return made


def share_panels(wanted: Wanted, estimates: Estimates, above: str) -> list[SharePanel]:
    """Shares of every task over training, means over seeds, a panel per method that has some."""
    tasks, made = _tasks(estimates), []
    for panel in wanted.panels:
        metric = panel["metric"]
        for method in _chosen(wanted, estimates):
            found = [estimates.curve(method, f"{metric}:{task}") for task in tasks]
            lines = [line for line in found if line is not None]
            if len(lines) < len(tasks):
                continue
            shares = np.stack([band[0] for _, band in lines])
            title = ", ".join(filter(None, (above, panel.get("title") or method_title(method))))
            ends = (panel.get("none", "0%"), panel.get("all", "100%"))
            epochs = np.asarray(lines[0][0], float)
            made.append(SharePanel(title, tasks, epochs, shares, shares.mean(1), ends))
    return made


def _chosen(wanted: Wanted, estimates: Estimates) -> list[str]:
    return [m for m in estimates.run.methods if not wanted.methods or m in wanted.methods]


def _tasks(estimates: Estimates) -> tuple[str, ...]:
    return tuple(estimates.run.world.get("tasks", ()))
