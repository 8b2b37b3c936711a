"""From the names of an action trial's methods to learners, and from their logs to rows."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from evenhand.algorithms.boltzmann import Boltzmann
from evenhand.algorithms.e3 import E3
from evenhand.algorithms.interval_certified import IntervalCertified
from evenhand.algorithms.parts.action_learner import AbstractActionLearner, Mode
from evenhand.algorithms.parts.action_problem import ActionProblem
from evenhand.algorithms.parts.action_run import ActionLog
from evenhand.algorithms.r_max import RMax
from evenhand.algorithms.restricted_e3 import RestrictedE3
from evenhand.algorithms.tabular_q_learning import QLearning
from evenhand.algorithms.ucb_vi import UCBVI
from evenhand.algorithms.uniform_play import UniformPlay
from evenhand.core.errors import InputError
from evenhand.experiments.trials.trial import Rows
from evenhand.metrics.notions import (
    ActionFairness,
    action_fairness,
    action_fairness_everywhere,
)

_LEARNERS: dict[str, Any] = {
    "boltzmann": Boltzmann,
    "e3": E3,
    "fair-e3": RestrictedE3,
    "interval-certified": IntervalCertified,
    "q-learning": QLearning,
    "r-max": RMax,
    "ucb-vi": UCBVI,
    "uniform-play": UniformPlay,
}
METHODS: dict[str, tuple[str, ...]] = {
    name: tuple(field.name for field in fields(made)) for name, made in _LEARNERS.items()
}


def learner_of(
    method: str, options: dict[str, Any], common: dict[str, Any]
) -> AbstractActionLearner:
    """The learner of this name: with its options, and what it has a field for of `common`."""
    shared = {name: value for name, value in common.items() if name in METHODS[method]}
    try:
        return _LEARNERS[method](**{**shared, **options})
    except TypeError as error:
        raise InputError(f"{method}: an option has a value of the wrong kind: {error}") from error


def rows_of(
    log: ActionLog, run: int, problem: ActionProblem, alpha: float, num_points: int
) -> Rows:
    """Final measures and curves over steps of one run of a log."""
    states = log.states[:, run]
    found = action_fairness(states, log.laws[:, run], problem.q_values, alpha)
    broken = _broken(found)
    short = log.rewards[:, run] - problem.best_gain
    final = _fairness_rows(found, broken) + [
        _row("reward_gap", short.mean()),
        _row("late_reward_gap", short[-max(len(short) // 4, 1) :].mean()),
        _row("value_gap", _value_gap(states, problem)),
        _row("num_known", log.num_known[-1, run]),
        _row("steps_until_known", _first(log.num_known[:, run] == problem.num_states)),
        _row("free_exploration", (log.modes[:, run] == Mode.exploring_freely).mean()),
        _row("seconds", log.seconds / log.states.shape[1]),
    ]
    return {"final": final, "curves": _curves(log, run, broken, short, num_points)}


def audit_rows(
    tables: Sequence[Float[np.ndarray, "S A"]], problem: ActionProblem, alpha: float
) -> list[dict[str, Any]]:
    """Shares of the audited rounds of one run in which the law of any state violates a notion."""
    # As precise as a log, so that both say the same of the same laws.
    laws = np.stack(tables).astype(np.float32)
    found = action_fairness_everywhere(laws, problem.q_values, alpha)
    return [
        _row(f"violating_audits:{notion}", rounds.mean())
        for notion, rounds in _broken(found).items()
    ]


def _broken(found: ActionFairness) -> dict[str, np.ndarray]:
    """The rounds that violate each notion."""
    return {"fair": ~found.fair, "choice": ~found.choice_fair, "action": ~found.action_fair}


def _fairness_rows(found: ActionFairness, broken: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    rows = []
    for notion, rounds in broken.items():
        rows.append(_row(f"violating_run:{notion}", rounds.any()))
        rows.append(_row(f"violating_rounds:{notion}", rounds.mean()))
    rows.append(_row("smallest_alpha:choice", found.smallest_choice))
    rows.append(_row("smallest_alpha:action", found.smallest_action))
    return rows


def _value_gap(states: Int[np.ndarray, " T"], problem: ActionProblem) -> float:
    """(1 - gamma) (mu* V* - mean of V* over the states visited), the scale of rewards (Def. 1)."""
    values = problem.q_values.max(-1)
    return float((1 - problem.discount) * (problem.best_value - values[states].mean()))


def _first(happened: np.ndarray) -> float:
    """The first step at which it is so; NaN if it never is."""
    return float(happened.argmax()) if happened.any() else np.nan


def _row(metric: str, value: Any) -> dict[str, Any]:
    return {"metric": metric, "group": "", "value": float(value)}


def _curves(
    log: ActionLog,
    run: int,
    broken: dict[str, np.ndarray],
    short: Float[np.ndarray, " T"],
    num_points: int,
) -> list[dict[str, Any]]:
    """Shares of rounds so far, what was earned since the point before, and known states."""
    T = log.num_steps
    at = np.unique(np.linspace(0, T, min(num_points, T) + 1).round().astype(int))
    since, length = at[:-1], np.diff(at)
    series = {f"violating_rounds:{n}": _so_far(r, at[1:]) for n, r in broken.items()}
    series["reward_gap"] = np.add.reduceat(short, since) / length
    series["num_known"] = log.num_known[at[1:] - 1, run]
    return [
        {"env_steps": int(step), "metric": metric, "group": "", "value": float(value)}
        for metric, values in series.items()
        for step, value in zip(at[1:], values, strict=True)
    ]


def _so_far(rounds: np.ndarray, at: Int[np.ndarray, " K"]) -> Float[np.ndarray, " K"]:
    return rounds.cumsum()[at - 1] / at
