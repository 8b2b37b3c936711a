"""RestrictedE3 on 400 random models at once: a run of the batch for each, none of which it shares.

Learners read sizes and the discount of a problem only, so the models differ in everything else.
"""

from functools import cached_property

import numpy as np
import pytest

from evenhand.algorithms.e3 import E3
from evenhand.algorithms.parts.action_learner import Mode
from evenhand.algorithms.parts.action_problem import ActionProblem
from evenhand.algorithms.restricted_e3 import RestrictedE3
from evenhand.metrics import action_fairness
from evenhand.tabular.restricted import action_mask, q_values

N, S, A, GAMMA, ALPHA, STEPS = 400, 3, 2, 0.5, 0.08, 260
RUNS = np.arange(N)
PLAIN = {"alpha": ALPHA, "eps": 0.2, "m_q": 4, "horizon": 4, "mixing_time": 2}


class Models(ActionProblem):
    """400 problems of one size; the oracle's values are those of each."""

    @cached_property
    def q_values(self):
        rewards = MODELS[1]
        return q_values(MODELS[0], rewards, GAMMA)


def drawn_models():
    """`(N, S, A, S)` moves and `(N, S)` rewards; every policy is ergodic."""
    rng = np.random.default_rng(21)
    moves = 0.9 * rng.dirichlet(np.full(S, 0.5), (N, S, A)) + 0.1 / S
    return moves, rng.random((N, S))


MODELS = drawn_models()
PROBLEM = Models(MODELS[0][0], MODELS[1][0], np.full(S, 1 / S), GAMMA)


class Played:
    """What 400 runs did, one per model: the loop of the library, with a model for each run."""

    def __init__(self, learner, seed=0, steps=STEPS):
        rng, states = np.random.default_rng(seed), RUNS % S
        self.batch = batch = learner.start(PROBLEM, N)
        rows, parts = MODELS[0].cumsum(-1), []
        for _ in range(steps):
            noise = rng.random((3, N))
            tables = batch.dists()
            known, mask = batch.known.copy(), batch.mask.copy()
            model = (batch.transition.copy(), batch.reward.copy())
            made = batch.act(states, noise[0])
            paid = (noise[1] < MODELS[1][RUNS, states]) * 1.0
            after = (noise[2][:, None] >= rows[RUNS, states, made.actions]).sum(-1)
            after = np.minimum(after, S - 1)
            parts.append((states, made.actions, made.laws, made.modes, tables, known, mask, *model))
            batch.observe(states, made.actions, paid, after)
            states = after
        names = ("states", "actions", "laws", "modes", "tables", "known", "mask", "model", "reward")
        for name, part in zip(names, zip(*parts, strict=True), strict=True):
            setattr(self, name, np.stack(part))


@pytest.fixture(scope="module")
def played():
    return Played(RestrictedE3(**PLAIN))


def test_with_true_masks_no_model_sees_a_violation_in_any_state_of_any_round():
    played = Played(RestrictedE3(**PLAIN | {"m_q": 1}, estimator="oracle"))
    q = PROBLEM.q_values
    for tables, states in ((played.tables, None), (played.laws, played.states)):
        where = RUNS[:, None] * S + np.arange(S) if states is None else RUNS * S + states
        where = np.broadcast_to(where, tables.shape[:-1])
        found = action_fairness(where, tables, q.reshape(-1, A), ALPHA)
        assert found.action_fair.all()
        assert not found.fair.all()
    # Something was at stake: most models have an action that must not be preferred, and the runs
    # leave uniform play.
    assert (np.ptp(q, axis=-1) > ALPHA).any(-1).mean() > 0.5
    assert (played.modes != Mode.exploring_freely).mean() > 0.5


def test_with_estimated_masks_violations_are_at_known_states_only(played):
    where = np.broadcast_to(RUNS[:, None] * S + np.arange(S), played.tables.shape[:-1])
    broken = ~action_fairness(
        where, played.tables, PROBLEM.q_values.reshape(-1, A), ALPHA
    ).action_fair
    assert broken.any(), "m_q was too large for the test to see anything"
    assert played.known[broken].all()


def test_random_mode_is_exactly_uniform_and_the_rest_keeps_to_the_mask(played):
    free = played.modes == Mode.exploring_freely
    assert free.any(0).all()
    assert (~free).any(0).all()
    assert (played.laws[free] == 1 / A).all()
    steps = np.arange(STEPS)[:, None]
    mask = played.mask[steps, RUNS, played.states]
    assert (played.laws[~free][~mask[~free]] == 0).all()
    assert played.known[steps, RUNS, played.states][~free].all()


def test_known_states_only_become_more_and_trajectories_end_at_m_q(played):
    assert (played.known[:-1] <= played.known[1:]).all()
    assert (played.batch.trajectories <= 4).all()
    assert np.array_equal(played.batch.trajectories == 4, played.batch.known)
    assert played.batch.known.any(-1).all()


def test_a_frozen_row_never_changes_and_another_does(played):
    both = played.known[:-1] & played.known[1:]
    for kept in (played.model, played.reward, played.mask):
        assert (kept[:-1][both] == kept[1:][both]).all()
    free = Played(RestrictedE3(**PLAIN, freeze=False))
    both = free.known[:-1] & free.known[1:]
    assert (free.reward[:-1][both] != free.reward[1:][both]).any()


def test_the_same_seed_is_the_same_log_and_another_is_not(played):
    again, other = Played(RestrictedE3(**PLAIN)), Played(RestrictedE3(**PLAIN), seed=1)
    for name in ("states", "actions", "laws", "modes", "known", "mask"):
        assert np.array_equal(getattr(played, name), getattr(again, name)), name
    assert (played.states != other.states).any(0).all()


@pytest.mark.parametrize("alpha", [0.0, 2 * GAMMA / (1 - GAMMA)])
def test_a_tiny_alpha_leaves_the_best_estimate_and_a_huge_one_plans_like_e3(alpha):
    played = Played(RestrictedE3(**PLAIN | {"alpha": alpha}, freeze=False))
    batch = played.batch
    if alpha == 0:
        found = q_values(batch.transition, batch.reward, GAMMA)
        best = action_mask(found, 0.0)
        assert np.array_equal(batch.mask[batch.known], best[batch.known])
        return
    assert batch.mask.all()
    rival = E3(m=4, eps=0.2, mixing_time=2).start(PROBLEM, N)
    rival.known[:], rival.transition[:], rival.reward[:] = (
        batch.known, batch.transition, batch.reward,
    )  # fmt: skip
    rival._plan(RUNS)
    for name in ("escape", "_explore", "_exploit", "_choice"):
        ours, theirs = getattr(batch, name), getattr(rival, name)
        assert np.array_equal(ours, theirs), name
