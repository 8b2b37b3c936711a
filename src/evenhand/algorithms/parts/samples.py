"""What PPO and its terms hand to each other."""

from typing import Any

import equinox as eqx
from jaxtyping import Array, Float, Int

from evenhand.algorithms.parts.adam import AdamState
from evenhand.algorithms.parts.network import TwoHeads


class Learner(eqx.Module):
    """What PPO learns: both heads, the optimiser's memory, and the memory of its term."""

    network: TwoHeads
    memory: AdamState
    term: Any = None


class Batch(eqx.Module):
    """Samples of one collected batch; learning takes them flat, one axis B over time and worlds."""

    obs: Float[Array, "*axes obs"]
    action: Int[Array, "*axes"]
    log_prob: Float[Array, "*axes"]
    log_probs: Float[Array, "*axes A"]
    """Of every action, under the network that collected the sample."""
    value: Float[Array, "*axes"]
    advantage: Float[Array, "*axes"]
    target: Float[Array, "*axes"]
    weight: Float[Array, "*axes"]
    group: Int[Array, "*axes"]
    columns: Any
    """What the term added to each sample."""
