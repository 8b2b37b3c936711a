"""RestrictedE3 and its rivals: what their logs promise, whatever the problem."""

import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats

from evenhand.algorithms.boltzmann import Boltzmann
from evenhand.algorithms.e3 import E3
from evenhand.algorithms.interval_certified import IntervalCertified, certified_set
from evenhand.algorithms.parts.action_counts import ActionCounts
from evenhand.algorithms.parts.action_learner import Mode
from evenhand.algorithms.parts.action_problem import ActionProblem, action_problem
from evenhand.algorithms.parts.action_run import run_actions
from evenhand.algorithms.parts.e3_constants import horizon_time, theory_constants
from evenhand.algorithms.parts.importance_q import deterministic_policies, trajectory_values
from evenhand.algorithms.parts.mixing_phases import MixingPhases
from evenhand.algorithms.parts.value_intervals import HoeffdingRadius, ValueIntervals
from evenhand.algorithms.r_max import RMax
from evenhand.algorithms.restricted_e3 import RestrictedE3
from evenhand.algorithms.tabular_q_learning import QLearning
from evenhand.algorithms.ucb_vi import UCBVI
from evenhand.algorithms.uniform_play import UniformPlay
from evenhand.core.errors import InputError
from evenhand.metrics.notions import action_fairness
from evenhand.tabular.families import chain
from evenhand.tabular.random_families import ergodic_random, trap
from evenhand.tabular.restricted import action_mask, discounted_plan

ALPHA = 0.2
LEARNERS = [
    RestrictedE3(alpha=ALPHA, m_q=3),
    RestrictedE3(alpha=ALPHA, m_q=3, mixing_time="doubling", phase_steps=50, freeze=False),
    E3(m=5),
    RMax(m=5),
    UCBVI(),
    Boltzmann(),
    UniformPlay(),
    IntervalCertified(alpha=ALPHA, scale=0.1),
    QLearning(),
]
NAMES = [f"{type(one).__name__}-{i}" for i, one in enumerate(LEARNERS)]


@pytest.fixture(scope="module")
def problem():
    return action_problem(trap())


def batch_of(learner, problem, num_steps, seeds):
    """The learner's batch after the run, and the log."""
    kept = []

    class Keeping(type(learner)):
        def start(self, *args):
            kept.append(super().start(*args))
            return kept[0]

    made = Keeping(**{name: getattr(learner, name) for name in learner.__dataclass_fields__})
    log = run_actions(made, problem, num_steps, seeds)
    return kept[0], log


@pytest.mark.parametrize("learner", LEARNERS, ids=NAMES)
def test_a_run_among_others_is_the_run_alone_and_a_seed_its_log(learner, problem):
    many = run_actions(learner, problem, 700, [3, 4, 5])
    for i, seed in enumerate([3, 4, 5]):
        alone = run_actions(learner, problem, 700, [seed])
        for part in ("states", "actions", "laws", "rewards", "modes", "num_known"):
            assert np.array_equal(getattr(alone, part)[:, 0], getattr(many, part)[:, i]), part
    other = run_actions(learner, problem, 700, [6]).states[:, 0]
    assert not np.array_equal(other, many.states[:, 0])


@pytest.mark.parametrize("learner", LEARNERS, ids=NAMES)
def test_laws_asked_for_at_all_states_are_those_played_and_asking_changes_nothing(learner, problem):
    asked = []
    heard = run_actions(learner, problem, 250, [0, 1], audit=lambda t, laws: asked.append(laws))
    plain = run_actions(learner, problem, 250, [0, 1])
    assert np.array_equal(heard.laws, plain.laws)
    assert np.array_equal(heard.states, plain.states)
    laws = np.stack(asked)
    assert np.abs(laws.sum(-1) - 1).max() < 1e-12
    steps, runs = np.ix_(range(250), range(2))
    at = laws[steps, runs, plain.states]
    assert np.array_equal(at.astype(np.float32), plain.laws)


