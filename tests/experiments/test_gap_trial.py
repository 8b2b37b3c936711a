"""A trial of learners bound to a tolerance: rows say what the record says, and runs go on."""

import numpy as np
import pytest

from evenhand.core.errors import InputError
from evenhand.experiments.trials import gap_trial
from evenhand.experiments.trials.trial import make_trial

METHODS = [
    "optimistic-pessimistic:scale=1e-3",
    "optimistic-pessimistic-one-task:task=near-goal;scale=1e-3",
    "optimistic-unconstrained:scale=1e-3",
    "certified-start:scale=1e-3",
    "certainty-equivalent",
    "certainty-equivalent-one-task:task=near-goal",
    "initial-policy",
    "constrained-optimum",
]


def trial(*methods, **changes):
    given = {"name": "river", "methods": methods or METHODS, "episodes": 40, "curve_points": 8}
    return make_trial("gap-learning", given | changes, "here")


def rows(asked, method, tmp_path, seed=0):
    return asked.run_part(method, seed, lambda _: None, tmp_path / "none.npz")


@pytest.mark.parametrize("method", METHODS)
def test_rows_agree_with_one_another(method, tmp_path):
    asked = trial(groups=3)
    groups = asked.world()["groups"]
    found = rows(asked, method, tmp_path)
    value = {(row["metric"], row["group"]): row["value"] for row in found["final"]}
    J = np.array([[value[f"return:{task}", g] for task in asked.tasks] for g in groups])
    for task, gap in zip(asked.tasks, np.ptp(J, 0), strict=True):
        assert value[f"gap:{task}", ""] == pytest.approx(gap)
        assert value[f"largest_gap:{task}", ""] >= gap - 1e-12
    assert value["total_return", ""] == pytest.approx(J.sum())
    last = {(r["metric"], r["group"]): r["value"] for r in found["curves"] if r["env_steps"] == 40}
    shared = last.keys() & value.keys()
    assert {("regret", ""), ("return:near-goal", "A"), ("violations", "")} <= shared
    for key in shared:
        assert last[key] == pytest.approx(value[key]), key


def test_the_optimum_has_no_regret_and_keeps_the_tolerance(tmp_path):
    asked = trial("constrained-optimum")
    value = {
        row["metric"]: row["value"] for row in rows(asked, asked.methods[0], tmp_path)["final"]
    }
    assert value["regret"] == pytest.approx(0, abs=1e-6)
    assert value["violations"] == 0
    assert value["total_return"] == pytest.approx(np.sum(asked.world()["optimum"]))


class KilledError(Exception):
    """The process was killed."""


def test_an_interrupted_part_ends_as_the_uninterrupted_one(tmp_path, monkeypatch):
    monkeypatch.setattr(gap_trial, "_SAVED_EVERY", 500)
    asked = trial("optimistic-pessimistic:scale=1e-3", episodes=700)
    whole = rows(asked, asked.methods[0], tmp_path)["final"]
    told = []

    def until_600(amount):
        told.append(amount)
        if sum(told) >= 500:
            raise KilledError

    state = tmp_path / "cut.npz"
    with pytest.raises(KilledError):
        asked.run_part(asked.methods[0], 0, until_600, state)
    assert state.exists()
    again = asked.run_part(asked.methods[0], 0, lambda _: None, state)["final"]
    clock = "seconds_per_episode"
    for one, other in zip(whole, again, strict=True):
        assert one == other or one["metric"] == clock, one


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"tasks": ["near-gaol"]}, "did you mean 'near-goal'"),
        ({"groups": 7}, "groups must be 1 to 3"),
        ({"tolerance": 0.05}, "initial_gap must be 0 or more and below tolerance"),
        ({"initial": "oracel"}, "did you mean 'oracle'"),
        ({"episodes": 0}, "episodes must be at least 1"),
        ({"methods": ["optimistic-pessimistic:scale=-1"]}, "scale must be 0 or more"),
        ({"methods": ["optimistic-pessimistic-one-task:task=left"]}, "bound to task 'left'"),
    ],
)
def test_what_cannot_be_run_is_refused_before_any_work(changes, sentence):
    methods = changes.pop("methods", ["initial-policy"])

    def refuse():
        trial(*methods, **changes).world()

    with pytest.raises(InputError, match=sentence):
        refuse()
