import numpy as np
import pytest

from evenhand.data import fico
from evenhand.data.fico import binned

WHITE = [0.061, 0.053, 0.060, 0.062, 0.069, 0.069, 0.080, 0.069, 0.072, 0.061, 0.082, 0.088]
BLACK = [0.247, 0.151, 0.155, 0.112, 0.078, 0.062, 0.051, 0.034, 0.027, 0.018, 0.021, 0.019]
WHITE_REPAY = [0.060, 0.149, 0.243, 0.462, 0.679, 0.804, 0.885, 0.931, 0.954, 0.968, 0.978, 0.983]
BLACK_REPAY = [0.035, 0.094, 0.134, 0.316, 0.538, 0.688, 0.799, 0.863, 0.884, 0.913, 0.941, 0.955]


def test_base_repayment_rates_are_the_published_ones():
    law, repay, _ = binned(fico.GROUPS, 100)
    assert (law * repay).sum(1) == pytest.approx([0.759, 0.337, 0.568, 0.807], abs=6e-4)


def test_fourteen_levels_agree_with_the_reference_up_to_the_interpolated_scores():
    # The last two levels depend on how the scores missing from the table are filled in.
    law, repay, edges = binned(("white", "black"), 14)
    assert np.allclose(law[:, :12], [WHITE, BLACK], atol=6e-4)
    assert np.allclose(repay[:, :12], [WHITE_REPAY, BLACK_REPAY], atol=1e-3)
    assert np.allclose(law.sum(1), 1)
    assert (edges[0], edges[-1], len(edges)) == (0, 100, 15)


def test_the_pooled_repayment_of_all_groups_agrees_with_the_reference():
    law, repay, _ = binned(fico.GROUPS, 14)
    size = fico.group_totals(fico.GROUPS)[:, None]
    pooled = (law * repay * size).sum(0) / (law * size).sum(0)
    known = [0.052, 0.134, 0.217, 0.435, 0.660, 0.789, 0.875, 0.923, 0.948, 0.963, 0.975, 0.982]
    assert np.allclose(pooled[:12], known, atol=6e-4)