@pytest.mark.parametrize("learner", LEARNERS, ids=NAMES)
def test_actions_are_drawn_from_the_laws_and_states_from_the_problem(learner, problem):
    log = run_actions(learner, problem, 1200, range(8))
    chance = np.take_along_axis(log.laws, log.actions[..., None].astype(int), -1)[..., 0]
    assert (chance > 0).all()
    # Expected minus seen, over standard deviations: a martingale's sum is near normal.
    off = (log.actions[..., None] == np.arange(3)) - log.laws.astype(float)
    spread = np.sqrt((log.laws * (1.0 - log.laws)).sum((0, 1)))
    assert (np.abs(off.sum((0, 1))) <= 5 * spread + 0.01).all()
    move = problem.transition[log.states[:-1], log.actions[:-1]]
    seen = np.eye(8)[log.states[1:]]
    spread = np.sqrt((move * (1 - move)).sum((0, 1)))
    assert (np.abs((seen - move).sum((0, 1))) <= 5 * spread).all()
    mean = problem.reward[log.states]
    assert abs((log.rewards - mean).sum()) <= 5 * np.sqrt((mean * (1 - mean)).sum())


def test_random_mode_is_exactly_uniform_and_the_rest_keeps_to_the_mask(problem):
    learner = RestrictedE3(alpha=ALPHA, m_q=3)
    batch, log = batch_of(learner, problem, 3000, range(5))
    free = log.modes == Mode.exploring_freely
    assert free.any()
    assert (~free).any()
    assert (log.laws[free] == np.float32(1 / 3)).all()
    runs = np.broadcast_to(np.arange(5), log.states.shape)
    masks = batch.mask[runs, log.states]
    assert (log.laws[~free][~masks[~free]] == 0).all()
    # States were known when they were played: rows are frozen, so the last mask is that of then.
    assert batch.known[runs, log.states][~free].all()


def test_known_states_only_become_more_and_trajectories_stop_at_m_q(problem):
    batch, log = batch_of(RestrictedE3(alpha=ALPHA, m_q=4), problem, 4000, range(5))
    assert (np.diff(log.num_known, axis=0) >= 0).all()
    assert (batch.trajectories <= 4).all()
    assert np.array_equal(batch.trajectories == 4, batch.known)
    assert log.num_known[-1].min() > 0


def test_trajectories_last_the_horizon_and_plans_stop_at_unknown_states(problem):
    learner = RestrictedE3(alpha=ALPHA, m_q=2, horizon=7)
    batch, log = batch_of(learner, problem, 4000, range(6))
    for run in range(6):
        free = log.modes[:, run] == Mode.exploring_freely
        edges = np.flatnonzero(np.diff(np.concatenate([[0], free, [0]])))
        lengths = edges[1::2] - edges[::2]
        assert (lengths[edges[1::2] < 4000] % 7 == 0).all()
        total = free.sum()
        assert total == 7 * batch.trajectories[run].sum() or free[-1]


def test_frozen_rows_never_change_and_others_do(problem):
    early, _ = batch_of(RestrictedE3(alpha=ALPHA, m_q=3), problem, 500, range(4))
    late, _ = batch_of(RestrictedE3(alpha=ALPHA, m_q=3), problem, 4000, range(4))
    assert early.known.any()
    assert not early.known.all()
    for name in ("transition", "reward", "mask"):
        then, now = getattr(early, name), getattr(late, name)
        assert np.array_equal(then[early.known], now[early.known])
    free = RestrictedE3(alpha=ALPHA, m_q=3, freeze=False)
    early, _ = batch_of(free, problem, 500, range(4))
    late, _ = batch_of(free, problem, 4000, range(4))
    assert not np.array_equal(early.reward[early.known], late.reward[early.known])


@pytest.mark.parametrize("model", ["trap", "random", "chain"])
def test_with_the_true_values_no_run_ever_violates_alpha_action_fairness(model):
    made = {"trap": trap, "random": ergodic_random, "chain": lambda: chain(5)}
    problem = action_problem(made[model](8) if model == "random" else made[model]())
    gaps = problem.q_values.max(-1, keepdims=True) - problem.q_values
    alpha = float(np.quantile(gaps[gaps > 1e-9], 0.4))
    learner = RestrictedE3(alpha=alpha, m_q=1, estimator="oracle", eps=0.2)
    laws, states = [], []
    log = run_actions(learner, problem, 2000, range(8), audit=lambda t, played: laws.append(played))
    every = np.stack(laws)
    for state in range(problem.num_states):
        states = np.full(every.shape[:2], state)
        found = action_fairness(states, every[:, :, state], problem.q_values, alpha)
        assert found.action_fair.all()
    assert (log.modes != Mode.exploring_freely).mean() > 0.3


