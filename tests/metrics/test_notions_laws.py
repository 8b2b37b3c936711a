"""The three notions of Jabbari et al. 2017 on logs, against their definitions pair by pair."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

import evenhand.metrics
from evenhand.core.errors import InputError
from evenhand.metrics import action_fairness, action_fairness_everywhere
from evenhand.metrics.notions_over_runs import violations_over_runs

NUM, S, A = 400, 5, 3
ALPHAS = (0.0, 0.01, 0.05, 0.2, 0.6, 5.0)


def by_definition(states, p, q, alpha, tie=1e-9, ptol=1e-12):
    """(fair, choice, action) per round: every pair of actions, as Definitions 2 to 4 read."""
    better = q[states][:, :, None] - q[states][:, None, :]
    behind = p[:, None, :] - p[:, :, None]
    pairs = (
        (better >= -tie) & (behind > ptol),
        (better >= -tie) & (behind > alpha + ptol),
        (better > alpha + tie) & (behind > ptol),
    )
    return [~broken.any((1, 2)) for broken in pairs]


def verdicts(log):
    return [log.fair, log.choice_fair, log.action_fair]


def models(seed=0, discount=0.7):
    """`(NUM, S, A, S)` moves and `(NUM, S)` rewards; a third of them with an action twice."""
    generator = np.random.default_rng(seed)
    moves = generator.dirichlet(np.ones(S), (NUM, S, A))
    moves[::3, :, 2] = moves[::3, :, 0]
    return moves, generator.random((NUM, S)), discount


def optimal(moves, rewards, discount, allowed=None):
    """`(NUM, S, A)` optimal values among the allowed actions, by value iteration."""
    value = np.zeros(rewards.shape)
    for _ in range(120):
        q = rewards[..., None] + discount * np.einsum("bsan,bn->bsa", moves, value)
        value = (q if allowed is None else np.where(allowed, q, -np.inf)).max(-1)
    return q


def evaluated(moves, rewards, discount, policy):
    P = np.einsum("bsa,bsan->bsn", policy, moves)
    return np.linalg.solve(np.eye(S) - discount * P, rewards[..., None])[..., 0]


def everywhere(policy, q, alpha):
    """A log that visits every state of every model once."""
    states = np.arange(len(q) * S)
    return action_fairness(states, policy.reshape(-1, A), q.reshape(-1, A), alpha)


def test_verdicts_are_those_of_the_definitions_pair_by_pair():
    generator = np.random.default_rng(1)
    for k in (1, 2, 3, 5, 9):
        q = np.round(generator.random((20, k)), 1)  # ties, and gaps of exactly alpha
        p = np.round(generator.random((NUM, k)), 1) + 0.1
        p /= p.sum(1, keepdims=True)
        states = generator.integers(20, size=NUM)
        for alpha in (*ALPHAS, 0.1, 0.3):
            log = action_fairness(states, p, q, alpha)
            for found, expected in zip(
                verdicts(log), by_definition(states, p, q, alpha), strict=True
            ):
                assert (found == expected).all()


def test_a_log_keeps_a_notion_at_alpha_exactly_from_its_smallest_alpha_on():
    generator = np.random.default_rng(2)
    q, p = generator.random((NUM, A)), generator.dirichlet(np.ones(A), NUM)
    states = np.arange(NUM)
    log = action_fairness(states, p, q, 0.0)
    assert log.smallest_choice == log.choice.max() > 0
    assert log.smallest_action == log.action.max() > 0
    assert (log.fair == (log.choice == 0)).all()
    for row in range(NUM):
        one = states[row : row + 1], p[row : row + 1], q
        for which, smallest in ((1, log.choice[row]), (2, log.action[row])):
            for alpha, kept in (
                (smallest, True),
                (smallest + 1e-6, True),
                (smallest - 1e-6, False),
            ):
                if alpha >= 0:
                    assert by_definition(*one, alpha)[which] == kept
                    assert verdicts(action_fairness(*one, alpha))[which] == kept


def test_raising_alpha_never_breaks_a_round_and_fair_rounds_keep_all_notions():
    generator = np.random.default_rng(3)
    q = np.round(generator.random((NUM, 4)), 1)  # ties, where 0-action fairness asks for nothing
    p = np.round(generator.dirichlet(np.ones(4), NUM), 1)
    p[:, -1] += 1 - p.sum(1)
    p = np.where(p.min(1, keepdims=True) < 0, 0.25, p)
    logs = [action_fairness(np.arange(NUM), p, q, alpha) for alpha in ALPHAS]
    for low, high in pairwise(logs):
        assert (low.choice_fair <= high.choice_fair).all()
        assert (low.action_fair <= high.action_fair).all()
    for log in logs:
        assert (log.fair <= log.choice_fair).all()
        assert (log.fair <= log.action_fair).all()
    assert (logs[0].fair == logs[0].choice_fair).all()
    assert 0 < logs[0].fair.sum() < logs[0].action_fair.sum() < logs[3].action_fair.sum() < NUM
    assert logs[-1].choice_fair.all()
    assert logs[-1].action_fair.all()


def test_new_names_of_actions_and_states_change_nothing():
    generator = np.random.default_rng(4)
    q, p = np.round(generator.random((NUM, A)), 1), generator.dirichlet(np.ones(A), NUM)
    log = action_fairness(np.arange(NUM), p, q, 0.1)
    order, names = generator.permutation(A), generator.permutation(NUM)
    renamed = np.empty_like(q)
    renamed[names] = q
    other = action_fairness(names, p[:, order], renamed[:, order], 0.1)
    assert np.allclose(log.choice, other.choice, atol=1e-15)
    assert np.allclose(log.action, other.action, atol=1e-15)


def test_mixtures_of_laws_that_keep_a_notion_keep_it():
    generator = np.random.default_rng(5)
    q = np.round(generator.random((40 * NUM, A)), 1)
    one, two = generator.dirichlet(np.ones(A), (2, len(q)))
    # Half of them sorted as the values are, so that many keep even the exact notion.
    one[::2] = np.take_along_axis(np.sort(one[::2]), q[::2].argsort(1).argsort(1), 1)
    two[::2] = np.take_along_axis(np.sort(two[::2]), q[::2].argsort(1).argsort(1), 1)
    share, where = generator.random((len(q), 1)), np.arange(len(q))
    logs = [action_fairness(where, p, q, 0.15) for p in (one, two, share * one + (1 - share) * two)]
    for a, b, mixed in zip(*map(verdicts, logs), strict=True):
        assert (a & b).sum() > NUM
        assert mixed[a & b].all()


def test_uniform_over_the_best_actions_is_fair_and_optimal_and_uniform_over_all_is_fair():
    world = models()
    q = optimal(*world)
    best = q >= q.max(-1, keepdims=True) - 1e-9
    policy = best / best.sum(-1, keepdims=True)
    assert everywhere(policy, q, 0.0).fair.all()
    assert np.allclose(evaluated(*world, policy), q.max(-1), atol=1e-9)
    flat = everywhere(np.full(q.shape, 1 / A), q, 0.0)
    assert all(found.all() for found in verdicts(flat))


def test_optimal_deterministic_policies_are_0_action_fair_but_not_always_fair():
    q = optimal(*models())
    chance = np.random.default_rng(6).random(q.shape)
    best = np.where(q >= q.max(-1, keepdims=True) - 1e-9, chance, -1).argmax(-1)
    log = everywhere(np.eye(A)[best], q, 0.0)
    assert log.action_fair.all()
    assert 0 < log.fair.sum() < log.fair.size  # a tie is broken


def test_laws_on_actions_within_alpha_of_the_best_are_alpha_action_fair_and_lose_nothing():
    world, generator = models(7), np.random.default_rng(7)
    q, before = optimal(*world), None
    for alpha in (0.0, 0.01, 0.05, 0.2):
        allowed = q >= q.max(-1, keepdims=True) - alpha - 1e-12
        law = np.where(allowed, generator.exponential(size=q.shape), 0.0)
        log = everywhere(law / law.sum(-1, keepdims=True), q, alpha)
        assert log.action_fair.all()
        restricted = np.where(allowed, optimal(*world, allowed), -np.inf)
        assert np.allclose(restricted.max(-1), q.max(-1), atol=1e-9)
        assert before is None or (before <= allowed).all()
        before = allowed
    assert not before.all()
    assert (q >= q.max(-1, keepdims=True) - world[2] / (1 - world[2])).all()


def test_actions_kept_by_estimates_within_a_quarter_of_alpha_are_near_best_and_hold_the_best():
    q, alpha = optimal(*models(8)), 0.08
    noise = np.random.default_rng(8).uniform(-alpha / 4, alpha / 4, q.shape)
    estimate = q + noise
    kept = estimate >= estimate.max(-1, keepdims=True) - alpha / 2
    assert (kept <= (q >= q.max(-1, keepdims=True) - alpha)).all()
    assert (kept >= (q == q.max(-1, keepdims=True))).all()
    assert 0 < kept.mean() < 1


def test_time_averages_of_values_near_the_stationary_law_as_lemmas_1_and_2_say():
    moves, rewards, discount = models(9)
    policy = np.random.default_rng(9).dirichlet(np.ones(A), (NUM, S))
    P = np.einsum("bsa,bsan->bsn", policy, moves)
    V = evaluated(moves, rewards, discount, policy)
    stationary = np.linalg.matrix_power(P, 2000)[:, 0]
    along = np.einsum("bs,bs->b", stationary, V)
    reward = np.einsum("bs,bs->b", stationary, rewards)
    assert np.allclose(reward, (1 - discount) * along, atol=1e-9)
    law, total = np.broadcast_to(np.eye(S), P.shape), np.zeros(P.shape)
    for steps in range(1, 30):
        total, law = total + law, law @ P
        mean = total / steps
        short = along[:, None] - np.einsum("bis,bs->bi", mean, V)
        distance = np.abs(mean - stationary[:, None]).sum(-1)
        assert (short <= distance / (1 - discount) + 1e-9).all()
    assert (short > 0).any()


def test_every_state_is_asked_and_the_worst_one_counts():
    generator = np.random.default_rng(10)
    q, tables = generator.random((S, A)), generator.dirichlet(np.ones(A), (50, S))
    found = action_fairness_everywhere(tables, q, 0.1)
    for t, table in enumerate(tables):
        one = action_fairness(np.arange(S), table, q, 0.1)
        asked = action_fairness_everywhere(lambda s, table=table: table[s], q, 0.1)
        assert found.choice[t] == one.smallest_choice == asked.choice[0]
        assert found.action[t] == one.smallest_action == asked.action[0]
        assert found.action_fair[t] == one.action_fair.all()


def test_runs_are_broken_by_one_round_and_bounded_exactly():
    q, good, bad = np.array([[0.0, 1.0]]), [0.4, 0.6], [0.6, 0.4]
    p = np.tile(good, (20, 10, 1))
    p[3, 4] = bad
    log = action_fairness(np.zeros((20, 10), int), p, q, 0.5)
    found = violations_over_runs(log, "action", delta=0.3)
    assert (found.num_broken, found.rate) == (1, 0.05)
    # P(at most 1 of 20) is 5% at the bound.
    u = found.upper
    assert (1 - u) ** 20 + 20 * u * (1 - u) ** 19 == pytest.approx(0.05)
    assert found.shown
    assert found.round_share.tolist() == [0.1 if r == 3 else 0 for r in range(20)]
    assert found.severity[3] == 1.0
    kept = violations_over_runs(log, "choice", delta=0.1)
    assert (kept.num_broken, kept.shown) == (0, False)
    assert kept.upper == pytest.approx(1 - 0.05 ** (1 / 20))
    assert kept.severity[3] == pytest.approx(0.2)


def test_an_empty_log_has_no_smallest_alpha():
    log = action_fairness(np.zeros(0, int), np.zeros((0, 2)), [[0.0, 1.0]], 0.1)
    assert np.isnan([log.smallest_choice, log.smallest_action]).all()


Q2 = [[0.0, 1.0], [1.0, 0.0]]


@pytest.mark.parametrize(
    ("states", "p", "q", "alpha", "sentence"),
    [
        ([0, 2], [[0.5, 0.5]] * 2, Q2, 0.1, "states must be 0 to 1.*got 2"),
        ([0, -1], [[0.5, 0.5]] * 2, Q2, 0.1, "states must be 0 to 1.*got -1"),
        ([0.5], [[0.5, 0.5]], Q2, 0.1, "whole numbers"),
        ([0], [[0.5, 0.6]], Q2, 0.1, r"in row 0, which adds up to 1\.1"),
        ([0], [[1.5, -0.5]], Q2, 0.1, "must be a distribution"),
        ([0], [[np.nan, 0.5]], Q2, 0.1, "must be a distribution"),
        ([0], [[0.2, 0.3, 0.5]], Q2, 0.1, "A = 2 as in q_values"),
        ([0, 1], [[0.5, 0.5]], Q2, 0.1, r"got\s+shapes \(2,\) and \(1, 2\)"),
        (0, [0.5, 0.5], Q2, 0.1, r"states must be \(T,\)"),
        ([0], [[0.5, 0.5]], [[np.nan, 0.0]], 0.1, "finite, got nan for state 0, action 0"),
        ([0], [[0.5, 0.5]], [0.0, 1.0], 0.1, r"q_values must be \(S, A\)"),
        ([0], [["a", 0.5]], Q2, 0.1, "array of numbers"),
        ([0], [[0.5, 0.5]], Q2, -0.1, "alpha must be a number of 0 or more, got -0.1"),
        ([0], [[0.5, 0.5]], Q2, float("nan"), "alpha must be"),
    ],
)
def test_a_log_that_cannot_be_read_is_refused_in_one_sentence(states, p, q, alpha, sentence):
    with pytest.raises(InputError, match=sentence):
        action_fairness(states, p, q, alpha)


def test_tables_and_runs_of_a_wrong_shape_are_refused():
    with pytest.raises(InputError, match="a table per round"):
        action_fairness_everywhere([[0.5, 0.5], [0.5, 0.5]], Q2, 0.1)
    log = action_fairness([0], [[0.5, 0.5]], Q2, 0.1)
    with pytest.raises(InputError, match=r"\(R, T\)"):
        violations_over_runs(log, "fair", 0.1)
    with pytest.raises(InputError, match="no notion 'fare'; did you mean 'fair'"):
        violations_over_runs(log, "fare", 0.1)
    with pytest.raises(InputError, match="delta must be between 0 and 1"):
        violations_over_runs(log, "fair", 0.0)


def test_the_notions_are_reached_from_the_package_and_without_jax():
    assert evenhand.metrics.action_fairness is action_fairness
    code = "import sys, evenhand.metrics; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
