"""A learner against the exact optimum, where its discount can see it."""

import runpy
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "reach_the_optimum.py"


@pytest.mark.long
def test_ppo_comes_within_two_percent_of_the_exact_optimum_that_its_discount_can_see():
    optimum, learned = runpy.run_path(str(EXAMPLE))["main"](seed=0)
    assert optimum == pytest.approx(263.749, abs=5e-3)
    # A policy of the class cannot beat the optimum of all of them.
    assert 0.98 * optimum < learned < optimum + 1e-6
