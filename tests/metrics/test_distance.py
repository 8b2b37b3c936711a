"""Exact Wasserstein-1 between groups."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance

from evenhand.metrics import distance
from evenhand.metrics.distance import over_pairs

PEOPLE = 40
pairwise_w1 = jax.jit(distance.pairwise_w1, static_argnums=3)


def people(seed, num_groups, whole=False):
    draw = np.random.default_rng(seed)
    score = draw.integers(0, 7, PEOPLE) if whole else draw.normal(3, 2, PEOPLE)
    group = np.concatenate(
        [np.arange(num_groups), draw.integers(0, num_groups, PEOPLE - num_groups)]
    )
    return (
        jnp.asarray(score, jnp.float32),
        jnp.asarray(group, jnp.int32),
        jnp.asarray(draw.integers(1, 4, PEOPLE), jnp.float32),
    )


@pytest.mark.parametrize("num_groups", [2, 3, 10])
@pytest.mark.parametrize("whole", [True, False])
def test_every_pair_equals_scipys(num_groups, whole):
    for seed in range(3):
        score, group, weight = people(seed, num_groups, whole)
        found = pairwise_w1(score, group, weight, num_groups)
        s, g, w = map(np.asarray, (score, group, weight))
        for a in range(num_groups):
            for b in range(num_groups):
                exact = wasserstein_distance(s[g == a], s[g == b], w[g == a], w[g == b])
                np.testing.assert_allclose(found[a, b], exact, atol=2e-5)


def test_on_whole_levels_it_is_the_sum_of_the_gaps_between_the_laws():
    one = np.array([0, 0.1, 0.1, 0.2, 0.3, 0.3, 0])
    two = np.array([0.1, 0.1, 0.2, 0.3, 0.3, 0, 0])
    score = jnp.tile(jnp.arange(7.0), 2)
    weight = jnp.asarray(np.concatenate([one, two]), jnp.float32)
    found = pairwise_w1(score, jnp.repeat(jnp.arange(2), 7), weight, 2)
    np.testing.assert_allclose(found[0, 1], np.abs(np.cumsum(one - two)).sum(), rtol=1e-5)
    np.testing.assert_allclose(found[0, 1], 1.0, rtol=1e-5)  # the gym preset at the start


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), order=st.permutations(range(3)), shift=st.floats(-5, 5))
def test_it_is_a_metric_that_forgets_names_and_shifts(seed, order, shift):
    score, group, weight = people(seed, 3)
    order = np.array(order)
    found = pairwise_w1(score, group, weight, 3)
    np.testing.assert_allclose(found, found.T, atol=1e-5)
    np.testing.assert_allclose(np.diag(found), 0, atol=1e-6)
    assert found[0, 2] <= found[0, 1] + found[1, 2] + 1e-5
    renamed = pairwise_w1(score + jnp.float32(shift), jnp.asarray(order)[group], weight, 3)
    np.testing.assert_allclose(renamed[order][:, order], found, atol=1e-4)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000))
def test_it_is_at_least_the_difference_of_means(seed):
    score, group, weight = people(seed, 2)
    member = np.asarray(group) == 0
    means = [np.average(np.asarray(score)[m], weights=weight[m]) for m in (member, ~member)]
    assert pairwise_w1(score, group, weight, 2)[0, 1] >= abs(means[0] - means[1]) - 1e-4


def test_people_without_weight_never_matter_and_an_empty_group_is_nan():
    score, group, weight = people(1, 3)
    weight = jnp.where(group == 2, 0.0, weight)
    found = pairwise_w1(score, group, weight, 3)
    kept = np.asarray(group) != 2
    alone = pairwise_w1(score[kept], group[kept], weight[kept], 2)
    np.testing.assert_allclose(found[:2, :2], alone, atol=1e-5)
    assert np.isnan(found[2]).all()
    assert np.isnan(found[:, 2]).all()


def test_pairs_are_ordered_and_batches_go_through():
    matrix = jnp.arange(18.0).reshape(2, 3, 3)
    np.testing.assert_array_equal(over_pairs(matrix), [[1, 2, 5], [10, 11, 14]])
    score, group, weight = people(1, 3)
    many = jax.vmap(pairwise_w1, (0, None, None, None))(
        jnp.stack([score, 2 * score]), group, weight, 3
    )
    np.testing.assert_allclose(many[1], 2 * many[0], rtol=1e-4)
