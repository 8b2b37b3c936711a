"""Probabilities under a trained rule, in pieces of few sizes, since every size is compiled."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from evenhand.supervised.rule import AbstractRule

_LARGEST = 4096


def rule_probabilities(
    rule: AbstractRule, state: Any, X: Float[np.ndarray, "n F"]
) -> Float[np.ndarray, "n M"]:
    """The probability of label 1 on every task for every row."""
    found = []
    for start in range(0, len(X), _LARGEST):
        piece = X[start : start + _LARGEST]
        size = min(_LARGEST, 1 << (len(piece) - 1).bit_length())
        padded = np.zeros((size, X.shape[1]), np.float32)
        padded[: len(piece)] = piece
        found.append(np.asarray(_probabilities(rule, state, jnp.asarray(padded)))[: len(piece)])
    return np.concatenate(found)


def side_by_side(columns: list[np.ndarray]) -> np.ndarray:
    """The columns as one array `(n, M)`, of objects where some are words and some numbers.

    numpy alone would make words of the numbers.
    """
    if len({column.dtype.kind for column in columns}) > 1:
        columns = [column.astype(object) for column in columns]
    return np.stack(columns, 1)


@partial(jax.jit, static_argnums=0)
def _probabilities(rule: AbstractRule, state: Any, X: Array) -> Float[Array, "n M"]:
    logits = rule.logits(state, X)
    return jax.nn.sigmoid(logits[..., 1] - logits[..., 0])
