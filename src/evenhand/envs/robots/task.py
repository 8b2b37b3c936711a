"""Tasks: what a robot is paid for its speed; all else in its reward is the same in every task."""

from collections.abc import Callable
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

Speed = Float[np.ndarray, " N"]


def forward(velocity: Speed) -> Speed:
    """v: run forward."""
    return velocity


def backward(velocity: Speed) -> Speed:
    """-v: run backward."""
    return -velocity


def slow_walk(velocity: Speed) -> Speed:
    """0.3 - |v - 0.3|: walk at 0.3."""
    return 0.3 - np.abs(velocity - 0.3)


def faster_walk(velocity: Speed) -> Speed:
    """0.3 - 0.6 |v - 0.5|: walk at 0.5, with a flatter slope."""
    return 0.3 - 0.6 * np.abs(velocity - 0.5)


TASKS: MappingProxyType[str, Callable[[Speed], Speed]] = MappingProxyType(
    {
        "forward": forward,
        "backward": backward,
        "slow-walk": slow_walk,
        "faster-walk": faster_walk,
    }
)