def test_a_tiny_alpha_leaves_the_best_estimate_and_a_huge_one_everything(problem):
    tiny, _ = batch_of(RestrictedE3(alpha=0, m_q=3), problem, 4000, range(3))
    assert (tiny.mask[tiny.known].sum(-1) == 1).all()
    huge, _ = batch_of(RestrictedE3(alpha=100, m_q=3), problem, 4000, range(3))
    assert huge.mask.all()
    assert huge.known.any()


def test_with_a_huge_alpha_it_plans_like_e3(problem):
    # The same knowledge put into both: then plans, escapes and choices are the same.
    rng = np.random.default_rng(0)
    batches = [
        RestrictedE3(alpha=100, m_q=3).start(problem, 4),
        E3(m=3).start(problem, 4),
    ]
    known = rng.random((4, 8)) < 0.6
    for batch in batches:
        batch.known[:] = known
        batch.transition[:] = problem.transition
        batch.reward[:] = problem.reward
        batch._plan(np.arange(4))
    ours, theirs = batches
    for name in ("escape", "_explore", "_exploit", "_choice"):
        assert np.array_equal(getattr(ours, name), getattr(theirs, name)), name


def test_balanced_wandering_takes_the_action_tried_least(problem):
    log = run_actions(E3(m=6), problem, 400, [0])
    tried = np.zeros((8, 3), int)
    for state, action, mode in zip(
        log.states[:, 0], log.actions[:, 0], log.modes[:, 0], strict=True
    ):
        if mode == Mode.exploring_freely:
            assert tried[state, action] == tried[state].min()
        tried[state, action] += 1


def long_run_reward(problem, actions):
    """Mean reward of a step in the long run under each `(..., S)` of actions."""
    move = problem.transition[np.arange(problem.num_states), actions]
    return np.linalg.matrix_power(move, 4000)[..., 0, :] @ problem.reward


def gains_from_draws(problem, m, num):
    """What plans earn that are made from m independent draws of every state and action."""
    rng, shape = np.random.default_rng(1), (num, *problem.transition.shape[:2])
    moves = rng.multinomial(m, problem.transition, shape) / m
    visits = m * problem.num_actions
    rewards = rng.binomial(visits, problem.reward, shape[:2]) / visits
    plan = discounted_plan(moves, np.ones(shape, bool), rewards, problem.discount)
    return long_run_reward(problem, plan.actions)


@pytest.mark.parametrize("kind", [E3, RMax])
def test_once_all_is_known_plans_earn_what_plans_from_m_draws_earn(kind):
    # No fixed tolerance: a plan from m draws is not optimal, and by how much is computed.
    m, runs, steps, eta = 5, 60, 900, 0.3
    problem = action_problem(ergodic_random(5, 3, eta, seed=2))
    batch, log = batch_of(kind(m=m), problem, steps, range(runs))
    asked = batch.dists()
    if kind is E3:
        assert (log.num_known[-1] == 5).all()
    assert (batch.counts.visits.min((1, 2)) >= m).all()
    expected = gains_from_draws(problem, m, 2000)
    found = long_run_reward(problem, asked.argmax(-1))
    error = 5 * expected.std() * np.sqrt(1 / runs + 1 / 2000)
    assert found.mean() > expected.mean() - error
    assert expected.mean() < problem.best_gain - 2 * error / 5, "nothing was lost to chance"
    if kind is E3:  # R-max's last plan has more draws than m of what it visited meanwhile
        assert found.mean() < expected.mean() + error
    # What is earned from then on: rewards are 0 or 1, and every policy forgets its start at rate
    # 1 - eta, so that autocovariances add up to (1 - eta) / eta times the variance at most.
    last = 500
    spread = np.sqrt(0.25 * (1 + 2 * (1 - eta) / eta) / (last * runs))
    earned = log.rewards[-last:].mean()
    assert abs(earned - found.mean()) < 5 * spread + 1 / (eta * last)


