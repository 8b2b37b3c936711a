import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from evenhand.data.intervals import clopper_pearson, goodman, wilson


@given(n=st.integers(1, 10**7), share=st.floats(0, 1), confidence=st.floats(0.5, 0.999))
def test_every_interval_holds_its_estimate_and_stays_in_the_unit_interval(n, share, confidence):
    k = round(n * share)
    for bounds in (wilson, clopper_pearson):
        low, high = bounds(np.array(k), np.array(n), confidence)
        assert 0 <= low <= k / n <= high <= 1
    low, high = goodman(np.array([k, n - k, 0]), confidence)
    assert (low <= np.array([k, n - k, 0]) / n).all()
    assert (np.array([k, n - k, 0]) / n <= high).all()


@given(n=st.integers(1, 2000), share=st.floats(0, 1))
def test_wilson_and_clopper_pearson_agree_with_scipy(n, share):
    k = round(n * share)
    for method, bounds in (("wilson", wilson), ("exact", clopper_pearson)):
        known = binomtest(k, n).proportion_ci(0.95, method)
        assert bounds(np.array(k), np.array(n)) == pytest.approx((known.low, known.high), abs=1e-9)


def test_no_records_means_anything_between_zero_and_one():
    for bounds in (wilson, clopper_pearson):
        low, high = bounds(np.array([0]), np.array([0]))
        assert (low[0], high[0]) == (0, 1)


def test_goodman_bounds_cover_all_shares_together():
    law, generator = np.array([0.05, 0.15, 0.3, 0.5]), np.random.default_rng(0)
    low, high = goodman(generator.multinomial(400, law, size=2000))
    assert ((low <= law) & (law <= high)).all(1).mean() >= 0.94
