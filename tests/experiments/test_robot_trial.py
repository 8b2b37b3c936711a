"""A trial of robots trains, goes on where it stopped, and reports every group and task."""

import numpy as np
import pytest

from evenhand.core.errors import InputError
from evenhand.experiments.trials.trial import make_trial

pytest.importorskip("mujoco", reason="needs mujoco: the extra robots")

SMALL = {"steps": 24 * 20, "episode_steps": 20, "copies": 1, "tolerance": 5}


def trial(*methods, **changes):
    given = {"name": "robots", "methods": methods, "seeds": 1} | SMALL | changes
    return make_trial("robots", given, "here")


class KilledError(Exception):
    """The process was killed."""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*settotalmass.*")
def test_an_interrupted_part_ends_as_the_uninterrupted_one(tmp_path):
    asked = trial("focops")
    whole = asked.run_part("focops", 0, lambda _: None, tmp_path / "whole.state")
    told = []

    def until_half(amount):
        told.append(amount)
        if sum(told) > 0.9 * asked.work("focops"):
            raise KilledError

    state = tmp_path / "cut.state"
    with pytest.raises(KilledError):
        asked.run_part("focops", 0, until_half, state)
    assert state.exists()
    assert asked.run_part("focops", 0, lambda _: None, state) == whole
    names = {(row["metric"], row["group"]) for row in whole["final"]}
    assert {("return:forward", "default"), ("return:backward", "BigFoot")} <= names
    assert np.isfinite([row["value"] for row in whole["final"]]).all()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"groups": ["default", "Bigfoot"]}, "did you mean 'BigFoot'"),
        ({"robot": "Halfcheetah"}, "did you mean 'HalfCheetah'"),
        ({"tasks": ["forwards"]}, "did you mean 'forward'"),
        ({"steps": 10}, "steps must be at least 20"),
        ({"methods": ["focops-one-task:task=left"]}, "there is no task to constrain 'left'"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_any_work(changes, sentence):
    methods = changes.pop("methods", ["focops"])

    def refuse():
        trial(*methods, **changes).world()

    with pytest.raises(InputError, match=sentence):
        refuse()


def test_work_is_what_training_takes():
    asked = trial("focops")
    assert asked.updates * asked.turn_steps * 2 == asked.work("focops") == 2 * 2 * SMALL["steps"]
