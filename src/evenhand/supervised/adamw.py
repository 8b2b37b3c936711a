"""Adam with decoupled weight decay (Loshchilov & Hutter 2019), with torch's default settings."""

from typing import Any

import jax

from evenhand.algorithms.parts.adam import AdamState, adam_step


def adamw_step(
    parameters: Any, grads: Any, state: AdamState, rate: float, weight_decay: float
) -> tuple[Any, AdamState]:
    """Parameters after they are shrunk by `rate * weight_decay` and moved by Adam; the state."""
    shrunk = jax.tree.map(lambda leaf: leaf * (1 - rate * weight_decay), parameters)
    return adam_step(shrunk, grads, state, rate)
