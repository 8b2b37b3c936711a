"""Classifiers that learn from an approve-all burn-in and are then deployed frozen.

The burn-in is an episode of its own, before deployment: evaluations count neither its losses nor
what it did to people. Both are global: they do not look at the group.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from evenhand.algorithms.parts.burn_in import level_label_counts
from evenhand.algorithms.parts.payoff import payoff_of
from evenhand.core.errors import InputError
from evenhand.core.policy import TabularPolicy, threshold_policy


def monotone_rate(counts: np.ndarray) -> np.ndarray:
    """`(K,)` share of label 1 at each level of `counts (K, 2)`, made to rise with the level.

    Least squares weighted by the number seen (isotonic regression). A level nobody was seen at
    takes on its neighbours' rate.
    """
    from scipy.optimize import isotonic_regression

    seen = counts.sum(-1)
    if not seen.any():
        raise InputError("the burn-in saw nobody, so there is nothing to learn from; give it steps")
    overall = counts[:, 1].sum() / seen.sum()
    rate = np.where(seen > 0, counts[:, 1] / np.maximum(seen, 1), overall)
    return isotonic_regression(rate, weights=np.maximum(seen, 1e-9)).x


def _steps(env: Any, burn_in_steps: int | str | None) -> int:
    if burn_in_steps is None:
        return env.episode_steps
    if not str(burn_in_steps).isdecimal() or int(burn_in_steps) < 1:
        raise InputError(f"a burn-in is a number of steps, at least 1, got {burn_in_steps!r}")
    return int(burn_in_steps)


def max_util_fitted(
    env: Any, params: Any, key: PRNGKeyArray, burn_in_steps: int | str | None = None
) -> TabularPolicy:
    """One frozen threshold at the level where an approval is estimated to start to pay.

    Repayment by observed level is estimated from one approve-all episode (`burn_in_steps`
    decisions, default the world's episode) by isotonic regression. Approving everybody moves
    people, so a level's rate is that of whoever is there during the burn-in.
    **Assumes**: known payoffs. **Reference**: the classifier agents of ml-fairness-gym (D'Amour
    et al. 2020), which burn in inside the episode and learn a logistic curve.
    """
    steps = _steps(env, burn_in_steps)
    rate = monotone_rate(level_label_counts(key, env, params, steps))
    payoff = payoff_of(params)
    pays = rate * payoff.good + (1 - rate) * payoff.bad >= 0
    return threshold_policy(env, int(np.argmax(pays)) if pays.any() else env.num_levels)


def accuracy_threshold(counts: np.ndarray) -> int:
    """The threshold in 0..K with the most labels right, the lowest of equals.

    `counts (K, 2)`: label 1 is right from the threshold up, label 0 below it.
    """
    wrongly_denied = np.concatenate([[0.0], np.cumsum(counts[:, 1])])
    rightly_denied = np.concatenate([[0.0], np.cumsum(counts[:, 0])])
    return int(np.argmax(rightly_denied - wrongly_denied))


def accuracy_classifier(
    env: Any, params: Any, key: PRNGKeyArray, burn_in_steps: int | str | None = None
) -> TabularPolicy:
    """One frozen threshold on the observed score with the best accuracy on a burn-in.

    The supervised baseline after the static agent of D'Amour et al. 2020: accept everybody for a
    while (`burn_in_steps`, default the world's episode), fit, never look again.
    """
    steps = _steps(env, burn_in_steps)
    cut = accuracy_threshold(level_label_counts(key, env, params, steps))
    return threshold_policy(env, jnp.float32(cut))
