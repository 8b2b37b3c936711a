"""Action trials: their numbers are those of the logs, and wrong ones are refused before work."""

import numpy as np
import pytest

from evenhand.algorithms.e3 import E3
from evenhand.algorithms.parts.action_problem import action_problem
from evenhand.algorithms.parts.action_run import run_actions
from evenhand.algorithms.restricted_e3 import RestrictedE3
from evenhand.core.errors import InputError
from evenhand.experiments.record import read_run
from evenhand.experiments.trials.running import run_trial
from evenhand.experiments.trials.trial import make_trial
from evenhand.tabular.random_families import trap


def trial(**changes):
    given = {"name": "actions", "methods": ["fair-e3:m_q=2"], "seeds": 3, "steps": 700}
    return make_trial("action-fairness", given | {"alpha": 0.2} | changes, "here")


def values(rows, metric):
    return [row["value"] for row in rows["final"] if row["metric"] == metric]


def test_measures_are_those_of_the_log(tmp_path):
    rows = trial().run_part("fair-e3:m_q=2", 1, lambda _: None, tmp_path)
    problem = action_problem(trap())
    learner = RestrictedE3(alpha=0.2, m_q=2)
    log = run_actions(learner, problem, 700, [1])
    q, states, laws = problem.q_values, log.states[:, 0], log.laws[:, 0].astype(float)
    # Definition 4, written out.
    better = q[states][:, :, None] > q[states][:, None, :] + 0.2
    broken = (better & (laws[:, :, None] < laws[:, None, :])).any((1, 2))
    assert values(rows, "violating_rounds:action") == [pytest.approx(broken.mean())]
    assert values(rows, "violating_run:action") == [float(broken.any())]
    preferred = laws[:, :, None] < laws[:, None, :]
    gaps = np.where(preferred, q[states][:, :, None] - q[states][:, None, :], 0)
    assert values(rows, "smallest_alpha:action") == [pytest.approx(max(gaps.max(), 0))]
    gap = log.rewards.mean() - problem.best_gain
    assert values(rows, "reward_gap") == [pytest.approx(float(gap), abs=1e-6)]
    assert values(rows, "num_known") == [log.num_known[-1, 0]]
    curve = [row for row in rows["curves"] if row["metric"] == "violating_rounds:action"]
    assert curve[-1]["env_steps"] == 700
    assert curve[-1]["value"] == pytest.approx(broken.mean())
    earned = [row["value"] for row in rows["curves"] if row["metric"] == "reward_gap"]
    assert np.mean(earned) == pytest.approx(float(gap), abs=1e-6)


def test_seeds_in_one_call_are_the_seeds_alone(tmp_path):
    asked = trial()
    many = asked.run_parts("fair-e3:m_q=2", [0, 1, 2], lambda _: None, [tmp_path] * 3)
    for seed, rows in enumerate(many):
        alone = asked.run_part("fair-e3:m_q=2", seed, lambda _: None, tmp_path)
        assert rows["curves"] == alone["curves"]
        for ours, theirs in zip(rows["final"], alone["final"], strict=True):
            if ours["metric"] != "seconds":
                assert ours == theirs or (np.isnan(ours["value"]) and np.isnan(theirs["value"]))


@pytest.mark.slow
def test_a_run_has_every_measure_of_every_method_and_model(tmp_path):
    methods = ["fair-e3:m_q=2;estimator=oracle", "e3:m=2", "r-max:m=2", "ucb-vi", "q-learning"]
    methods += ["boltzmann", "interval-certified", "uniform-play"]
    for model in ("trap", "random", "chain"):
        asked = trial(methods=methods, model=model, steps=300, seeds=2)
        found = read_run(run_trial(asked, tmp_path / model))
        for method in methods:
            assert found.final.filter(algorithm=method, metric="reward_gap").height == 2
        uniform = found.final.filter(algorithm="uniform-play", metric="violating_run:fair")
        assert uniform["value"].to_list() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model": "trab"}, "there is no model 'trab'; did you mean 'trap'"),
        ({"steps": 0}, "steps must be at least 1"),
        ({"alpha": -0.1}, "alpha must be 0 or more"),
        ({"methods": ["fair-e3:mq=2"]}, "there is no option of fair-e3 'mq'; did you mean 'm_q'"),
    ],
)
def test_what_cannot_be_run_is_refused_with_its_name(changes, sentence):
    with pytest.raises(InputError, match=sentence):
        trial(**changes)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"rewards": "poisson"}, "rewards are drawn as"),
        ({"methods": ["fair-e3:m_q=2;estimator=importance-sampling"]}, "policies"),
        ({"methods": ["e3:m=0"]}, "m must be 1 or more"),
        ({"model": "chain", "last_reward": 2}, "must be in"),
    ],
)
def test_what_cannot_be_run_is_refused_before_the_work(changes, sentence):
    with pytest.raises(InputError, match=sentence):
        trial(**changes).world()


def test_the_world_says_what_the_theorem_asks_for():
    said = trial().world()
    assert "The theorem asks for 1e+24 steps here" in said["theory"]
    assert "7e+02" in said["theory"]
    assert max(said["gap_quantiles"]) > 1


def test_audits_ask_every_state_and_not_only_those_on_the_way(tmp_path):
    asked = trial(methods=["e3:m=5"], audit_every=50)
    rows = asked.run_part("e3:m=5", 1, lambda _: None, tmp_path)
    problem = action_problem(trap())
    laws = []
    run_actions(E3(m=5), problem, 700, [1],
                audit=lambda t, tables: laws.append((t, tables[0])))  # fmt: skip
    tables = np.stack([tables for t, tables in laws if t % 50 == 0])
    q = problem.q_values
    better = q[:, :, None] > q[:, None, :] + 0.2
    broken = (better & (tables[..., :, None] < tables[..., None, :])).any((1, 2, 3))
    assert values(rows, "violating_audits:action") == [pytest.approx(broken.mean())]
    assert broken.mean() > 0
    with pytest.raises(InputError, match="audit_every must be at least 1"):
        trial(audit_every=0)
