from dataclasses import replace

import numpy as np
import pytest
from gap_worlds import torn_mdp, two_state_mdp, two_state_problem, two_task_river

from evenhand.algorithms.certified_start import CertifiedStart
from evenhand.algorithms.gap_baselines import CertaintyEquivalent
from evenhand.algorithms.optimistic_pessimistic import OptimisticPessimistic
from evenhand.algorithms.parts.gap_learner import Reason
from evenhand.algorithms.parts.gap_problem import GapProblem, uniform_policy
from evenhand.algorithms.parts.gap_record import summary
from evenhand.algorithms.parts.gap_run import GapRun
from evenhand.algorithms.parts.gap_signatures import episodes_to_leave, signatures, visits_to_leave


def play(learner, problem, num_episodes, until=None):
    return GapRun(learner, problem, num_episodes, seed=0).advance(until).record()


def test_a_run_that_learns_within_the_theory_has_nothing_to_say():
    learner = OptimisticPessimistic(rule="hoeffding", replan="doubling")
    assert signatures(play(learner, two_state_problem(), 20_000)) == ()


def test_a_run_that_only_falls_back_says_after_how_much_it_would_not():
    river, learner = two_task_river(), OptimisticPessimistic()
    record = play(learner, river, 20_000, until=10)
    (sentence,) = signatures(record)
    log = np.log(4 * 2**2 * 7**2 * 2 * 10 * 20_000 / 0.1)
    needed = log * (4 * 7 * 10 * 10 / 1.0) ** 2
    assert visits_to_leave(learner, river, 20_000) == pytest.approx(needed)
    assert f"{needed:.2g} visits" in sentence
    assert sentence.startswith("All 10 episodes fell back")
    # The scale that is recommended does leave, after a tenth of the episodes as promised.
    scale = float(sentence.split("scale of about ")[1].split(",")[0])
    assert episodes_to_leave(
        OptimisticPessimistic(scale, min_visits=0), river, 20_000
    ) == pytest.approx(2000, rel=0.3)


def test_an_initial_policy_that_can_never_pass_is_told_from_one_that_is_not_yet_known():
    mdp = two_state_mdp()
    always = np.zeros((2, 2, 2, 2))
    always[..., 1] = 1.0
    problem = GapProblem(mdp, always, tolerance=1.4, initial_gap=0.3)
    record = play(OptimisticPessimistic(scale=0.05, min_visits=0), problem, 300)
    assert record.fell_back.all()
    assert (
        episodes_to_leave(OptimisticPessimistic(scale=0.05, min_visits=0), problem, 300) == np.inf
    )
    outside, only, event = signatures(record)
    assert "not at most initial_gap=0.3" in outside
    assert "CertifiedStart" in outside
    assert "more would as well" in only
    assert "confidence event" in event
    milder = GapProblem(mdp, uniform_policy(mdp), tolerance=1.4, initial_gap=0.3)
    first = signatures(play(OptimisticPessimistic(), milder, 5))[0]
    assert "passes the fallback test later than promised" in first


def test_groups_too_different_for_any_policy_are_told_the_smallest_tolerance():
    mdp = torn_mdp()
    problem = GapProblem(mdp, uniform_policy(mdp), tolerance=1.0, initial_gap=0.5)
    record = play(CertaintyEquivalent(), problem, 6)
    none, outside, estimated = signatures(record)
    assert "smallest possible largest gap is 3," in none
    assert "initial policy's gap" in outside
    assert estimated.startswith("In 6 of 6 episodes no policy met")
    assert summary(record)["episodes_infeasible"] == 6
    assert summary(record)["violations"] == 6
    # The remedy works.
    looser = GapProblem(mdp, uniform_policy(mdp), tolerance=3.1, initial_gap=3.0)
    assert signatures(play(CertaintyEquivalent(), looser, 6)) == ()


def test_below_the_theorys_scale_a_clean_run_is_called_an_observation():
    record = play(OptimisticPessimistic(scale=1e-4, min_visits=0), two_task_river(), 30)
    (sentence,) = signatures(record)
    assert "is an observation" in sentence
    assert "scale=0.0001" in sentence


def test_a_broken_promise_does_not_go_unnoticed():
    """A record in which the event held and a bounded gap was too large."""
    record = play(OptimisticPessimistic(), two_task_river(), 5)
    J = record.J.copy()
    J[3, 1, 1] += 2.0
    broken = replace(record, J=J)
    assert summary(broken)["violations_under_event"] == 1
    assert signatures(broken)[-1].startswith("1 episodes exceeded the tolerance though")
    # A learner of the other task alone has promised nothing about this one.
    single = replace(broken, learner=OptimisticPessimistic(tasks=("predecessor",)))
    assert summary(single)["violations_under_event"] == 0


def test_a_start_is_certified_by_data_and_every_later_episode_keeps_the_tolerance():
    mdp = two_state_mdp()
    # Uniform actions have a gap of their own that nobody vouches for.
    problem = GapProblem(mdp, uniform_policy(mdp), tolerance=1.4, initial_gap=0.7)
    learner = CertifiedStart(OptimisticPessimistic(rule="hoeffding", replan="doubling"))
    run = GapRun(learner, problem, 20_000, seed=0)
    assert not run.state.certified
    record = run.advance().record()
    sought = record.reason == Reason.uncertified
    assert 0 < sought.sum() < len(sought)
    assert (np.diff(sought.astype(int)) <= 0).all()
    np.testing.assert_allclose(
        record.J[sought], np.broadcast_to(problem.initial_returns, record.J[sought].shape)
    )
    assert (record.event == 1).all()
    assert not record.violated[~sought].any()
    # The policy to fall back on has the gap it was certified for, by the true model.
    found = GapRun(learner, GapProblem(mdp, run.state.initial, 1.4, 0.7), 1, seed=0).problem
    assert np.ptp(found.initial_returns) <= 0.7
    assert run.state.certified
    assert signatures(record) == ()


def test_a_search_that_finds_no_start_says_that_nothing_is_known():
    mdp = two_state_mdp()
    problem = GapProblem(mdp, uniform_policy(mdp), tolerance=1.4, initial_gap=0.7)
    record = play(CertifiedStart(), problem, 200)
    (sentence,) = signatures(record)
    assert sentence.startswith("No policy was certified for initial_gap=0.7 in 200 episodes")
    assert summary(record)["episodes_uncertified"] == 200
    assert summary(record)["fallbacks"] == 0
