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
from evenhand.data.population import DEFAULTED, DENIED, REPAID

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
    """(what happened, group) without a move of their own: the law of all groups stands in."""


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
    if (seen.sum(1) == 0).any():
        what = "delayed" if seen[0].sum() == 0 else "duly paid"
        raise InputError(
            f"the status columns hold no month that was {what}; check their meaning (--delayed-from)"
        )
    borrowed = tuple((what + DEFAULTED, g) for what, g in np.argwhere(seen == 0).tolist())
    for what, g in borrowed:
        tables[:, what - DEFAULTED, g] = tables[:, what - DEFAULTED].sum(1)
    laws = censored_law(tables)  # (1 + B, 2, G, 2K - 1)
    clients = [[_clients(delayed, group, what, g) for g in range(num_groups)] for what in (1, 0)]
    bounds = _bounds(laws, np.array(clients), confidence)
    means = laws @ np.arange(1 - num_levels, num_levels)
    return _as_drift(tables[0], laws[0], bounds, means, seen, borrowed, confidence)


def _clients(delayed: np.ndarray, group: np.ndarray, what: int, g: int) -> int:
    """Clients of the group with at least one month of the kind."""
    return int(((delayed == what).any(1) & (group == g)).sum())


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


def _bounds(laws: np.ndarray, clients: np.ndarray, confidence: float) -> np.ndarray:
    """`(2, 2, G, 2K - 1)` lower and upper bounds: quantiles of the resamples.

    Resampling never shows a move that nobody made, so there the upper bound is the exact one for
    0 out of that many clients.
    """
    tail = (1 - confidence) / 2
    low, high = np.quantile(laws[1:], [tail, 1 - tail], axis=0) if len(laws) > 1 else laws[[0, 0]]
    unseen = clopper_pearson(np.zeros(clients.shape), clients, confidence)[1][..., None]
    high = np.where(laws[0] == 0, np.maximum(high, unseen), high)
    return np.stack([np.minimum(low, laws[0]), np.maximum(high, laws[0])])


def _as_drift(
    table: np.ndarray,
    law: np.ndarray,
    bounds: np.ndarray,
    means: np.ndarray,
    seen: np.ndarray,
    borrowed: tuple[tuple[int, int], ...],
    confidence: float,
) -> Transitions:
    """The total moves split into whole steps (`up`, `down`) and the rest (`drift`).

    Only their sum is identified; the steps are the mean moves, rounded, and never negative.
    """
    num_groups, num_levels = law.shape[1], table.shape[-1]
    down = np.maximum(0, np.rint(-means[0, 0])).astype(int)
    up = np.maximum(0, np.rint(means[0, 1])).astype(int)
    steps = {DEFAULTED: -down, REPAID: up}
    move = np.arange(1 - num_levels, num_levels)
    reach = max(
        int(np.abs(move[law[what - 1, g] > 0] - step[g]).max())
        for what, step in steps.items()
        for g in range(num_groups)
    )
    drift = np.zeros((3, 3, num_groups, 2 * reach + 1))  # value, low, high
    drift[1:, DENIED] = np.nan
    drift[0, DENIED, :, reach] = 1
    for what, step in steps.items():
        for g in range(num_groups):
            place = move - step[g] + reach
            inside = (place >= 0) & (place <= 2 * reach)
            drift[0, what, g, place[inside]] = law[what - 1, g, inside]
            drift[1:, what, g, place[inside]] = bounds[:, what - 1, g, inside]
    tail = (1 - confidence) / 2
    spread = np.quantile(means[1:], [tail, 1 - tail], axis=0) if len(means) > 1 else means[[0, 0]]
    mean_move, misfit = np.full((3, num_groups, 3), np.nan), np.full((3, num_groups), np.nan)
    mean_move[1:] = np.stack([means[0], *spread], -1)
    misfit[1:] = _misfit(table, law)
    count = np.concatenate([np.zeros((1, num_groups)), seen]).astype(int)
    return Transitions(
        tuple(up.tolist()), tuple(down.tolist()), *drift, count, mean_move, misfit, borrowed
    )


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
