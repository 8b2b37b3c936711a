"""What a parameter file of `Lending-v0` may hold."""

from dataclasses import dataclass

import numpy as np

FORMAT = "evenhand-params-1"
ENVIRONMENT = "Lending-v0"

# Field of the population -> number of axes of its value (0: one number), or "text".
PARAMETERS: dict[str, int | str] = {
    "initial": 2,
    "repay_prob": 2,
    "population_per_group": 1,
    "up": 1,
    "down": 1,
    "drift": 3,
    "reward_repaid": 0,
    "reward_default": 0,
    "bin_edges": 1,
    "gain": 1,
    "conscientiousness_std": 0,
    "initial_levels": "text",
    "cash": 0,
    "episode_steps": 0,
}
WHOLE = {"population_per_group", "up", "down", "episode_steps"}
ARRAYS = {"initial", "repay_prob", "drift", "gain"}
HEAD = ("format", "environment", "name", "source", "groups", "level_labels")
TABLE_KEYS = ("value", "low", "high", "count", "filled", "method", "assumed", "reason")


@dataclass(frozen=True)
class Estimate:
    """What is known about an estimated parameter; arrays of the value's shape, or None.

    `count` may also hold one number per law, that is, lack the value's last axis.
    """

    method: str
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    count: np.ndarray | None = None
    filled: np.ndarray | None = None
    """True where the value had no records of its own and was taken from elsewhere."""
