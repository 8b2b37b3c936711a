"""From the names of a gap trial's methods to learners, and from their records to rows."""

from typing import Any

import numpy as np

from evenhand.algorithms.certified_start import CertifiedStart
from evenhand.algorithms.gap_baselines import CertaintyEquivalent, FixedPolicy
from evenhand.algorithms.optimistic_pessimistic import OptimisticPessimistic
from evenhand.algorithms.parts.gap_learner import AbstractGapLearner
from evenhand.algorithms.parts.gap_record import GapRecord, curves, summary
from evenhand.core.errors import InputError
from evenhand.experiments.trials.trial import Rows

_LEARNER = ("scale", "min_visits", "failure_prob", "rule", "coefficient", "replan")
METHODS: dict[str, tuple[str, ...]] = {
    "optimistic-pessimistic": _LEARNER,
    "optimistic-pessimistic-one-task": ("task", *_LEARNER),
    "optimistic-unconstrained": _LEARNER,
    "certified-start": _LEARNER,
    "certainty-equivalent": ("replan",),
    "certainty-equivalent-one-task": ("task", "replan"),
    "initial-policy": (),
    "constrained-optimum": (),
}
# Measures of a run that the record has for each task.
_BY_TASK = {"violations": "violations", "final_gap": "gap", "max_gap": "largest_gap"}
_PLAIN = (
    "violations", "violations_under_event", "violation_rate", "last_violation", "regret",
    "initial_regret", "fallbacks", "fallback_rate", "programs", "event_rate", "seconds_per_episode",
)  # fmt: skip


def learner_of(name: str, options: dict[str, Any], tasks: tuple[str, ...]) -> AbstractGapLearner:
    """The learner that a method's name and options mean."""
    given = dict(options)
    if name.endswith("-one-task"):
        task = given.pop("task", tasks[0])
        if task not in tasks:
            raise InputError(f"{name} is bound to task {task!r}; the trial has {', '.join(tasks)}")
        given["tasks"] = (task,)
    if name == "optimistic-unconstrained":
        given["tasks"] = ()
    try:
        if name.startswith("optimistic"):
            return OptimisticPessimistic(**given)
        if name == "certified-start":
            return CertifiedStart(OptimisticPessimistic(**given))
        if name.startswith("certainty"):
            return CertaintyEquivalent(**given)
    except TypeError as error:
        raise InputError(f"{name}: {error}") from error
    return FixedPolicy("initial" if name == "initial-policy" else "optimum")


def rows_of(record: GapRecord, num_points: int) -> Rows:
    """Final measures and curves over episodes of one run."""
    found, tasks = summary(record), record.problem.mdp.signals
    final = [_row(name, found[name]) for name in _PLAIN]
    for name, measure in _BY_TASK.items():
        final += [_row(f"{measure}:{task}", found[f"{name}[{task}]"]) for task in tasks]
    for group in record.problem.groups:
        final += [_row(f"return:{t}", found[f"final_J[{group}, {t}]"], group) for t in tasks]
    final.append(_row("total_return", found["final_return"]))
    final.append(_row("late_regret", _late(record.regret)))
    late = record.gaps[len(record.gaps) // 2 :].mean(0)
    final += [_row(f"late_gap:{task}", value) for task, value in zip(tasks, late, strict=True)]
    return {"final": final, "curves": _curves(record, num_points)}


def _late(regret: np.ndarray) -> float:
    """Share of the regret that falls into the second half; NaN where there is none in all."""
    total = regret.sum()
    return float(regret[len(regret) // 2 :].sum() / total) if total > 1e-6 * len(regret) else np.nan


def _row(metric: str, value: float, group: str = "") -> dict[str, Any]:
    return {"metric": metric, "group": group, "value": float(value)}


def _curves(record: GapRecord, num_points: int) -> list[dict[str, Any]]:
    found, problem = curves(record, num_points), record.problem
    series: dict[tuple[str, str], np.ndarray] = {
        (name, ""): found[name]
        for name in ("regret", "initial_regret", "violations", "violation_rate", "fallback_rate")
    }
    for m, task in enumerate(problem.mdp.signals):
        series[f"gap:{task}", ""] = found["gap"][:, m]
        for g, group in enumerate(problem.groups):
            series[f"return:{task}", group] = found["J"][:, g, m]
    return [
        {"env_steps": int(at), "metric": metric, "group": group, "value": float(value)}
        for (metric, group), values in series.items()
        for at, value in zip(found["episode"], values, strict=True)
    ]
