"""The families of problems on 400 drawn sizes, discounts and alphas each; solved a second time."""

import numpy as np
import pytest

from evenhand.metrics import action_fairness, action_fairness_everywhere
from evenhand.tabular.certified_actions import CertifiedActions, steps_to_last
from evenhand.tabular.families import (
    chain,
    chain_gap,
    chain_value,
    costly_chain,
    costly_value,
    longest_costly_chain,
)
from evenhand.tabular.lower_bound import ahead_chance, hitting_time
from evenhand.tabular.random_families import ergodic_random, trap

N = 400


def swept(mdp):
    """`(S, A)` optimal values by value iteration to rounding: no equation is solved."""
    moves, reward, gamma = mdp.transition[0], mdp.rewards[0, :, :, 0], mdp.discount
    value = np.zeros(len(reward))
    for _ in range(int(np.ceil(np.log(1e-13 * (1 - gamma)) / np.log(gamma)))):
        value = (reward + gamma * moves @ value).max(1)
    return reward + gamma * moves @ value


def chains(seed):
    """400 times (n, k, discount)."""
    rng = np.random.default_rng(seed)
    sizes = zip(rng.integers(2, 15, N), rng.integers(2, 5, N), strict=True)
    return [(int(n), int(k), g) for (n, k), g in zip(sizes, rng.uniform(0.3, 0.93, N), strict=True)]


def test_closed_forms_of_the_chain_hold_at_every_size_and_all_actions_tie_at_one_half():
    x = np.random.default_rng(1).uniform(0.5, 1.0, N)
    for (n, k, discount), last in zip(chains(1), x, strict=True):
        q = swept(chain(n, k, discount, last))
        assert np.allclose(q.max(1), chain_value(n, discount, last), atol=1e-10)
        assert np.allclose(q[:, -1] - q[:, 0], chain_gap(n, discount, last), atol=1e-10)
        assert np.allclose(swept(chain(n, k, discount, 0.5)), 0.5 / (1 - discount), atol=1e-10)


def test_the_mean_time_to_the_last_state_solves_its_equations_at_every_chance():
    rng = np.random.default_rng(2)
    for n, chance in zip(rng.integers(2, 13, N), rng.uniform(0.25, 0.95, N), strict=True):
        inside = np.zeros((n - 1, n - 1))
        inside[:, 0] = 1 - chance
        inside[np.arange(n - 2), np.arange(1, n - 1)] += chance
        solved = np.linalg.solve(np.eye(n - 1) - inside, np.ones(n - 1))[0]
        assert hitting_time(int(n), chance) == pytest.approx(solved, rel=1e-8)


def test_uniform_until_the_end_is_seen_is_fair_on_both_chains_of_every_size():
    for n, k, discount in chains(3):
        before, after = np.full((n, k), 1 / k), np.full((n, k), 1 / k)
        after[-1] = np.eye(k)[-1]
        for x, tables in ((0.5, [before]), (1.0, [before, after])):
            log = action_fairness_everywhere(tables, swept(chain(n, k, discount, x)), 0.0, tie=1e-9)
            assert log.fair.all()


def test_the_most_hopeful_choice_fair_law_uses_up_every_alpha_exactly():
    alphas = np.random.default_rng(4).uniform(0, 0.9, N)
    for (n, k, discount), alpha in zip(chains(4), alphas, strict=True):
        ahead = ahead_chance(k, alpha)
        p = np.array([*[(1 - ahead) / (k - 1)] * (k - 1), ahead])
        states, laws = np.arange(n), np.tile(p, (n, 1))
        log = action_fairness(states, laws, swept(chain(n, k, discount, 0.5)), alpha, tie=1e-9)
        assert log.choice_fair.all()
        assert log.choice == pytest.approx(np.full(n, alpha), abs=1e-12)


def costly(seed):
    """400 times (n, k, discount, alpha) at which the notion binds in both directions."""
    rng = np.random.default_rng(seed)
    while True:
        discount, alpha = rng.uniform(0.6, 0.95), rng.uniform(0.01, 0.2)
        longest = longest_costly_chain(alpha, discount)
        if longest >= 2:
            yield int(rng.integers(2, longest + 1)), int(rng.integers(2, 4)), discount, alpha


