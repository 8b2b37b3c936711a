"""Laws of the parts that Bisimulator is made of."""

import itertools

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.algorithms.parts.bisimulation import Samples, dynamics_gap, gaussian_w2, reward_gap
from evenhand.algorithms.parts.evolution import Search, propose, tell
from evenhand.algorithms.parts.next_state import to_grid
from evenhand.algorithms.parts.quantiles import quantile_bins
from evenhand.algorithms.parts.reward_correction import RewardCorrection
from evenhand.envs.lending import Lending


def bins_of(level, group, weight=None, num_groups=2, seed=0):
    weight = np.ones(len(level)) if weight is None else weight
    numbers = jnp.asarray(level, jnp.int32), jnp.asarray(group, jnp.int32)
    return quantile_bins(jr.key(seed), *numbers, jnp.asarray(weight, jnp.float32), num_groups)


def members(bins, group, which):
    return np.flatnonzero(np.asarray(bins.place) == group * bins.num_bins + which)


@given(sizes=st.tuples(*[st.sampled_from([0, 1, 3, 7, 32])] * 3), seed=st.integers(0, 9))
@pytest.mark.slow
def test_quartiles_are_those_of_the_sorted_levels_of_each_group(sizes, seed):
    rng = np.random.default_rng(seed)
    group = rng.permutation(np.repeat(np.arange(3), sizes))
    level = np.zeros(len(group), int)
    for g, size in enumerate(sizes):
        level[group == g] = rng.permutation(size)  # no ties, so bins are known
    # And some that do not count, to as many rows as there ever are: one program serves all.
    weight = np.pad(np.ones(len(group)), (0, 100 - len(group)))
    group, level = (
        np.pad(a, (0, 100 - len(a)), constant_values=v) for a, v in ((group, 0), (level, 99))
    )
    bins = bins_of(level, group, weight, 3, seed)
    for g, size in enumerate(sizes):
        for q in range(4):
            expected = [i for i in range(size) if 4 * i // size == q]
            found = sorted(level[members(bins, g, q)].tolist())
            assert found == expected
            assert bool(bins.filled[g, q]) == bool(expected)
        parts = [len(part) for part in np.array_split(np.arange(size), 4)]
        assert sorted(parts) == sorted(len(members(bins, g, q)) for q in range(4))


def test_ties_are_broken_at_random_and_never_between_levels():
    level, group = np.repeat([0, 1, 2], 20), np.zeros(60, int)
    lowest = [set(members(bins_of(level, group, seed=s), 0, 0).tolist()) for s in range(8)]
    assert all(len(found) == 15 and max(found) < 20 for found in lowest)
    assert len(set(map(frozenset, lowest))) > 4


def test_draws_come_from_their_own_bin():
    rng = np.random.default_rng(0)
    level, group = rng.integers(0, 7, 90), rng.integers(0, 2, 90)
    bins = bins_of(level, group)
    drawn = np.asarray(bins.draw(jr.key(1), 200))
    for g, q in itertools.product(range(2), range(4)):
        assert set(drawn[g, q].tolist()) == set(members(bins, g, q).tolist())


def test_reward_gap_sums_over_pairs_the_mean_difference_of_matched_quartiles():
    rng = np.random.default_rng(1)
    level, group = rng.integers(0, 7, 120), rng.integers(0, 3, 120)
    rewards = rng.normal(size=120).astype(np.float32)
    bins = bins_of(level, group, num_groups=3)
    means = np.array([[rewards[members(bins, g, q)].mean() for q in range(4)] for g in range(3)])
    expected = sum(np.abs(means[i] - means[j]).mean() for i, j in [(0, 1), (0, 2), (1, 2)])
    np.testing.assert_allclose(reward_gap(jnp.asarray(rewards), bins), expected, rtol=1e-4)


@pytest.mark.parametrize("num_groups", [2, 3])
def test_gaps_vanish_where_groups_are_alike_and_ignore_a_group_nobody_saw(num_groups):
    level, group = np.tile(np.arange(8), 2), np.repeat([0, 1], 8)
    bins = bins_of(level, group, num_groups=num_groups)
    assert float(reward_gap(jnp.asarray(level, jnp.float32), bins)) == 0.0
    mean, std = jnp.ones((num_groups, 4, 5, 2)), jnp.full((num_groups, 4, 5, 2), 0.1)
    assert float(dynamics_gap(mean, std, bins, 0.99)) == 0.0
    moved = mean.at[-1].set(9.0)
    assert (float(dynamics_gap(moved, std, bins, 0.99)) > 0) == (num_groups == 2)


def samples(num, seed=0):
    rng = np.random.default_rng(seed)
    group, level = rng.integers(0, 2, num), rng.integers(0, 7, num)
    obs = np.concatenate([np.eye(7)[level], np.eye(2)[group]], -1)
    data = Samples(
        obs=jnp.asarray(obs, jnp.float32),
        action=jnp.asarray(rng.integers(0, 2, num), jnp.int32),
        group=jnp.asarray(group, jnp.int32),
        level=jnp.asarray(level, jnp.int32),
        reward=jnp.asarray(rng.normal(size=num) + group, jnp.float32),
        weight=jnp.ones(num),
        successor=jnp.asarray(obs, jnp.float32),
    )
    probs = jnp.asarray(rng.dirichlet([1, 1], num), jnp.float32)
    return data, probs, quantile_bins(jr.key(1), data.level, data.group, data.weight, 2)


def test_the_correction_is_nothing_at_first_and_its_steps_lower_the_reward_gap():
    data, probs, bins = samples(200)
    how = RewardCorrection(reward_updates=60, reward_width=16, alpha=1.0)
    before = how.init(jr.key(0), Lending(features=("score-onehot", "group")))
    np.testing.assert_array_equal(how.change(before.network, data.obs, data.group, 2), 0.0)
    after, log = how.fit(before, data, probs, bins)
    np.testing.assert_allclose(log["J_rew_before"], reward_gap(data.reward, bins), rtol=1e-5)
    assert float(log["J_rew_after"]) < 0.5 * float(log["J_rew_before"])
    bound = how.change(after.network, data.obs, data.group, 2)
    assert float(jnp.abs(bound).max()) <= 1.0


def test_the_gradient_of_the_reward_gap_is_its_slope():
    data, probs, bins = samples(200)
    how = RewardCorrection(reward_updates=5, reward_width=8, alpha=1.0)
    network = how.fit(
        how.init(jr.key(0), Lending(features=("score-onehot", "group"))), data, probs, bins
    )[0].network
    gap = lambda network: how.gap(network, data, probs, bins)  # noqa: E731
    slope = jax.grad(gap)(network)
    toward = jax.tree.map(lambda x: jr.normal(jr.key(2), x.shape), network)
    move = lambda by: gap(jax.tree.map(lambda x, d: x + by * d, network, toward))  # noqa: E731
    along = sum(jnp.vdot(a, b) for a, b in zip(*map(jax.tree.leaves, (slope, toward)), strict=True))
    np.testing.assert_allclose(along, (move(1e-3) - move(-1e-3)) / 2e-3, rtol=0.02)


def test_the_distance_of_two_gaussians_is_that_of_their_samples():
    rng = np.random.default_rng(0)
    mean, std = np.array([0.2, 0.7]), np.array([0.1, 0.3])
    other_mean, other_std = np.array([0.5, 0.6]), np.array([0.4, 0.2])
    # Diagonal Gaussians: the best plan sorts each coordinate, so samples are matched by rank.
    one = np.sort(rng.normal(mean, std, (200_000, 2)), 0)
    other = np.sort(rng.normal(other_mean, other_std, (200_000, 2)), 0)
    sampled = np.sqrt(((one - other) ** 2).mean(0).sum())
    numbers = [jnp.asarray(x, jnp.float32) for x in (mean, std, other_mean, other_std)]
    np.testing.assert_allclose(gaussian_w2(*numbers), sampled, rtol=0.01)
    assert float(gaussian_w2(*numbers[:2], *numbers[:2])) == 0.0


def test_evolution_minimises_a_quadratic_within_its_bounds():
    low, high = jnp.full((2, 1), -1.0), jnp.full((2, 1), 3.0)
    goal = jnp.asarray([[0.5, 5.0], [2.0, -1.0]])  # one of the four lies beyond the bounds
    loss = lambda x: jnp.sum((x - goal) ** 2)  # noqa: E731

    def body(search, key):
        offer = propose(key, search, low, high)
        search, _ = tell(search, offer, loss(offer), loss(search.point))
        return search, (loss(search.point), offer)

    start = Search(jnp.zeros((2, 2)), jnp.float32(0.1))
    search, (losses, offers) = jax.lax.scan(body, start, jr.split(jr.key(0), 300))
    np.testing.assert_allclose(search.point, jnp.clip(goal, -1.0, 3.0), atol=0.06)
    assert bool(jnp.all(jnp.diff(losses) <= 0))
    assert float(offers.min()) >= -1.0
    assert float(offers.max()) <= 3.0


def test_the_step_size_doubles_shrinks_and_stays():
    search = Search(jnp.zeros((1, 2)), jnp.float32(0.1))
    other = jnp.ones((1, 2))
    for loss, sigma, point in [(1.0, 0.2, 1.0), (3.0, 0.084, 0.0), (2.0, 0.1, 0.0)]:
        told, won = tell(search, other, jnp.float32(loss), jnp.float32(2.0))
        np.testing.assert_allclose(told.sigma, sigma, rtol=1e-6)
        np.testing.assert_array_equal(told.point, jnp.full((1, 2), point))
        assert bool(won) == (loss < 2)


def test_rounding_goes_to_levels_forward_and_is_the_identity_backward():
    state = jnp.asarray([[0.30, 0.41], [0.99, 0.5], [1.4, 0.5]])
    rounded = to_grid(state, 7)
    np.testing.assert_allclose(rounded[:, 0], [2 / 6, 1.0, 1.0], atol=1e-6)
    np.testing.assert_array_equal(rounded[:, 1], state[:, 1])
    slope = jax.grad(lambda x: jnp.sum(to_grid(x, 7) * jnp.asarray([[2.0, 3.0]] * 3)))(state)
    np.testing.assert_array_equal(slope, [[2.0, 3.0]] * 3)
