import numpy as np
import pytest
import scipy.stats

from evenhand.experiments import statistics as st


def generator(seed=0):
    return np.random.default_rng(seed)


def test_mean_interval_agrees_with_scipys_percentile_bootstrap():
    values = generator(1).gamma(2.0, 1.0, 30)
    ours = st.mean_interval(values, generator())
    theirs = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=generator(3)
    ).confidence_interval
    assert ours.estimate == pytest.approx(values.mean())
    assert ours.low == pytest.approx(theirs.low, abs=0.03)
    assert ours.high == pytest.approx(theirs.high, abs=0.03)


def test_mean_interval_of_many_values_approaches_the_normal_one():
    values = generator(2).normal(5, 2, 400)
    found = st.mean_interval(values, generator())
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert found.high - found.low == pytest.approx(2 * half, rel=0.06)


@pytest.mark.parametrize(("num", "covers"), [(10, 0.90), (5, 0.84), (3, 0.73)])
def test_intervals_cover_as_often_as_the_docstring_admits(num, covers):
    draws = generator(4).normal(size=(1500, num))
    resamples = st.resampled(num, generator(), 1000)
    means = draws[:, resamples].mean(2)
    low, high = np.quantile(means, [0.025, 0.975], axis=1)
    assert np.mean((low <= 0) & (high >= 0)) == pytest.approx(covers, abs=0.03)


@pytest.mark.parametrize("size", [1, 3, 4, 8, 10, 11])
def test_iqm_is_scipys_trimmed_mean(size):
    values = generator(size).normal(size=size)
    assert st.iqm(values) == pytest.approx(scipy.stats.trim_mean(values, 0.25))


def test_iqm_ignores_one_wild_seed():
    values = np.array([1.0, 2, 3, 4, 5, 6, 7, 1e9])
    assert st.iqm_interval(values, generator()).estimate == 4.5


def test_stratified_resampling_keeps_every_task():
    # Between tasks the values differ, within a task they do not: nothing is left to chance.
    values = np.array([[1.0, 10.0, 100.0]] * 5)
    found = st.bootstrap(np.mean, list(values.T), generator())
    assert (found.low, found.estimate, found.high) == (37, 37, 37)


def test_one_seed_has_an_estimate_and_no_interval():
    found = st.mean_interval(np.array([3.0]), generator())
    assert found.estimate == 3
    assert found.num == 1
    assert not found.bounded
    assert not found.excludes_zero


def test_no_data_is_nan_with_count_zero():
    found = st.mean_interval(np.array([np.nan, np.nan]), generator())
    assert np.isnan(found.estimate)
    assert found.num == 0


def test_a_seed_without_data_is_left_out_not_counted_as_zero():
    assert st.mean_interval(np.array([1.0, np.nan, 3.0]), generator()).estimate == 2
    assert st.mean_interval(np.array([1.0, np.nan, 3.0]), generator()).num == 2


def test_pairing_removes_what_the_seeds_share():
    shared = generator(5).normal(0, 100, 12)
    found = st.paired_difference(shared + 1, shared, generator())
    assert found.low == pytest.approx(1)
    assert found.high == pytest.approx(1)


def test_pairs_need_the_same_seeds():
    with pytest.raises(ValueError, match="same seeds"):
        st.paired_difference(np.zeros(3), np.zeros(4), generator())


def test_probability_of_improvement_is_the_mann_whitney_statistic():
    a, b = generator(6).normal(0.5, 1, 9), generator(7).normal(0, 1, 11)
    u = scipy.stats.mannwhitneyu(a, b).statistic
    assert st.probability_of_improvement(a, b, generator()).estimate == pytest.approx(u / 99)


def test_improvement_over_itself_is_a_half():
    a = generator(8).normal(size=7)
    found = st.probability_of_improvement(a, a, generator())
    assert found.estimate == 0.5
    assert found.low < 0.5 < found.high


def test_a_performance_profile_falls_from_one_to_zero():
    values = np.array([1.0, 2.0, 3.0, np.nan])
    share, low, high = st.performance_profile(values, np.array([0, 1.5, 2.5, 9]), generator())
    np.testing.assert_allclose(share, [1, 2 / 3, 1 / 3, 0])
    assert (low <= share).all()
    assert (share <= high).all()
    assert np.isnan(st.performance_profile(values[:1], np.array([0]), generator())[1:]).all()


def test_a_band_is_the_mean_interval_at_every_point():
    values = generator(9).normal(size=(8, 3))
    values[2, 1] = np.nan
    mean, low, high = st.band(values, generator(), 4000)
    for t in range(3):
        one = st.mean_interval(values[:, t], generator())
        assert mean[t] == pytest.approx(one.estimate)
        assert low[t] == pytest.approx(one.low, abs=0.12)
        assert high[t] == pytest.approx(one.high, abs=0.12)


def test_a_band_of_one_seed_has_no_ends():
    mean, low, high = st.band(np.array([[1.0, np.nan]]), generator())
    assert mean[0] == 1
    assert np.isnan([mean[1], *low, *high]).all()
