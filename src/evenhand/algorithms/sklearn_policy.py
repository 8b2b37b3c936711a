"""Any classifier with scikit-learn's interface as a policy."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from evenhand.algorithms.parts.approval import AbstractApprovalPolicy
from evenhand.core.errors import InputError, unknown_name
from evenhand.core.policy import TabularPolicy

INPUTS = ("level", "group-level", "observation")


class HostClassifierPolicy(AbstractApprovalPolicy):
    """Asks a Python function on the host at every decision; for inputs that are no finite set.

    `probability(X)` gives P(label 1) `(n,)` for rows of observations; `threshold` None approves
    with that probability, a number approves from it up. Parallel worlds are asked about together.
    """

    probability: Callable[[np.ndarray], np.ndarray] = eqx.field(static=True)
    threshold: float | None = eqx.field(static=True, default=None)

    def approve_prob(self, obs):
        def ask(rows):
            rows = np.asarray(rows)
            flat = self.probability(rows.reshape(-1, rows.shape[-1]))
            return np.asarray(flat, np.float32).reshape(rows.shape[:-1])

        shape = jax.ShapeDtypeStruct((), jnp.float32)
        found = jax.pure_callback(ask, shape, obs, vmap_method="expand_dims")
        return jnp.asarray(_decide(found, self.threshold), jnp.float32)


def classifier_policy(
    estimator: Any, env: Any, *, inputs: str | None = None, threshold: float | None = 0.5
) -> TabularPolicy | HostClassifierPolicy:
    """The policy that approves whom a fitted binary classifier gives a good chance.

    - `inputs`, the columns the estimator was fitted on: "level", "group-level" (two columns of
      indices) or "observation" (the world's whole vector); None: told by their number.
    - `threshold`: approve from this probability up; None: approve with that probability.

    Levels and groups are a finite set, so those policies become tables and run compiled; with
    observations every decision goes back to Python, which is slow.
    """
    if threshold is not None and not 0 <= threshold <= 1:
        raise InputError(f"threshold must be a probability or None, got {threshold}")
    inputs = _told_by_number(estimator, env) if inputs is None else inputs
    if inputs not in INPUTS:
        raise unknown_name("kind of inputs", inputs, INPUTS)
    if inputs == "observation":
        return HostClassifierPolicy(lambda rows: positive_prob(estimator, rows), threshold)
    shape = (env.num_groups, env.num_levels)
    columns = np.indices(shape).reshape(2, -1).T
    rows = columns if inputs == "group-level" else columns[:, 1:]
    approve = _decide(positive_prob(estimator, rows).reshape(shape), threshold)
    approve = jnp.asarray(approve, jnp.float32)
    return TabularPolicy(jnp.stack([1 - approve, approve], -1), env)


def positive_prob(estimator: Any, rows: Any) -> np.ndarray:
    """`(n,)` P(label 1); an estimator without probabilities is certain of what it predicts.

    `rows` is an array, or a data frame for an estimator that tells its columns by name.
    """
    predict = getattr(estimator, "predict_proba", None)
    if predict is None:
        return np.asarray(estimator.predict(rows), float)
    classes = list(estimator.classes_)
    if 1 not in classes:
        if classes == [0]:
            return np.zeros(len(rows))
        raise InputError(f"the classifier must know labels 0 and 1, it knows {classes}")
    return np.asarray(predict(rows))[:, classes.index(1)]


def _decide(probability: Any, threshold: float | None) -> Any:
    return probability if threshold is None else probability >= threshold


def _told_by_number(estimator: Any, env: Any) -> str:
    number = getattr(estimator, "n_features_in_", None)
    by_number = {1: "level", 2: "group-level", env.obs_size: "observation"}
    if number not in by_number or env.obs_size <= 2:
        raise InputError(
            f"cannot tell what the classifier's {number} columns are; pass inputs= one of "
            f"{', '.join(INPUTS)} (an observation of this world has {env.obs_size})"
        )
    return by_number[number]
