"""Evaluations during training show what is being learned and change none of it."""

from dataclasses import replace

import equinox as eqx
import jax
import numpy as np
import pytest

from evenhand.experiments import training
from evenhand.experiments.curve_points import CurvePoints, curve_points
from evenhand.experiments.methods import curve_key, evaluation_key, train_key
from evenhand.experiments.preparation import part_steps, world_of
from evenhand.experiments.progress import Gate
from evenhand.experiments.workers import Stopped
from experiments.test_runner import TINY

CURVED = replace(TINY, curve_points=2, curve_episodes=2)


def learner(experiment, folder, advance=lambda amount: None):
    world, gate = world_of(experiment), Gate()
    curve = curve_points(experiment, world, gate)
    return training.trainer(experiment, "ppo", world[:2], folder, gate, advance, curve)


def measured(trained):
    """(update, metric, group) -> value, of the rows of evaluations."""
    return {
        (row["update"], row["metric"], row["group"]): row["value"]
        for row in trained.curves
        if row["metric"] in ("return", "recall", "credit_gap_observed", "recall_difference")
    }


@pytest.mark.parametrize(("updates", "points"), [(20, 2), (20, 20), (7, 3), (3, 10), (100, 7)])
def test_points_lie_at_ends_of_pieces_and_the_last_one_at_the_end(updates, points):
    curve = CurvePoints(points, 1, 10, None, Gate())
    piece = curve.piece(updates, 20)
    ends = [min(end, updates) for end in range(piece, updates + piece, piece)]
    due = [end for end in ends if curve.due(end, updates, 20)]
    assert due[-1] == updates
    assert len(due) <= points
    assert len(due) >= min(points, updates) / 2


def test_evaluations_during_training_change_nothing_that_is_learned(tmp_path):
    ((_, plain),) = learner(TINY, tmp_path).train([0])
    ((_, curved),) = learner(CURVED, tmp_path).train([0])
    assert eqx.tree_equal(plain.policy, curved.policy)
    assert {row["metric"] for row in plain.curves} < {row["metric"] for row in curved.curves}
    found = measured(curved)
    assert {update for update, _, _ in found} == {10, 20}
    assert all(np.isfinite(found[20, "recall", group]) for group in ("group 1", "group 2", ""))
    assert not measured(plain)


@pytest.mark.slow
def test_seeds_together_are_measured_as_they_are_alone(tmp_path):
    together = {seed: measured(found) for seed, found in learner(CURVED, tmp_path).train([0, 1])}
    for seed in (0, 1):
        ((_, alone),) = learner(CURVED, tmp_path).train([seed])
        assert measured(alone).keys() == together[seed].keys()
        for key, value in measured(alone).items():
            np.testing.assert_allclose(together[seed][key], value, atol=1e-4)


def test_an_interrupted_training_continues_to_the_same_curve(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    calls = []

    def interrupt(amount):
        calls.append(amount)
        if len(calls) == 15:
            raise Stopped

    with pytest.raises(Stopped):
        list(learner(CURVED, tmp_path, interrupt).train([0]))
    ((_, resumed),) = learner(CURVED, tmp_path).train([0])
    ((_, whole),) = learner(CURVED, tmp_path / "other").train([0])
    assert resumed.curves == whole.curves


def test_training_and_both_evaluations_draw_from_streams_of_their_own():
    keys = [jax.random.key_data(make(3)) for make in (train_key, evaluation_key, curve_key)]
    assert len({tuple(np.asarray(key).tolist()) for key in keys}) == 3


def test_the_work_of_evaluations_counts_as_progress():
    env = world_of(CURVED)[0]
    more = part_steps(CURVED, "ppo", env) - part_steps(TINY, "ppo", env)
    assert more == 2 * 2 * env.episode_steps
