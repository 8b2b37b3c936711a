"""`check_metric`: whether a statistic of groups treats data, and their absence, as it must."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from evenhand.core.environment import Outcome, Population
from evenhand.core.rollout import Evaluation
from evenhand.testing.conformance import require, same

_GROUPS, _PEOPLE, _STEPS = 3, 24, 120


def check_metric(
    metric: Any,
    *,
    signals: tuple[str, ...] = ("reward", "qualification_gain", "cost_paid"),
    seed: int = 0,
) -> None:
    """A `ConformanceError` that says what to fix, if the metric breaks a law of all metrics.

    `metric` is a statistic `(outcomes, num_groups) -> (G,)`, or an entry of the catalogue with a
    `statistic(evaluation, env, params)` and a `reducer`. The laws: a group without data is NaN
    (with count 0), steps and people of weight 0 never matter, and renaming groups renames the
    answer, leaving the reduced value.
    """
    measure = _measure_of(metric, signals)
    random = np.random.default_rng(seed)
    data = _evaluation(random, len(signals))
    full = measure(data)
    require(np.isfinite(full["by_group"]).all(), "a group with data is not finite")
    _check_weightless(measure, data, full)
    _check_renamed(measure, data, full)
    _check_absent(measure, data)


def _measure_of(metric: Any, signals: tuple[str, ...]) -> Callable[[Evaluation], dict[str, Any]]:
    """From an evaluation of one episode to named results in numpy."""
    env = SimpleNamespace(signals=signals, num_groups=_GROUPS, num_people=_PEOPLE)
    statistic = getattr(metric, "statistic", None)

    def of_outcomes(data: Evaluation) -> dict[str, Any]:
        outcomes = jax.tree.map(lambda leaf: leaf[0], data.outcomes)
        return {"by_group": np.asarray(metric(outcomes, _GROUPS))}

    def of_evaluation(data: Evaluation) -> dict[str, Any]:
        found = metric.statistic(data, env, None)
        value = np.asarray(metric.reducer(found))
        by_group, count = np.asarray(found.by_group)[0], np.asarray(found.count)[0]
        return {"by_group": by_group, "count": count, "value": value}

    return of_outcomes if statistic is None else of_evaluation


def _evaluation(random: np.random.Generator, num_signals: int) -> Evaluation:
    """One episode about three groups; a third of the steps and people weigh 0."""
    group_of = np.arange(_PEOPLE) % _GROUPS
    person = random.integers(_PEOPLE, size=_STEPS)
    weight = (random.random(_STEPS) > 1 / 3).astype(np.float32)
    rewards = random.random((_STEPS, num_signals)) + 0.1
    outcomes = Outcome(
        group=_put(group_of[person]),
        person=_put(person),
        decision=_put(random.integers(2, size=_STEPS)),
        label=_put(random.integers(2, size=_STEPS)),
        weight=_put(weight),
    )
    moments = (2, _PEOPLE)
    counted = np.broadcast_to(random.random(_PEOPLE) > 1 / 3, moments)
    population = Population(
        group=_put(np.broadcast_to(group_of, moments)),
        weight=_put(counted.astype(float)),
        true_score=_put(random.integers(5, size=moments).astype(float)),
        observed_score=_put(random.integers(5, size=moments).astype(float)),
    )
    J = np.zeros((_GROUPS, num_signals))
    np.add.at(J, group_of[person], rewards * weight[:, None])
    return Evaluation(_put(J), _put(rewards), outcomes, population)


def _put(values: np.ndarray) -> jax.Array:
    """On the device as one episode, in 32 bits."""
    return jnp.asarray(values, jnp.int32 if values.dtype.kind == "i" else jnp.float32)[None]


def _replaced(data: Evaluation, outcomes: Any = None, population: Any = None, **parts: Any) -> Any:
    """The evaluation with some fields of its outcomes, population or itself replaced."""

    def updated(module: Any, changes: dict[str, Any]) -> Any:
        names = module.__dataclass_fields__
        return type(module)(**{name: changes.get(name, getattr(module, name)) for name in names})

    return Evaluation(
        J=parts.get("J", data.J),
        rewards=parts.get("rewards", data.rewards),
        outcomes=updated(data.outcomes, outcomes or {}),
        population=updated(data.population, population or {}),
    )


def _check_weightless(measure: Any, data: Evaluation, full: dict[str, Any]) -> None:
    """Steps and people of weight 0 are changed beyond recognition."""
    out, who = data.outcomes, data.population
    gone, absent = out.weight == 0, who.weight == 0
    changed = _replaced(
        data,
        outcomes={
            "group": jnp.where(gone, (out.group + 1) % _GROUPS, out.group),
            "decision": jnp.where(gone, 1 - out.decision, out.decision),
            "label": jnp.where(gone, 1 - out.label, out.label),
        },
        population={
            "true_score": jnp.where(absent, 99.0, who.true_score),
            "observed_score": jnp.where(absent, 99.0, who.observed_score),
        },
        rewards=jnp.where(gone[..., None], 1e6, data.rewards),
    )
    require(
        same(full, measure(changed), tolerance=1e-5),
        "steps or people of weight 0 change the metric: multiply by the weight everywhere",
    )


def _check_renamed(measure: Any, data: Evaluation, full: dict[str, Any]) -> None:
    """Groups 0, 1, 2 become 1, 2, 0."""
    out, who = data.outcomes, data.population
    renamed = _replaced(
        data,
        outcomes={"group": (out.group + 1) % _GROUPS},
        population={"group": (who.group + 1) % _GROUPS},
        J=jnp.roll(data.J, 1, axis=1),
    )
    got, moved = measure(renamed), {"by_group", "count"}
    wanted = {name: np.roll(v, 1) if name in moved else v for name, v in full.items()}
    require(
        same(wanted, got, tolerance=1e-4),
        "renaming the groups does more than rename the answer: treat every group alike",
    )


def _check_absent(measure: Any, data: Evaluation) -> None:
    """The last group loses all weight."""
    out, who, last = data.outcomes, data.population, _GROUPS - 1
    emptied = _replaced(
        data,
        outcomes={"weight": jnp.where(out.group == last, 0.0, out.weight)},
        population={"weight": jnp.where(who.group == last, 0.0, who.weight)},
        J=data.J.at[:, last].set(0.0),
    )
    found = measure(emptied)
    require(
        np.isnan(found["by_group"][last]) and np.isfinite(found["by_group"][:last]).all(),
        f"a group without data must be NaN and the others stay numbers, got {found['by_group']}",
    )
    require(
        "count" not in found or found["count"][last] == 0,
        "a group without data must have a count of 0",
    )