def test_on_every_costly_chain_each_direction_is_better_by_more_than_alpha():
    for (n, k, discount, alpha), _ in zip(costly(5), range(N), strict=False):
        good, bad = (swept(costly_chain(n, alpha, k, discount, x)) for x in (1.0, 0.0))
        assert (good[:, -1:] - good[:, :-1] > alpha).all()
        assert (bad[:-1, :-1] - bad[:-1, -1:] > alpha).all()
        assert np.allclose(good.max(1), costly_value(n, alpha, discount), atol=1e-9)


def test_only_equal_chances_keep_alpha_action_fairness_on_both_costly_chains():
    rng = np.random.default_rng(6)
    for (n, k, discount, alpha), _ in zip(costly(6), range(N), strict=False):
        laws = rng.dirichlet(np.ones(k), n)  # never exactly equal
        laws[:, -1] = rng.permuted(laws[:, -1])
        laws /= laws.sum(1, keepdims=True)
        kept = []
        for x in (0.0, 1.0):
            q = swept(costly_chain(n, alpha, k, discount, x))
            ahead = laws[:, -1:] >= laws[:, :-1]
            log = action_fairness(np.arange(n), laws, q, alpha)
            kept.append(log.action_fair)
            asked = ahead.all(1) if x else (~ahead | (laws[:, -1:] == laws[:, :-1])).all(1)
            assert (log.action_fair[:-1] == asked[:-1]).all()
        assert not (kept[0] & kept[1])[:-1].any()


def test_in_every_trap_the_detour_is_the_worst_choice_of_a_good_state_and_all_is_reached():
    rng = np.random.default_rng(7)
    for discount, slip in zip(rng.uniform(0.5, 0.95, N), rng.uniform(0.005, 0.1, N), strict=True):
        mdp = trap(discount, slip)
        q = swept(mdp)
        assert (q[:4, 2] < q[:4, :2].min(1)).all()
        assert (mdp.transition >= slip / 8 - 1e-15).all()
        assert np.allclose(mdp.transition.sum(-1), 1)


def test_random_problems_reach_every_state_by_every_policy_as_surely_as_they_say():
    rng = np.random.default_rng(8)
    for seed, eta in enumerate(rng.uniform(0.02, 1.0, N)):
        mdp = ergodic_random(5, 3, eta, seed)
        assert (mdp.transition >= eta / 5 - 1e-15).all()
        assert np.allclose(mdp.transition.sum(-1), 1)
        assert ((mdp.rewards >= 0) & (mdp.rewards <= 1)).all()


def test_certified_actions_keep_the_notion_in_400_deterministic_problems_that_agree():
    rng, n, k, alpha, alone = np.random.default_rng(9), 5, 2, 0.3, 0
    tables, values = [], []
    for _ in range(N):
        # Nothing leads to the last state, where the walk would end.
        moves, rewards = rng.integers(n - 1, size=(n, k)), rng.random(n)
        learner = CertifiedActions(n, k, 0.6, alpha)
        steps_to_last(learner, moves, rewards, rng, 16)
        filled = np.where(learner.next >= 0, learner.next, rng.integers(n, size=(4, n, k)))
        seen = (learner.next >= 0).any(1)
        worth = np.where(seen, rewards, rng.choice([0.0, 1.0], (4, n)))
        value = np.zeros((4, n))
        for _ in range(60):
            ahead = np.take_along_axis(value, filled.reshape(4, -1), 1).reshape(4, n, k)
            q = worth[..., None] + 0.6 * ahead
            value = q.max(-1)
        tables.append(np.broadcast_to(learner.table, q.shape))
        values.append(q)
        alone += int((learner.table.max(1) == 1).sum())
    laws, q = np.concatenate(tables).reshape(-1, k), np.concatenate(values).reshape(-1, k)
    assert action_fairness(np.arange(len(q)), laws, q, alpha).action_fair.all()
    assert alone > N / 2
