"""Rows set aside to validate on, and rows as the training loop takes them."""

import jax.numpy as jnp
import numpy as np

from evenhand.supervised.task_loss import Batch

# A group of fewer rows is not split.
_LEAST_TO_SPLIT = 4


def as_batch(X: np.ndarray, Y: np.ndarray, s: np.ndarray) -> Batch:
    """The rows as arrays of jax."""
    return Batch(jnp.asarray(X), jnp.asarray(Y), jnp.asarray(s))


def split_rows(
    X: np.ndarray, Y: np.ndarray, s: np.ndarray, share: float, seed: int
) -> tuple[Batch, Batch]:
    """Rows to train on and `share` of each group to validate on.

    All rows do both where nothing would be set aside, or a group has fewer than four rows.
    """
    out = np.zeros(len(s), bool)
    rng = np.random.default_rng([seed, 1])
    for group in (0, 1):
        mine = np.flatnonzero(s == group)
        if len(mine) < _LEAST_TO_SPLIT:
            return as_batch(X, Y, s), as_batch(X, Y, s)
        out[rng.permutation(mine)[: round(share * len(mine))]] = True
    held = out if out.any() else ~out
    return as_batch(X[~out], Y[~out], s[~out]), as_batch(X[held], Y[held], s[held])
