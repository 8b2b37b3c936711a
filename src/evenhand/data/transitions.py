"""How levels move after a month of payment or delay, estimated from repeated records.

The model of `LendingPopulation`: a person at level x moves to clip(x + t, 0, K - 1), and the law
of the total move t depends on the group and on what happened, not on x. Clipping hides part of t
at both ends (from level 1, an arrival at level 0 says only t <= -1), so counting differences of
levels is biased; the estimate is the maximum of the likelihood of censored moves (Turnbull 1976),
found by EM. Bounds come from resampling clients, because the months of one client hang together.
"""

from dataclasses import dataclass

import numpy as np

from evenhand.core.errors import InputError
from evenhand.data.intervals import clopper_pearson
from evenhand.data.population import DEFAULTED, DENIED

_EM_STEPS = 300
_NEGLIGIBLE = 1e-6


@dataclass(frozen=True)
class Transitions:
    """Estimated moves: `up`, `down` and `drift` as `LendingPopulation` takes them, with bounds."""

    up: tuple[int, ...]
    down: tuple[int, ...]
    drift: np.ndarray
    """`(3, G, 2W + 1)`; the row after denial is a certain 0, which is an assumption."""
    low: np.ndarray
    high: np.ndarray
    """Same shape; NaN in the row after denial."""
    count: np.ndarray
    """`(3, G)` moves seen; 0 after denial."""
    mean_move: np.ndarray
    """`(3, G, 3)` mean total move and its bounds; NaN after denial."""
    misfit: np.ndarray
    """`(3, G)` total variation between observed and modelled next levels, averaged over moves."""
    borrowed: tuple[tuple[int, int], ...] = ()
    """(what happened, group) without a move of their own: the law of all groups, bounds [0, 1]."""


def estimate_transitions(
    level: np.ndarray,
    delayed: np.ndarray,
    group: np.ndarray,
    num_groups: int,
    num_levels: int,
    confidence: float = 0.95,
    num_resamples: int = 200,
    seed: int = 0,
) -> Transitions:
    """Moves from `level (n, T)` before and after each of the `delayed (n, T - 1)` months."""
    tables = _tables(level, delayed, group, num_groups, num_levels, num_resamples, seed)
    seen = tables[0].sum((-1, -2))  # (2, G)
    _check_seen(seen)
    borrowed = _lend(tables, seen)
    laws = censored_law(tables)  # (1 + B, 2, G, 2K - 1)
    means = laws @ np.arange(1 - num_levels, num_levels)
    steps = _steps(means[0])
    drift = _drift(_with_bounds(laws, _clients(delayed, group, num_groups), confidence), steps)
    for what, g in borrowed:
        drift[1:, what, g] = [[0.0], [1.0]]
    return Transitions(
        tuple(steps[1].tolist()),
        tuple(steps[0].tolist()),
        *drift,
        count=_after_denial(seen, 0.0).astype(int),
        mean_move=_after_denial(np.moveaxis(_hull(means, confidence), 0, -1), np.nan),
        misfit=_after_denial(_misfit(tables[0], laws[0]), np.nan),
        borrowed=borrowed,
    )


def _check_seen(seen: np.ndarray) -> None:
    for what, total in zip(("delayed", "duly paid"), seen.sum(1), strict=True):
        if total == 0:
            raise InputError(
                f"the status columns hold no month that was {what}; check --delayed-from"
            )


def _lend(tables: np.ndarray, seen: np.ndarray) -> tuple[tuple[int, int], ...]:
    """Who has no moves of their own, after putting the moves of all groups in their place."""
    everybody = tables.sum(2)
    without = np.argwhere(seen == 0).tolist()
    for what, g in without:
        tables[:, what, g] = everybody[:, what]
    return tuple((what + DEFAULTED, g) for what, g in without)


def _after_denial(by_outcome: np.ndarray, nothing: float) -> np.ndarray:
    """The array with a first row for denials, of which the records hold none."""
    return np.concatenate([np.full((1, *by_outcome.shape[1:]), nothing), by_outcome])


def _clients(delayed: np.ndarray, group: np.ndarray, num_groups: int) -> np.ndarray:
    """`(2, G)` clients with at least one month of delay, and of payment."""
    ever = (delayed.any(1), (~delayed).any(1))
    return np.stack([np.bincount(group[some], minlength=num_groups) for some in ever])


