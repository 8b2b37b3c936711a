"""What a metric is, and what measuring it gives; the table of them is `catalogue.py`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from evenhand.core.rollout import Evaluation
from evenhand.metrics import reducers
from evenhand.metrics.statistics import GroupStatistic


@dataclass(frozen=True)
class Metric:
    """What a number means, and how it comes out of an evaluation.

    `direction` says which value is better for whom the title names: "higher", "lower", or None
    where neither is; for `difference`, lower is always closer to equal treatment.
    """

    id: str
    title: str
    definition: str
    unit: str
    direction: str | None
    statistic: Callable[[Evaluation, Any, Any], GroupStatistic]
    reducer: Callable[[GroupStatistic], Array]


@dataclass(frozen=True)
class Measurement:
    """One metric of E episodes, in numpy; no data is NaN with a count of 0.

    - `by_group (E, G)`, `count (E, G)`: the statistic and the weight of the data behind it.
    - `value (E,)`: the metric's headline.
    - `difference (E,)`: largest minus smallest entry of `by_group`, NaN if one is NaN.
    - `signed_difference (E,)`: first group minus second; NaN unless there are two.
    - `pairs (E, pairs)`: for distances between groups, one per pair (0,1), (0,2), ...; else None.
    """

    by_group: np.ndarray
    count: np.ndarray
    value: np.ndarray
    difference: np.ndarray
    signed_difference: np.ndarray
    pairs: np.ndarray | None = None


def total(found: GroupStatistic) -> Array:
    """Sum over groups."""
    return reducers.total(found.by_group, found.count)


def pooled(found: GroupStatistic) -> Array:
    """Mean over everybody, groups weighted by their counts."""
    return reducers.pooled(found.by_group, found.count)


def difference(found: GroupStatistic) -> Array:
    """Largest minus smallest group."""
    return reducers.difference(found.by_group)


def largest_pair(found: GroupStatistic) -> Array:
    """Largest of the distances between two groups; NaN where there are no pairs."""
    pairs = found.pairs
    if pairs is None or pairs.shape[-1] == 0:
        return jnp.full(found.by_group.shape[:-1], jnp.nan)
    return jnp.max(pairs, -1)


def mean_pair(found: GroupStatistic) -> Array:
    """Mean of the distances between two groups; NaN where there are no pairs."""
    pairs = found.pairs
    if pairs is None or pairs.shape[-1] == 0:
        return jnp.full(found.by_group.shape[:-1], jnp.nan)
    return jnp.mean(pairs, -1)
