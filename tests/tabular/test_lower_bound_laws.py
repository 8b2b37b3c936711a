"""Chains on which equal treatment is dear, and the exact time it costs, each computed twice."""

import numpy as np
import pytest

from evenhand.core.errors import InputError
from evenhand.metrics import action_fairness, action_fairness_everywhere
from evenhand.tabular.certified_actions import CertifiedActions, steps_to_last
from evenhand.tabular.families import (
    chain,
    chain_gap,
    chain_value,
    costly_chain,
    costly_value,
    longest_costly_chain,
    optimal_q,
    relabelled,
)
from evenhand.tabular.lower_bound import (
    action_exponent,
    ahead_chance,
    chain_deficit,
    chain_growth,
    costly_deficit,
    costly_growth,
    hitting_time,
    steps_to_optimality,
)
from evenhand.tabular.random_families import ergodic_random, gap_spectrum, trap
from evenhand.tabular.run_lengths import sample_walks, sampled_steps


def walk(n, chance):
    """`(n, n)` moves of the walk that goes ahead with this chance and stays at the end."""
    moves = np.zeros((n, n))
    moves[:, 0] = 1 - chance
    moves[np.arange(n - 1), np.arange(1, n)] += chance
    moves[-1] = np.eye(n)[-1]
    return moves


@pytest.mark.parametrize(
    ("n", "k", "discount"), [(2, 2, 0.5), (6, 3, 0.6), (15, 4, 0.9), (40, 2, 0.95)]
)
def test_closed_forms_of_the_chain_are_what_policy_iteration_finds(n, k, discount):
    q = optimal_q(chain(n, k, discount))
    assert np.allclose(q.max(1), chain_value(n, discount), atol=1e-12)
    assert np.allclose(q[:, -1] - q[:, 0], chain_gap(n, discount), atol=1e-12)
    assert (q[:, :-1] == q[:, :1]).all()
    assert chain_gap(n, discount).min() == pytest.approx(discount ** (n - 1) / 2)
    tied = optimal_q(chain(n, k, discount, x=0.5))
    assert np.allclose(tied, 0.5 / (1 - discount), atol=1e-12)
    i = np.arange(1, n + 1)  # Lemma 11, for discount > 1/2
    bound = (1 + 2 * discount ** (n - i + 1)) / (2 * (1 - discount))
    assert (chain_value(n, discount) <= bound + 1e-12).all()


@pytest.mark.parametrize(
    ("alpha", "discount", "longest"),
    [(0.1, 0.9, 16), (0.05, 0.9, 22), (0.1, 0.95, 32), (0.05, 0.95, 45), (0.01, 0.9, 38)],
)
def test_the_costly_chain_binds_in_both_directions_up_to_its_longest(alpha, discount, longest):
    assert longest_costly_chain(alpha, discount) == longest
    for n in (2, 5, longest):
        good, bad = (optimal_q(costly_chain(n, alpha, 3, discount, x)) for x in (1.0, 0.0))
        assert (good[:, -1:] - good[:, :-1] > alpha).all()
        assert (bad[:, :-1] - bad[:, -1:] > alpha).all()
        assert np.allclose(good.max(1), costly_value(n, alpha, discount), atol=1e-12)
    longer = optimal_q(costly_chain(longest + 1, alpha, 2, discount))
    assert (longer[:, 1] - longer[:, 0]).min() < alpha


def test_the_longest_costly_chain_is_none_where_alpha_is_large():
    assert longest_costly_chain(0.6, 0.9) == 0
    with pytest.raises(InputError, match="at most 22 states do"):
        costly_deficit(23, 0.05, 0.9)


@pytest.mark.parametrize("k", [2, 3])
def test_uniform_until_the_end_is_seen_is_fair_on_both_chains(k):
    n, discount = 6, 0.6
    before, after = np.full((n, k), 1 / k), np.full((n, k), 1 / k)
    after[-1] = np.eye(k)[-1]  # seen: stays, in the problem that has the reward
    for x, tables in ((0.5, [before]), (1.0, [before, after])):
        log = action_fairness_everywhere(tables, optimal_q(chain(n, k, discount, x)), 0.0)
        assert log.fair.all()


@pytest.mark.parametrize(("k", "alpha"), [(2, 0.05), (2, 0.3), (4, 0.1)])
def test_the_most_hopeful_choice_fair_law_uses_up_alpha_exactly(k, alpha):
    ahead = ahead_chance(k, alpha)
    p = np.array([*[(1 - ahead) / (k - 1)] * (k - 1), ahead])
    log = action_fairness([0], [p], optimal_q(chain(5, k, 0.6, x=0.5)), alpha)
    assert log.choice_fair.all()
    assert log.smallest_choice == pytest.approx(alpha)
    more = p + 0.01 * np.array([*[-1 / (k - 1)] * (k - 1), 1])
    assert not action_fairness([0], [more], optimal_q(chain(5, k, 0.6, x=0.5)), alpha).choice_fair
    assert ahead_chance(k, 2.0) == 1