def test_the_best_gain_is_that_of_a_long_run_of_the_optimum(problem):
    rng, state, earned = np.random.default_rng(0), 0, 0.0
    rows = problem.transition.cumsum(-1)
    for _ in range(40_000):
        action = rng.choice(3, p=problem.optimal_actions[state])
        state = int((rng.random() >= rows[state, action]).sum())
        earned += problem.reward[state]
    assert abs(earned / 40_000 - problem.best_gain) < 0.01
    assert abs(problem.best_value * (1 - problem.discount) - problem.best_gain) < 1e-9  # Lemma 2


def test_reusable_trajectories_estimate_every_policy_without_bias():
    # All k^H equally likely action sequences in a certain world: the mean is the expectation.
    rng, S, A, H, gamma = np.random.default_rng(2), 3, 2, 5, 0.6
    to, reward = rng.integers(S, size=(S, A)), rng.random(S)
    actions = deterministic_policies(H, A)
    states = np.zeros_like(actions)
    states[:, 0] = 1
    for t in range(1, H):
        states[:, t] = to[states[:, t - 1], actions[:, t - 1]]
    policies = deterministic_policies(S, A)
    found = trajectory_values(states, actions, reward[states], policies, A, gamma)
    for policy, row in zip(policies, found, strict=True):
        for first in range(A):
            at, value, action = 1, 0.0, first
            for t in range(H):
                value += gamma**t * reward[at]
                at = to[at, action]
                action = policy[at]
            assert abs(value - row[first]) < 1e-12


def test_the_importance_sampling_learner_finds_the_best_actions_of_a_tiny_problem():
    problem = action_problem(ergodic_random(3, 2, seed=4, discount=0.5))
    learner = RestrictedE3(alpha=0.1, m_q=800, horizon=3, estimator="importance-sampling")
    batch, _ = batch_of(learner, problem, 8000, range(2))
    gaps = np.sort(problem.q_values.max(-1, keepdims=True) - problem.q_values, -1)[:, 1]
    judged = batch.known & (gaps > 0.1)
    assert judged.sum() >= 2
    best = action_mask(problem.q_values, 0.0)
    assert (batch.mask | ~best)[judged].all()


def test_no_certified_set_breaks_the_notion_for_any_values_within_the_bounds():
    rng = np.random.default_rng(5)
    lower = rng.random((500, 4))
    upper = lower + rng.exponential(0.3, (500, 4))
    chosen = certified_set(lower, upper, 0.1)
    assert chosen.any(-1).all()
    assert not chosen.all()
    for _ in range(50):
        q = lower + (upper - lower) * rng.integers(0, 2, (500, 4))
        better = q[:, :, None] > q[:, None, :] + 0.1
        assert not (better & chosen[:, None, :] & ~chosen[:, :, None]).any()


def test_value_bounds_hold_and_learners_that_need_them_keep_their_word():
    # Both states can be chosen from both, and one of them pays: gaps of 0.5.
    move = np.broadcast_to(np.eye(2), (2, 2, 2)).copy()
    problem = ActionProblem(move, np.array([1.0, 0.0]), np.array([0.5, 0.5]), 0.5)
    learner = IntervalCertified(alpha=0.2, num_steps=4000)
    log = run_actions(learner, problem, 4000, range(10))
    found = action_fairness(log.states, log.laws, problem.q_values, 0.2)
    assert found.action_fair.all()
    assert (log.laws == 0).any(), "nothing was certified, so nothing was tested"
    counts = ActionCounts(10, 2, 2)
    runs = np.arange(10)
    for t in range(3999):
        counts.add(log.states[t], log.actions[t], log.rewards[t],
                   log.states[t + 1])  # fmt: skip
        if t in (0, 10, 100, 1000, 3998):
            bounds = ValueIntervals(HoeffdingRadius(4, 0.1, 1.0, 4000), 0.5, (10, 2, 2))
            bounds.tighten(counts, runs)
            assert (bounds.lower <= problem.q_values + 1e-9).all()
            assert (bounds.upper >= problem.q_values - 1e-9).all()
    assert (bounds.upper - bounds.lower).max() < 1


def test_phases_double_the_mixing_time_and_grow():
    phases = MixingPhases("doubling", phase_steps=10, growth=4)
    assert [phases.at(t) for t in (0, 9, 10, 49, 50, 209, 210)] == [1, 1, 2, 2, 4, 4, 8]
    assert [phases.end(t) for t in (0, 10, 50)] == [10, 50, 210]
    last = phases.at(10**9)
    assert last == phases.largest
    assert phases.end(10**9) == -1
    assert MixingPhases(7).at(10**6) == 7


