"""Laws of the per-group statistics, and agreement with fairlearn where it defines the same."""

import warnings
from functools import partial

import fairlearn.metrics as fl
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenhand.core.environment import Outcome
from evenhand.metrics import groups, reducers

STEPS = 60


def some_outcome(seed, num_groups, people=10, lightest=0):
    draw = np.random.default_rng(seed)
    group = draw.integers(0, num_groups, STEPS)
    return Outcome(
        group=jnp.asarray(group, jnp.int32),
        person=jnp.asarray(group * people + draw.integers(0, people, STEPS), jnp.int32),
        decision=jnp.asarray(draw.integers(0, 2, STEPS), jnp.int32),
        label=jnp.asarray(draw.integers(0, 2, STEPS), jnp.int32),
        weight=jnp.asarray(draw.integers(lightest, 3, STEPS), jnp.float32),
    )


def frame(outcome, metric):
    arrays = [np.asarray(leaf) for leaf in (outcome.label, outcome.decision, outcome.group)]
    return fl.MetricFrame(
        metrics=metric,
        y_true=arrays[0],
        y_pred=arrays[1],
        sensitive_features=arrays[2],
        sample_params={"sample_weight": np.asarray(outcome.weight)},
    )


@pytest.mark.parametrize("num_groups", [2, 3, 5])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (groups.selection_rate, fl.selection_rate),
        (groups.true_positive_rate, fl.true_positive_rate),
        (groups.false_positive_rate, fl.false_positive_rate),
    ],
)
def test_rates_their_difference_and_ratio_equal_fairlearns(num_groups, ours, theirs):
    for seed in range(5):
        outcome = some_outcome(seed, num_groups, lightest=1)
        rate, reference = ours(outcome, num_groups), frame(outcome, theirs)
        np.testing.assert_allclose(rate, reference.by_group.to_numpy(float), rtol=1e-5)
        np.testing.assert_allclose(reducers.difference(rate), reference.difference(), rtol=1e-5)
        np.testing.assert_allclose(reducers.ratio(rate), reference.ratio(), rtol=1e-5)
        np.testing.assert_allclose(reducers.smallest(rate), reference.group_min(), rtol=1e-5)
        np.testing.assert_allclose(reducers.largest(rate), reference.group_max(), rtol=1e-5)


@pytest.mark.parametrize("num_groups", [2, 3])
def test_gaps_equal_fairlearns_parity_and_opportunity_differences(num_groups):
    for seed in range(5):
        one = some_outcome(seed, num_groups)
        label, decision, group, weight = map(
            np.asarray, (one.label, one.decision, one.group, one.weight)
        )
        shared = {"sensitive_features": group, "sample_weight": weight}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parity = fl.demographic_parity_difference(label, decision, **shared)
            opportunity = fl.equal_opportunity_difference(label, decision, **shared)
        selection = groups.selection_rate(one, num_groups)
        recall = groups.true_positive_rate(one, num_groups)
        np.testing.assert_allclose(reducers.difference(selection), parity, rtol=1e-5)
        np.testing.assert_allclose(reducers.difference(recall), opportunity, rtol=1e-5)


@partial(jax.jit, static_argnums=2)
def every_statistic(outcome, reward, num_groups):
    """One (G,) array a statistic."""
    return {
        "selection": groups.selection_rate(outcome, num_groups),
        "tpr": groups.true_positive_rate(outcome, num_groups),
        "fpr": groups.false_positive_rate(outcome, num_groups),
        "return": groups.group_return(reward, outcome, num_groups),
        "per_decision": groups.reward_per_decision(reward, outcome, num_groups),
        "per_approval": groups.reward_per_approval(reward, outcome, num_groups),
        "approvals": groups.cumulative_approvals(outcome, num_groups)[-1],
        "running_tpr": groups.running_true_positive_rate(outcome, num_groups)[-1],
    }


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), order=st.permutations(range(4)))
def test_renaming_groups_renames_the_statistics(seed, order):
    one, order = some_outcome(seed, 4), np.array(order)
    reward = jnp.asarray(np.random.default_rng(seed).normal(size=STEPS), jnp.float32)
    renamed = Outcome(
        jnp.asarray(order)[one.group], one.person, one.decision, one.label, one.weight
    )
    before, after = every_statistic(one, reward, 4), every_statistic(renamed, reward, 4)
    for name in before:
        np.testing.assert_allclose(after[name][order], before[name], rtol=1e-4, err_msg=name)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), nonsense=st.integers(0, 10_000))
def test_steps_without_weight_never_matter(seed, nonsense):
    one, other = some_outcome(seed, 3), some_outcome(nonsense, 3)
    reward = jnp.asarray(np.random.default_rng(seed).normal(size=STEPS), jnp.float32)
    absent = one.weight == 0
    fields = ("group", "person", "decision", "label")
    swapped = [jnp.where(absent, getattr(other, f), getattr(one, f)) for f in fields]
    changed = Outcome(*swapped, one.weight)
    before = every_statistic(one, reward, 3)
    after = every_statistic(changed, jnp.where(absent, jnp.nan, reward), 3)
    for name in before:
        np.testing.assert_array_equal(after[name], before[name], err_msg=name)
    cost = groups.person_cost(reward, one, 30)
    for a, b in zip(
        groups.person_cost(jnp.where(absent, jnp.nan, reward), changed, 30), cost, strict=True
    ):
        np.testing.assert_array_equal(a, b)