@pytest.mark.parametrize(("n", "chance"), [(2, 0.3), (5, 0.5), (9, 0.7), (12, 1 / 3), (4, 1.0)])
def test_the_mean_time_to_the_last_state_is_the_solution_of_its_equations(n, chance):
    inside = walk(n, chance)[:-1, :-1]
    solved = np.linalg.solve(np.eye(n - 1) - inside, np.ones(n - 1))[0]
    assert hitting_time(n, chance) == pytest.approx(solved, rel=1e-9)
    if chance in (0.5, 1 / 3):
        k = round(1 / chance)
        assert hitting_time(n, chance) == pytest.approx((k**n - k) / (k - 1))


def test_times_on_the_chain_are_those_computed_before():
    assert chain_growth((6, 9, 12, 15)).steps == (114, 1083, 9027, 72915)
    for alpha, base in ((0.05, 1.9049), (0.1, 1.8183), (0.2, 1.6669)):
        found = chain_growth((20, 24, 28, 32), choice_alpha=alpha)
        assert found.fitted_base == pytest.approx(base, abs=3e-4)
        assert found.exact_base == pytest.approx(2 / (1 + alpha))
        assert found.paper_base == pytest.approx(2 / (1 + 2 * alpha))


@pytest.mark.parametrize(
    ("deficit", "chance", "excess"),
    [
        (chain_deficit(6, 0.6), 0.5, 0.5),
        (chain_deficit(5, 0.9), 1 / 3, 1.0),
        (costly_deficit(9, 0.05, 0.9), 0.5, 2.0),
        (chain_deficit(7, 0.6), 1.0, 0.1),
        (chain_deficit(4, 0.6), 0.5, 50.0),
    ],
)
def test_the_time_is_the_one_found_step_by_step_and_holds_from_then_on(deficit, chance, excess):
    moves, law, total, last_over = walk(len(deficit), chance), np.eye(len(deficit))[0], 0.0, 0
    tau = steps_to_optimality(deficit, chance, excess)
    for steps in range(1, 2 * tau + 20):
        total, law = total + law @ deficit, law @ moves
        if total / steps > excess:
            last_over = steps
    assert tau == last_over + 1


@pytest.mark.parametrize(("k", "alpha"), [(2, 0.0), (2, 0.1), (3, 0.05)])
def test_time_grows_by_more_than_its_base_at_small_sizes_and_by_the_base_in_the_limit(k, alpha):
    growth = chain_growth(tuple(range(6, 31, 3)), k, choice_alpha=alpha)
    local = np.array(growth.local_bases)
    assert (np.diff(local) < 1e-6).all()
    assert local[0] > growth.exact_base + 0.02
    assert local[-1] == pytest.approx(growth.exact_base, abs=1e-3)
    assert growth.exact_base < growth.fitted_base < local[0]


def test_long_times_keep_their_digits():
    # From 40 states on each further one doubles the time, but for terms of discount^40.
    steps = chain_growth((40, 41)).steps
    assert steps[1] / steps[0] == pytest.approx(2, rel=1e-8)
    assert costly_growth((44, 45), discount=0.95).fitted_base == pytest.approx(2.02, abs=0.03)


def test_less_chance_of_going_ahead_takes_longer():
    deficit = chain_deficit(8, 0.6)
    times = [steps_to_optimality(deficit, chance, 0.5) for chance in np.arange(0.3, 1.0, 0.05)]
    assert sorted(times, reverse=True) == times


def test_drawn_walks_have_the_exact_means():
    generator, n, chance = np.random.default_rng(0), 7, 0.5
    walks = sample_walks(n, chance, 4000, generator)
    times = walks.hitting_times()
    assert abs(times.mean() - hitting_time(n, chance)) < 4 * times.std() / np.sqrt(len(times))
    deficit, moves = chain_deficit(n, 0.6), walk(n, chance)
    law, total = np.eye(n)[0], 0.0
    for steps in range(1, 60):
        total, law = total + law @ deficit, law @ moves
        drawn = walks.mean_deficit(deficit, steps)
        error = drawn.std() / np.sqrt(len(drawn))
        assert abs(drawn.mean() - total / steps) < 5 * error + 1e-12
    exact = steps_to_optimality(deficit, chance, 0.5)
    assert sampled_steps(walks, deficit, 0.5) == pytest.approx(exact, rel=0.1)