def _tables(
    level: np.ndarray,
    delayed: np.ndarray,
    group: np.ndarray,
    num_groups: int,
    num_levels: int,
    num_resamples: int,
    seed: int,
) -> np.ndarray:
    """`(1 + B, 2, G, K, K)` moves after delay and payment; first the data, then B resamples."""
    if num_resamples < 20:
        raise InputError(f"--resamples must be at least 20 to give bounds, got {num_resamples}")
    shape = (2, num_groups, num_levels, num_levels)
    paid = 1 - delayed.astype(int)
    cell = np.ravel_multi_index((paid, group[:, None], level[:, :-1], level[:, 1:]), shape)
    generator, (n, months) = np.random.default_rng(seed), delayed.shape
    tables = []
    for draw in range(1 + num_resamples):
        picks = np.bincount(generator.integers(n, size=n), minlength=n) if draw else np.ones(n)
        weight = np.repeat(picks, months)
        tables.append(np.bincount(cell.ravel(), weight, int(np.prod(shape))).reshape(shape))
    return np.stack(tables)


def censored_law(tables: np.ndarray) -> np.ndarray:
    """`(..., 2K - 1)` most likely law of the unclipped move, from `(..., K, K)` counts of moves."""
    num_levels = tables.shape[-1]
    level, move = np.arange(num_levels), np.arange(1 - num_levels, num_levels)
    target = np.clip(level[:, None] + move, 0, num_levels - 1)
    fits = (target[:, None] == level[:, None]).reshape(num_levels**2, -1).astype(float)
    counts = tables.reshape(*tables.shape[:-2], -1)
    total = np.maximum(counts.sum(-1, keepdims=True), 1)
    law = np.full((*counts.shape[:-1], len(move)), 1 / len(move))
    for _ in range(_EM_STEPS):
        expected = law @ fits.T
        law = law * (np.where(counts > 0, counts / np.maximum(expected, 1e-300), 0) @ fits) / total
    law = np.where(law < _NEGLIGIBLE, 0.0, law)
    return law / np.maximum(law.sum(-1, keepdims=True), 1e-300)


def _hull(draws: np.ndarray, confidence: float) -> np.ndarray:
    """`(3, ...)` value (the first draw) and quantiles of the others, widened to hold the value."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(draws[1:], [tail, 1 - tail], axis=0)
    return np.stack([draws[0], np.minimum(low, draws[0]), np.maximum(high, draws[0])])


def _with_bounds(laws: np.ndarray, clients: np.ndarray, confidence: float) -> np.ndarray:
    """`(3, 2, G, 2K - 1)` the law and its lower and upper bounds.

    Resampling never shows a move that nobody made, so there the upper bound is the exact one for
    0 out of that many clients.
    """
    value, low, high = _hull(laws, confidence)
    unseen = clopper_pearson(np.zeros(clients.shape), clients, confidence)[1][..., None]
    return np.stack([value, low, np.where(value == 0, np.maximum(high, unseen), high)])


def _steps(mean: np.ndarray) -> np.ndarray:
    """`(2, G)` whole levels down after delay and up after payment: mean moves, never negative."""
    return np.maximum(0, np.rint(mean * np.array([[-1], [1]]))).astype(int)


def _drift(laws: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """`(L, 3, G, 2W + 1)` laws of the moves beyond the steps, from `(L, 2, G, 2K - 1)` of moves.

    Only step plus drift is identified. The first law decides how far W reaches.
    """
    largest = laws.shape[-1] // 2
    move = np.arange(-largest, largest + 1)
    extra = move - (steps * np.array([[-1], [1]]))[..., None]  # (2, G, 2K - 1)
    reach = int(np.abs(extra[laws[0] > 0]).max())
    drift = np.zeros((len(laws), 3, laws.shape[2], 2 * reach + 1))
    drift[0, DENIED, :, reach] = 1
    drift[1:, DENIED] = np.nan
    for what, g in np.ndindex(2, laws.shape[2]):
        near = np.abs(extra[what, g]) <= reach
        drift[:, what + DEFAULTED, g, extra[what, g, near] + reach] = laws[:, what, g, near]
    return drift


def _misfit(table: np.ndarray, law: np.ndarray) -> np.ndarray:
    """`(2, G)` how far the next levels are from the ones of the model, 0 (same) to 1."""
    num_levels = table.shape[-1]
    level = np.arange(num_levels)
    modelled = np.zeros(table.shape)
    for t, prob in zip(range(1 - num_levels, num_levels), np.moveaxis(law, -1, 0), strict=True):
        modelled[..., level, np.clip(level + t, 0, num_levels - 1)] += prob[..., None]
    start = table.sum(-1, keepdims=True)
    apart = np.abs(table - start * modelled).sum((-1, -2)) / 2
    return apart / np.maximum(start.sum((-1, -2)), 1)
