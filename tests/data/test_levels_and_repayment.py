import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evenhand.core.errors import InputError
from evenhand.data.levels import Levels, cut_levels, given_levels
from evenhand.data.repayment import level_shares, repayment, tally

COUNTS = arrays(int, (3, 6), elements=st.integers(0, 200)).filter(lambda n: (n.sum(1) > 0).all())
SHARES = arrays(float, (3, 6), elements=st.floats(0, 1))


@given(count=COUNTS, share=SHARES)
def test_monotone_repayment_never_falls_with_the_level(count, share):
    repay = repayment(np.rint(count * share), count, 0.95, monotone=True)
    assert (np.diff(repay.value, axis=1) >= -1e-12).all()


@given(count=COUNTS, share=SHARES, monotone=st.booleans())
def test_bounds_hold_the_estimate_and_filled_cells_are_marked(count, share, monotone):
    repay = repayment(np.rint(count * share), count, 0.95, monotone)
    assert (repay.low <= repay.value + 1e-12).all()
    assert (repay.value <= repay.high + 1e-12).all()
    assert np.array_equal(repay.filled, count == 0)
    assert (repay.low[repay.filled] == 0).all()
    assert (repay.high[repay.filled] == 1).all()


@given(count=COUNTS, share=SHARES)
def test_monotone_repayment_keeps_the_number_of_repaid_loans(count, share):
    repaid = np.rint(count * share)
    repay = repayment(repaid, count, 0.95, monotone=True)
    assert np.allclose((repay.value * count).sum(1), repaid.sum(1))


@given(count=COUNTS, share=SHARES, order=st.permutations(range(3)), monotone=st.booleans())
def test_permuting_groups_permutes_the_estimates(count, share, order, monotone):
    repaid, order = np.rint(count * share), list(order)
    before = repayment(repaid, count, 0.95, monotone)
    after = repayment(repaid[order], count[order], 0.95, monotone)
    assert np.array_equal(after.value, before.value[order])
    assert np.array_equal(after.low, before.low[order])
    assert np.allclose(
        level_shares(count[order], 0.95).value, level_shares(count, 0.95).value[order]
    )


def test_an_empty_cell_takes_the_rate_of_its_level_over_all_groups():
    count = np.array([[10, 0, 10], [10, 10, 10]])
    repay = repayment(np.array([[1, 0, 9], [2, 4, 8]]), count, 0.95, monotone=False)
    assert repay.value[0, 1] == 0.4


def test_a_level_without_anybody_lies_between_its_neighbours():
    count = np.array([[10, 0, 10]])
    repay = repayment(np.array([[2, 0, 8]]), count, 0.95, monotone=False)
    assert repay.value[0, 1] == pytest.approx(0.5)


@given(score=arrays(float, 200, elements=st.floats(0, 100)), edge=st.integers(0, 4))
def test_score_at_least_an_edge_is_level_at_least_its_number(score, edge):
    levels = Levels(np.array([0.0, 20, 40, 60, 80, 100]))
    assert np.array_equal(score >= levels.edges[edge], levels.of(score) >= edge)


def test_quantile_levels_hold_about_equally_many_people():
    score = np.random.default_rng(0).normal(600, 80, 10_000)
    levels = cut_levels(score, 10, "quantile", whole=True)
    counts = tally(np.zeros(10_000, int), levels.of(score), 1, 10)
    assert (np.abs(counts - 1000) < 60).all()
    assert (levels.edges == np.rint(levels.edges)).all()
    assert len(set(levels.labels)) == 10


def test_levels_that_cannot_be_cut_say_so():
    with pytest.raises(InputError, match="too few different values"):
        cut_levels(np.repeat([1.0, 2.0], 50), 5, "quantile")
    with pytest.raises(InputError, match="--binning"):
        cut_levels(np.arange(50.0), 5, "deciles")
    with pytest.raises(InputError, match="--levels"):
        cut_levels(np.arange(50.0), 1, "width")
    for edges in ((1.0, 1.0, 2.0), (1.0, 2.0), (3.0, 2.0, 1.0), (0.0, 1.0, np.inf)):
        with pytest.raises(InputError, match="--edges"):
            given_levels(edges)