def test_walks_without_a_failed_run_take_the_direct_way():
    walks = sample_walks(3, 0.999, 5, np.random.default_rng(1))
    assert len(walks.walk) == 0
    assert (walks.hitting_times() == 2).all()
    assert walks.mean_deficit(np.array([2.0, 1.0, 0.0]), 4).tolist() == [0.75] * 5


def crossing(mdp, alpha, seed, max_steps=20_000):
    """The learner's time and all-state log on a problem whose actions have random names."""
    generator = np.random.default_rng(seed)
    names = generator.permuted(np.tile(np.arange(mdp.num_actions), (mdp.num_states, 1)), axis=1)
    mdp = relabelled(mdp, names)
    learner = CertifiedActions(mdp.num_states, mdp.num_actions, mdp.discount, alpha)
    moves, rewards = mdp.transition[0].argmax(-1), mdp.rewards[0, :, 0, 0]
    steps, tables, rounds = steps_to_last(learner, moves, rewards, generator, max_steps)
    return steps, action_fairness_everywhere(tables, optimal_q(mdp), alpha), tables, rounds


@pytest.mark.parametrize("k", [2, 3])
def test_a_learner_crosses_the_chain_of_definition_6_fast_and_is_alpha_action_fair(k):
    n, alpha, times = 16, 0.05, []
    for seed in range(4):
        steps, log, tables, rounds = crossing(chain(n, k, 0.95), alpha, seed)
        assert log.action_fair.all()
        assert (log.action == 0).all()
        assert rounds.sum() == steps
        assert len(tables) > n / 2  # it did not play uniformly throughout
        times.append(steps)
    assert np.mean(times) < 4 * k * n**2 < hitting_time(n, 1 / k) / 20


def test_without_the_reward_at_the_end_the_same_learner_is_alpha_action_fair_too():
    for seed in range(3):
        _, log, _, _ = crossing(chain(8, 2, 0.95, x=0.5), 0.05, seed)
        assert log.action_fair.all()


def test_on_the_costly_chain_it_has_to_play_uniformly_until_the_end_is_seen():
    times = []
    for seed in range(12):
        steps, log, tables, _ = crossing(costly_chain(6, 0.05, 2, 0.95), 0.05, seed)
        assert (tables == 0.5).all()
        assert log.action_fair.all()
        times.append(steps)
    assert np.mean(times) == pytest.approx(hitting_time(6, 0.5), rel=0.7)


def test_in_the_trap_the_detour_is_clearly_worse_and_every_policy_is_ergodic():
    mdp = trap()
    q = optimal_q(mdp)
    gaps = q.max(1, keepdims=True) - q
    assert gaps[:4, 2].min() > 0.9
    assert gaps[:4, :2].max() < 0.42
    assert (mdp.transition > 0).all()
    assert gap_spectrum(q)[-1] == pytest.approx(gaps.max())


def test_random_problems_repeat_by_seed_and_state_their_gaps():
    one, two = ergodic_random(6, 3, 0.1, 5), ergodic_random(6, 3, 0.1, 5)
    assert (one.transition == two.transition).all()
    assert (one.transition >= 0.1 / 6).all()
    assert (one.rewards == one.rewards[:, :, :1]).all()
    q = optimal_q(one)
    low, middle, high = gap_spectrum(q, (0.0, 0.5, 1.0))
    gaps = (q.max(1, keepdims=True) - q).ravel()
    ordered = np.sort(gaps)[6:]  # one best action in each of six states
    assert (low, high) == (ordered[0], ordered[-1])
    assert middle == pytest.approx(np.median(ordered))
    assert np.isnan(gap_spectrum(q[:, :1])).all()


def test_theorem_5_speaks_of_the_discount():
    assert action_exponent(0.95) == pytest.approx(10)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: chain(1), "at least 2 states"),
        (lambda: chain(4, discount=1.0), "discount must be between 0 and 1"),
        (lambda: chain(4, x=2.0), r"x must be in \[0, 1\]"),
        (lambda: costly_chain(4, 0.95), "reward of the first state"),
        (lambda: ergodic_random(4, eta=0.0), "eta must be above 0"),
        (lambda: relabelled(chain(3), np.zeros((3, 2), int)), "an order of all actions"),
        (lambda: ahead_chance(1), "actions must be at least 2"),
        (lambda: steps_to_optimality(chain_deficit(5, 0.6), 0.5, 0.0), "eps must be above 0"),
        (lambda: chain_growth((300,)), "ask for fewer states"),
        (lambda: sample_walks(5, 1.0, 3, np.random.default_rng(0)), "a chance between 0 and 1"),
    ],
)
def test_what_no_chain_can_be_is_refused(call, sentence):
    with pytest.raises(InputError, match=sentence):
        call()
