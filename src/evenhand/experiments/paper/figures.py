"""The figures of a study: what its figures file asks for, drawn from its runs."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from matplotlib.figure import Figure

from evenhand.experiments.estimates import Estimates
from evenhand.experiments.figures.bars import bars
from evenhand.experiments.figures.boxes import boxes
from evenhand.experiments.figures.loan_rates import loan_rates_figure
from evenhand.experiments.figures.shares import share_map
from evenhand.experiments.figures.study import study_figure
from evenhand.experiments.figures.study_parts import Panels
from evenhand.experiments.figures.trade_off import trade_off
from evenhand.experiments.paper import panels, task_panels
from evenhand.experiments.paper.study import Study
from evenhand.experiments.paper.wanted import Wanted, read_figures
from evenhand.experiments.trials.trial import trial_class

_INSIDE, _TRAINING = "decisions in the evaluation episode", "environment steps of training"
# Kind -> its panels in a scenario, what runs along, whether there are bands.
_LINES = {
    "training-curves": (panels.curves, _TRAINING, True),
    "series": (panels.series, _INSIDE, True),
    "gap-true-and-observed": (panels.gaps, _TRAINING, True),
    "cumulative-decisions": (panels.decisions, _INSIDE, False),
}
Runs = Mapping[str, Estimates]


def drawings(study: Study, runs: Runs) -> list[tuple[Wanted, Callable[[str], Figure]]]:
    """The figures for which there are runs, each with a function of the width that draws it."""
    order = tuple(dict.fromkeys(m for s in study.scenarios for m in s.experiment.methods))
    made = []
    for wanted in read_figures(study):
        draw = _drawing(wanted, study, runs, order)
        if draw is not None:
            made.append((wanted, draw))
    return made


def _drawing(wanted: Wanted, study: Study, runs: Runs, order: tuple[str, ...]) -> Any:
    titles = {s.name: s.title for s in study.scenarios}
    above = titles if len(wanted.scenarios) > 1 else dict.fromkeys(titles, "")
    shown = [(wanted, runs[name], above[name]) for name in wanted.scenarios if name in runs]
    if wanted.kind == "bars":
        made = [panel for about in shown for panel in panels.bar_panels(*about)]
        per_row = len(made) // len(shown) if len(shown) > 1 else len(made)
        return partial(bars, made, order, per_row=per_row) if made else None
    if wanted.kind == "trade-off":
        points = [panels.trade_off_panel(*about) for about in shown]
        return (
            partial(trade_off, points, *panels.axis_words(*shown[0][:2]), order) if shown else None
        )
    if wanted.kind == "loan-rates":
        return _rates(shown)
    if wanted.kind == "task-boxes":
        made = [panel for about in shown for panel in task_panels.box_panels(*about)]
        return partial(boxes, made, order) if made else None
    if wanted.kind == "share-map":
        made = [panel for about in shown for panel in task_panels.share_panels(*about)]
        return partial(share_map, made, trial_class(study.kind).unit) if made else None
    draw, along, banded = _LINES[wanted.kind]
    rows = [draw(*about) for about in shown]
    drawn = tuple(panel for row in rows for panel in row if panel.lines)
    if not drawn:
        return None
    widest = max(map(len, rows))
    columns = widest if widest > 1 else len(drawn)
    if study.kind and wanted.kind == "training-curves":
        along = trial_class(study.kind).unit
    return partial(study_figure, Panels(drawn, columns, along, order, banded))


def _rates(shown: list[tuple[Wanted, Estimates, str]]) -> Any:
    rows = [row for about in shown if (row := panels.rate_panels(*about))]
    if not rows:
        return None
    groups = max((estimates.run.groups for _, estimates, _ in shown), key=len)
    return partial(loan_rates_figure, rows, groups)
