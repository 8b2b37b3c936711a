"""Checks of a log of distributions before the notions of `notions` are computed on it."""

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from evenhand.core.errors import InputError

# Distributions computed in single precision pass; percentages and logits do not.
_SUM_TOLERANCE = 1e-5


def checked_values(q_values: ArrayLike) -> Float[np.ndarray, "S A"]:
    """The optimal values as float64; refused unless a finite table of states and actions."""
    values = _numbers("q_values", q_values)
    if values.ndim != 2 or 0 in values.shape:
        raise InputError(f"q_values must be (S, A), a row per state, got shape {values.shape}")
    if not np.isfinite(values).all():
        state, action = np.argwhere(~np.isfinite(values))[0]
        raise InputError(
            f"q_values must be finite, got {values[state, action]} for state {state}, action "
            f"{action}; leave an action that does not exist out of the table"
        )
    return values


def checked_log(
    states: ArrayLike, probabilities: ArrayLike, table: tuple[int, ...]
) -> tuple[Int[np.ndarray, "*T"], Float[np.ndarray, "*T A"]]:
    """(states, probabilities), refused unless they are rounds over a `table` of (S, A)."""
    where, played = np.asarray(states), _numbers("probabilities", probabilities)
    if where.size and not np.issubdtype(where.dtype, np.integer):
        raise InputError(f"states must be whole numbers, got {where.dtype}; cast them to int")
    if where.ndim == 0 or played.shape != (*where.shape, table[1]):
        raise InputError(
            f"states must be (T,) and probabilities (T, A) with A = {table[1]} as in q_values, got "
            f"shapes {where.shape} and {played.shape}"
        )
    outside = (where < 0) | (where >= table[0])
    if outside.any():
        raise InputError(
            f"states must be 0 to {table[0] - 1}, a row of q_values each, got "
            f"{where[outside].flat[0]}"
        )
    _check_distributions(played)
    return where.astype(np.intp), played


def checked_alpha(alpha: float) -> float:
    """Alpha as a float; refused unless 0 or more."""
    try:
        value = float(alpha)
    except (TypeError, ValueError):
        value = np.nan
    if not value >= 0:
        raise InputError(f"alpha must be a number of 0 or more, got {alpha!r}")
    return value


def _check_distributions(played: Float[np.ndarray, "*T A"]) -> None:
    rows = played.reshape(-1, played.shape[-1])
    total = rows.sum(-1)
    # Written so that NaN fails it.
    wrong = ~((np.abs(total - 1) <= _SUM_TOLERANCE) & (rows.min(-1) >= -1e-12))
    if wrong.any():
        first = int(wrong.argmax())
        shown = np.array2string(rows[first], precision=4, separator=", ", threshold=6)
        raise InputError(
            f"each row of probabilities must be a distribution over actions, got {shown} in row "
            f"{first}, which adds up to {total[first]:.6g}; log the probabilities themselves"
        )


def _numbers(name: str, given: ArrayLike) -> np.ndarray:
    try:
        return np.asarray(given, np.float64)
    except (TypeError, ValueError):
        raise InputError(
            f"{name} must be an array of numbers, all rows as long, got {type(given).__name__} "
            "that is none"
        ) from None
