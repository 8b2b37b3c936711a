"""Intervals: coverage, agreement with scipy, and missing data."""

import numpy as np
import pytest
from scipy.stats import bootstrap, t

from evenhand.core.errors import InputError
from evenhand.metrics.intervals import group_intervals, interval, unit_means


def test_students_interval_equals_scipys():
    values = np.array([3.0, 1.0, 4.0, 1.0, 5.0])
    low, high = t.interval(0.95, 4, values.mean(), values.std(ddof=1) / np.sqrt(5))
    found = interval(values)
    np.testing.assert_allclose([found.low, found.high], [low, high])
    assert found.num_units == 5


@pytest.mark.parametrize(("ours", "theirs"), [("percentile", "percentile"), ("bca", "BCa")])
def test_the_bootstrap_agrees_with_scipys(ours, theirs):
    values = np.random.default_rng(3).exponential(size=30)
    generator = np.random.default_rng(0)
    found = interval(values, method=ours, generator=generator, num_resamples=20_000)
    exact = bootstrap(
        (values,), np.mean, method=theirs, rng=np.random.default_rng(1), n_resamples=20_000
    ).confidence_interval
    np.testing.assert_allclose([found.low, found.high], [exact.low, exact.high], atol=0.02)


def test_students_interval_covers_with_six_units_where_the_percentile_falls_short():
    draw = np.random.default_rng(0)
    samples = draw.normal(size=(1500, 6))
    covered = {"t": 0, "percentile": 0}
    for values in samples:
        for method in covered:
            one = interval(values, method=method, generator=draw, num_resamples=200)
            covered[method] += one.low <= 0 <= one.high
    assert abs(covered["t"] / 1500 - 0.95) < 0.02
    assert covered["percentile"] / 1500 < 0.92


def test_any_statistic_can_be_resampled():
    values = np.append(np.arange(11.0), 1000.0)
    found = interval(values, method="percentile", statistic=np.median)
    assert found.estimate == 5.5
    assert found.low <= 5.5 <= found.high < 1000


def test_units_without_data_are_left_out_and_counted():
    full, holes = interval(np.array([1.0, 2.0, 3.0])), interval(np.array([1.0, np.nan, 2.0, 3.0]))
    assert full == holes
    assert holes.num_units == 3
    assert interval(np.array([np.nan])).num_units == 0
    assert np.isnan(interval(np.array([np.nan])).estimate)
    one = interval(np.array([7.0, np.nan]))
    assert one.estimate == 7
    assert np.isnan(one.low)


@pytest.mark.parametrize("method", ["t", "percentile", "bca"])
def test_units_that_agree_have_an_interval_of_length_zero(method):
    found = interval(np.full(5, 2.5), method=method)
    assert (found.low, found.high) == (2.5, 2.5)


def test_the_same_call_gives_the_same_interval():
    values = np.random.default_rng(0).normal(size=9)
    assert interval(values, method="bca") == interval(values, method="bca")


def test_seeds_are_averaged_over_their_episodes_first():
    values = np.array([[1.0, 3.0], [np.nan, 5.0], [np.nan, np.nan]])
    np.testing.assert_array_equal(unit_means(values), [2, 5, np.nan])
    columns = group_intervals(np.array([[1.0, np.nan], [3.0, np.nan]]))
    assert [one.num_units for one in columns] == [2, 0]


def test_an_unknown_method_is_answered_with_the_nearest():
    with pytest.raises(InputError, match="did you mean 'percentile'"):
        interval(np.arange(3.0), method="percentil")
