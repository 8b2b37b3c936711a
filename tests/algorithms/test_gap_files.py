import numpy as np
import pytest
from gap_worlds import two_state_mdp, two_task_river

from evenhand.algorithms.certified_start import CertifiedStart
from evenhand.algorithms.gap_baselines import CertaintyEquivalent
from evenhand.algorithms.optimistic_pessimistic import OptimisticPessimistic
from evenhand.algorithms.parts.gap_file import load_run, save_run
from evenhand.algorithms.parts.gap_problem import GapProblem, uniform_policy
from evenhand.algorithms.parts.gap_run import GapRun
from evenhand.core.errors import InputError

SEARCH = CertifiedStart(OptimisticPessimistic(scale=0.1, min_visits=0, replan=3))


@pytest.mark.parametrize(
    "learner",
    [
        OptimisticPessimistic(scale=5e-4, min_visits=0),
        OptimisticPessimistic(scale=5e-4, min_visits=0, replan="doubling"),
        CertaintyEquivalent(replan=2),
        SEARCH,
    ],
    ids=["every", "doubling", "mle", "search"],
)
def test_a_run_continued_from_its_file_ends_bit_by_bit_as_one_that_never_stopped(learner, tmp_path):
    if learner is SEARCH:
        mdp = two_state_mdp()
        problem = GapProblem(mdp, uniform_policy(mdp), tolerance=1.4, initial_gap=0.7)
        num_episodes, stops = 600, (7, 400)
    else:
        problem, num_episodes, stops = two_task_river(), 80, (0, 37, 61)
    whole = GapRun(learner, problem, num_episodes, seed=3).advance()
    run, file = GapRun(learner, problem, num_episodes, seed=3), tmp_path / "run.npz"
    for stop in stops:
        save_run(run.advance(stop), file)
        run = load_run(file, learner, problem, num_episodes, seed=3)
        assert run.state.episode == stop
    run.advance()
    for name in ("J", "reason", "event", "planned", "counts", "policy", "initial"):
        np.testing.assert_array_equal(getattr(run.state, name), getattr(whole.state, name))
    assert run.state.rng.random() == whole.state.rng.random()
    assert run.state.certified == whole.state.certified
    assert len(set(whole.state.reason.tolist())) > 1 or isinstance(learner, CertaintyEquivalent)


def test_a_file_of_another_run_or_of_nothing_is_refused(tmp_path):
    river, file = two_task_river(), tmp_path / "run.npz"
    learner = OptimisticPessimistic()
    save_run(GapRun(learner, river, 30, seed=0).advance(5), file)
    for other in (
        (OptimisticPessimistic(scale=0.5, min_visits=0), river, 30, 0),
        (learner, two_task_river(tolerance=1.2), 30, 0),
        (learner, river, 31, 0),
        (learner, river, 30, 1),
    ):
        with pytest.raises(InputError, match="give the same settings"):
            load_run(file, *other)
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(InputError, match="delete it"):
        load_run(file, learner, river, 30, 0)
    with pytest.raises(InputError, match="delete it"):
        load_run(tmp_path / "none.npz", learner, river, 30, 0)


def test_progress_is_told_between_episodes_where_a_run_can_be_saved(tmp_path):
    river, told = two_task_river(), []
    run = GapRun(OptimisticPessimistic(), river, 25, seed=0)

    def progress(episode, num_episodes):
        told.append((episode, num_episodes))
        save_run(run, tmp_path / "run.npz")

    run.advance(until=4)
    run.advance(progress=progress, progress_every=10)
    assert told == [(10, 25), (20, 25), (25, 25)]
    assert (
        load_run(tmp_path / "run.npz", OptimisticPessimistic(), river, 25, 0).record().J.shape[0]
        == 25
    )