def test_the_theory_s_constants_are_those_of_the_formulas():
    found = theory_constants(3, 2, 0.5, 0.2, 0.2, 5)
    assert found.horizon == horizon_time(0.2, 0.5) == 4
    assert 0.5**4 / 0.5 <= 0.2 < 0.5**3 / 0.5
    assert found.m_2 == pytest.approx(3**4 * 4**8 / 0.2**4 * np.log(30))
    assert found.m_q == 2 * max(found.m_1, found.m_2)
    assert found.num_explorations == pytest.approx(5 * 3 * found.m_q / 0.2 * np.log(30))
    assert found.exploring_steps == pytest.approx(5.8e13, rel=0.01)
    assert found.total_steps == pytest.approx(found.exploring_steps / 0.2)
    assert "asks for 6e+13 steps" in found.sentence(30_000)
    assert "this run has 3e+04" in found.sentence(30_000)
    huge = theory_constants(8, 3, 0.9, 0.1, 0.1, 20)
    assert huge.m_q == 3 * huge.m_1 > 1e28
    assert huge.exploring_steps == pytest.approx(6e33, rel=0.02)


def test_as_many_tries_as_chernoff_asks_for_have_enough_escapes_among_them():
    # The exact chance of fewer, by the binomial law, for problems small enough for it.
    for n, eps, T, delta in ((3, 0.2, 5, 0.1), (5, 0.5, 2, 0.05)):
        found = theory_constants(n, 2, 0.3, eps, 1.0, T, delta)
        tries, needed = math.ceil(found.explicit_explorations), math.ceil(n * found.m_q)
        assert scipy.stats.binom.cdf(needed - 1, tries, eps / (4 * T)) <= delta / 4


def test_scales_of_the_theory_decide_when_no_number_is_given(problem):
    learner = RestrictedE3(alpha=1.0, eps=0.5, scale_m1=1e-12, scale_m2=1e-12)
    fewer = replace(learner, scale_m2=0.5e-12).trajectories(problem)
    assert learner.trajectories(problem) >= 2 * fewer - 1 > 1


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: RestrictedE3(estimator="certainty"), "did you mean 'certainty-equivalence'"),
        (lambda: RestrictedE3(alpha=-1), "alpha must be 0 or more, got -1"),
        (lambda: RestrictedE3(m_q=0), "m_q must be 1 or more, or not given, got 0"),
        (lambda: RestrictedE3(mixing_time="double"), "mixing_time must be 'doubling' or 1 or more"),
        (lambda: E3(m=0), "m must be 1 or more"),
        (lambda: QLearning(epsilon=2), "epsilon must lie from 0 to 1"),
        (lambda: Boltzmann(temperature=0), "temperature must be positive"),
        (lambda: UCBVI(scale=-1), "scale must be 0 or more"),
        (lambda: horizon_time(0, 0.5), "eps and the discount must lie between 0 and 1"),
    ],
)
def test_what_means_nothing_is_refused(make, sentence):
    with pytest.raises(InputError, match=sentence):
        make()


def test_importance_sampling_refuses_what_it_cannot_value(problem):
    learner = RestrictedE3(m_q=5, estimator="importance-sampling")
    with pytest.raises(InputError, match=r"values each of 3\^8 policies"):
        learner.start(problem, 1)


def test_problems_that_are_not_of_this_kind_are_refused():
    mdp = trap()
    rewards = mdp.rewards.copy()
    rewards[0, 0, 1] = 0.3
    with pytest.raises(InputError, match="rewards must belong to states"):
        action_problem(replace(mdp, rewards=rewards))
    with pytest.raises(InputError, match="discount"):
        action_problem(replace(mdp, discount=1.0))


def test_a_problem_knows_its_sizes():
    problem = ActionProblem(np.ones((1, 2, 1)), np.array([0.5]), np.ones(1), 0.5)
    assert (problem.num_states, problem.num_actions) == (1, 2)
    assert problem.best_gain == pytest.approx(0.5)
    assert np.allclose(problem.q_values, 1.0)
