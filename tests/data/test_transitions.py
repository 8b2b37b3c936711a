import numpy as np
import pytest

from evenhand.core.errors import InputError
from evenhand.data.population import LendingPopulation
from evenhand.data.transitions import censored_law, estimate_transitions

K, G = 7, 2
DRIFT = np.array(
    [
        [[0.0, 1.0, 0.0], [0.0, 1.0, 0.0]],
        [[0.3, 0.6, 0.1], [0.2, 0.5, 0.3]],
        [[0.1, 0.8, 0.1], [0.25, 0.7, 0.05]],
    ]
)
WORLD = LendingPopulation(
    name="known",
    groups=("a", "b"),
    initial=np.full((G, K), 1 / K),
    repay_prob=np.tile(np.linspace(0.4, 0.9, K), (G, 1)),
    population_per_group=(1, 1),
    up=(1, 1),
    down=(2, 1),
    drift=DRIFT,
)


def histories(n, months, seed):
    """Levels, delays and groups of n clients drawn from `WORLD`."""
    generator = np.random.default_rng(seed)
    group = generator.integers(G, size=n)
    level, delayed = np.empty((n, months + 1), int), np.empty((n, months), bool)
    level[:, 0] = generator.integers(K, size=n)
    moves = WORLD.move_law().cumsum(-1)
    for m in range(months):
        repaid = generator.random(n) < WORLD.repay_prob[group, level[:, m]]
        delayed[:, m] = ~repaid
        law = moves[1 + repaid, group, level[:, m]]
        level[:, m + 1] = (generator.random(n)[:, None] > law).sum(1).clip(0, K - 1)
    return level, delayed, group


def total_law(drift, steps):
    """`(2, G, 2K - 1)` law of step plus drift on -(K - 1)..K - 1."""
    reach, law = drift.shape[2] // 2, np.zeros((2, G, 2 * K - 1))
    for what, (sign, step) in enumerate(zip((-1, 1), steps, strict=True)):
        for g in range(G):
            for c in range(-reach, reach + 1):
                t = sign * step[g] + c + K - 1
                if 0 <= t < 2 * K - 1:
                    law[what, g, t] += drift[what + 1, g, c + reach]
    return law


def test_the_known_law_is_recovered_in_spite_of_clipping():
    moves = estimate_transitions(*histories(20_000, 4, 0), G, K)
    assert (moves.up, moves.down) == (WORLD.up, WORLD.down)
    found = total_law(moves.drift, (moves.down, moves.up))
    known = total_law(DRIFT, (WORLD.down, WORLD.up))
    assert np.abs(found - known).max() < 0.03
    assert np.nanmax(moves.misfit) < 0.03


def test_bounds_hold_the_estimate_and_cover_the_truth():
    known = total_law(DRIFT, (WORLD.down, WORLD.up))
    covered = []
    for seed in range(20):
        moves = estimate_transitions(*histories(1500, 3, seed), G, K, num_resamples=100, seed=seed)
        assert (moves.low[1:] <= moves.drift[1:]).all()
        assert (moves.drift[1:] <= moves.high[1:]).all()
        low = total_law(moves.low, (moves.down, moves.up))
        high = total_law(moves.high, (moves.down, moves.up))
        covered.append(((low - 1e-9 <= known) & (known <= high + 1e-9))[known > 0])
    assert np.mean(covered) > 0.88


def test_laws_are_distributions_and_the_row_after_denial_is_no_move():
    moves = estimate_transitions(*histories(500, 2, 3), G, K, num_resamples=20)
    assert np.allclose(moves.drift.sum(-1), 1)
    reach = moves.drift.shape[2] // 2
    assert (moves.drift[0, :, reach] == 1).all()
    assert (moves.count[0] == 0).all()
    assert np.isnan(moves.low[0]).all()


def test_swapping_the_groups_swaps_the_estimates():
    level, delayed, group = histories(800, 3, 5)
    one = estimate_transitions(level, delayed, group, G, K, num_resamples=20)
    two = estimate_transitions(level, delayed, 1 - group, G, K, num_resamples=20)
    assert np.allclose(one.drift, two.drift[:, ::-1])
    assert np.allclose(one.low[1:], two.low[1:, ::-1])
    assert one.up == two.up[::-1]


def test_without_clipping_the_law_is_the_share_of_each_move():
    table = np.zeros((K, K))
    table[3, [2, 3, 4]] = [10, 70, 20]
    law = censored_law(table)
    assert law[K - 2 : K + 1] == pytest.approx([0.1, 0.7, 0.2])


def test_a_group_without_delays_borrows_the_law_of_all_and_says_so():
    level, delayed, group = histories(800, 3, 6)
    delayed[group == 1] = False
    moves = estimate_transitions(level, delayed, group, G, K, num_resamples=20)
    assert moves.borrowed == ((1, 1),)
    assert moves.count[1, 1] == 0
    assert np.allclose(moves.drift[1, 1], moves.drift[1, 0])
    assert (moves.low[1, 1] == 0).all()
    assert (moves.high[1, 1] == 1).all()


def test_months_of_one_kind_and_few_resamples_say_so():
    level, delayed, group = histories(100, 2, 7)
    with pytest.raises(InputError, match="no month that was delayed"):
        estimate_transitions(level, delayed & False, group, G, K)
    with pytest.raises(InputError, match="--resamples"):
        estimate_transitions(level, delayed, group, G, K, num_resamples=2)