def test_a_group_nobody_saw_is_nan_and_so_is_every_comparison_with_it():
    one = some_outcome(0, 2)
    reward = jnp.ones(STEPS)
    for name, value in every_statistic(one, reward, 3).items():
        if name == "approvals":
            continue
        assert np.isnan(value[2]), name
        assert not np.isnan(value[:2]).any(), name
        for compare in (reducers.difference, reducers.ratio, reducers.mean_pair_gap):
            assert np.isnan(compare(value)), name
    assert groups.group_count(one.group, one.weight, 3)[2] == 0


def test_fairlearn_calls_it_zero_where_nobody_qualified_has_weight():
    one = some_outcome(0, 2)
    weight = jnp.where((one.group == 1) & (one.label == 1), 0.0, one.weight)
    one = Outcome(one.group, one.person, one.decision, one.label, weight)
    assert frame(one, fl.true_positive_rate).by_group[1] == 0
    assert np.isnan(groups.true_positive_rate(one, 2)[1])


def test_qualified_people_who_never_came_leave_recall_without_data_not_zero():
    one = some_outcome(0, 2)
    nobody = Outcome(one.group, one.person, one.decision, jnp.zeros_like(one.label), one.weight)
    assert np.isnan(groups.true_positive_rate(nobody, 2)).all()


def test_cumulative_statistics_end_at_the_whole_and_vmap_over_episodes():
    many = jax.tree.map(
        lambda *leaves: jnp.stack(leaves), *(some_outcome(seed, 3) for seed in range(4))
    )
    reward = jnp.asarray(np.random.default_rng(1).normal(size=(4, STEPS)), jnp.float32)
    over_time = jax.jit(jax.vmap(groups.cumulative_return, (0, 0, None)), static_argnums=2)
    whole = jax.vmap(groups.group_return, (0, 0, None))(reward, many, 3)
    np.testing.assert_allclose(over_time(reward, many, 3)[:, -1], whole, rtol=1e-4)
    running = jax.vmap(groups.running_true_positive_rate, (0, None))(many, 3)[:, -1]
    final = jax.vmap(groups.true_positive_rate, (0, None))(many, 3)
    np.testing.assert_allclose(running, final, rtol=1e-5)


def test_a_persons_cost_is_the_sum_over_their_own_steps():
    outcome = Outcome(
        group=jnp.array([0, 1, 0, 1, 1]),
        person=jnp.array([0, 3, 0, 4, 3]),
        decision=jnp.array([0, 0, 1, 0, 1]),
        label=jnp.array([1, 1, 1, 1, 1]),
        weight=jnp.array([1.0, 1.0, 1.0, 1.0, 0.0]),
    )
    total, group, admitted = groups.person_cost(jnp.array([1.0, 2.0, 3.0, 5.0, 7.0]), outcome, 6)
    assert total.tolist() == [4, 0, 0, 2, 5, 0]
    assert group.tolist() == [0, 0, 0, 1, 1, 0]
    assert admitted.tolist() == [1, 0, 0, 0, 0, 0]


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    values=st.lists(st.floats(-100, 100, width=32, allow_subnormal=False), min_size=4, max_size=4)
)
def test_reducers_bound_one_another(values):
    by_group = jnp.asarray(values, jnp.float32)
    gap, gaps = reducers.difference(by_group), reducers.pair_gaps(by_group)
    assert gaps.shape == (6,)
    np.testing.assert_allclose(jnp.max(gaps), gap, rtol=1e-6)
    assert 0 <= reducers.mean_pair_gap(by_group) <= gap * (1 + 1e-6)
    count = jnp.array([1.0, 2.0, 0.0, 3.0])
    pooled = reducers.pooled(by_group, count)
    assert min(values) - 1e-3 <= pooled <= max(values) + 1e-3
    if min(values) >= 0 and max(values) > 0:
        assert 0 <= reducers.ratio(by_group) <= 1


def test_totals_leave_out_groups_without_data():
    by_group = jnp.array([[1.0, jnp.nan], [jnp.nan, jnp.nan]])
    count = jnp.array([[4.0, 0.0], [0.0, 0.0]])
    np.testing.assert_array_equal(reducers.total(by_group, count), [1.0, np.nan])
    np.testing.assert_array_equal(reducers.pooled(by_group, count), [1.0, np.nan])


def test_signed_difference_needs_two_groups():
    assert reducers.signed_difference(jnp.array([1.0, 3.0])) == -2
    assert np.isnan(reducers.signed_difference(jnp.array([1.0, 3.0, 4.0])))
    assert reducers.mean_pair_gap(jnp.array([1.0])) == 0
