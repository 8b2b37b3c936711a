"""Laws of GradNorm's step, and its slope against a numerical derivative."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.supervised.gradnorm import TARGETS, gradnorm_step

RATE = 1e-4


def drawn(seed, M=4):
    rng = np.random.default_rng(seed)
    w = rng.uniform(0.5, 1.5, M)
    return w / w.sum(), rng.uniform(0.2, 3.0, M), rng.uniform(0.2, 2.0, M)


def step(w, g, r, **settings):
    return np.asarray(gradnorm_step(*(jnp.asarray(x, jnp.float32) for x in (w, g, r)), **settings))


@pytest.mark.parametrize("target", TARGETS)
def test_equal_norms_and_equal_rates_leave_equal_weights_alone(target):
    found = step(np.full(4, 0.25), np.full(4, 2.0), np.ones(4), target=target, rate=0.1)
    np.testing.assert_allclose(found, 0.25, atol=1e-6)


@given(seed=st.integers(0, 1000), target=st.sampled_from(TARGETS))
def test_weights_stay_positive_and_sum_to_one(seed, target):
    found = step(*drawn(seed), target=target, rate=0.5)
    assert (found > 0).all()
    assert found.sum() == pytest.approx(1, abs=1e-5)


def test_the_task_that_has_trained_fastest_loses_weight():
    found = step(np.full(3, 1 / 3), np.ones(3), np.array([0.2, 1.0, 1.8]), rate=0.01)
    assert found[0] < found[1] < found[2] or found[0] < 1 / 3 < found[2]


@given(seed=st.integers(0, 1000))
def test_the_constant_target_moves_down_the_slope_with_the_target_held(seed):
    w, g, r = drawn(seed)
    rho = r / r.mean()
    target = (w * g).mean() * rho
    slope = numerical(lambda v: np.abs(v * g - target).sum(), w)
    check(w, slope, step(w, g, r, rate=RATE))


@given(seed=st.integers(0, 1000), alpha=st.sampled_from([0.0, 0.5, 1.0, 1.5]))
def test_the_mean_target_moves_down_the_whole_slope(seed, alpha):
    w, g, r = drawn(seed)
    rho = (r / r.mean()) ** alpha
    slope = numerical(lambda v: np.abs(v * g - (v * g).mean() * rho).sum(), w)
    check(w, slope, step(w, g, r, rate=RATE, alpha=alpha, target="mean"))


@given(seed=st.integers(0, 1000))
def test_the_released_slope_is_the_sum_written_in_the_code(seed):
    w, g, r = drawn(seed)
    sign, M = np.sign(g - g.mean() * r / r.mean()), len(g)
    slope = [
        sign[i] * g[i] * (M - 1) / M - sum(sign[j] * g[i] / M for j in range(M) if j != i)
        for i in range(M)
    ]
    check(w, np.array(slope), step(w, g, r, rate=RATE, target="released"))


def numerical(f, w, h=1e-6):
    each = np.eye(len(w)) * h
    return np.array([(f(w + e) - f(w - e)) / (2 * h) for e in each])


def check(w, slope, found):
    moved = w - RATE * slope
    np.testing.assert_allclose(found, moved / moved.sum(), atol=3e-7)
