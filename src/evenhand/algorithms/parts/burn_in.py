"""What a lender learns by approving everybody for a while."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from evenhand.core.policy import constant_policy
from evenhand.core.rollout import rollout, start


@eqx.filter_jit
def label_counts(
    key: PRNGKeyArray, env: Any, params: Any, steps: int
) -> Float[Array, "G K labels"]:
    """Applicants of one approve-all episode by group, OBSERVED level and label (0, 1)."""
    start_key, run_key = jr.split(key)
    actors = start(start_key, env, params, 1)
    _, seen = rollout(run_key, env, params, constant_policy(env, 1.0).act, actors, steps)
    group, level = env.decode(seen.obs)
    counts = jnp.zeros((env.num_groups, env.num_levels, 2))
    return counts.at[group, level, seen.outcome.label].add(seen.outcome.weight)


def level_label_counts(key: PRNGKeyArray, env: Any, params: Any, steps: int) -> np.ndarray:
    """`(K, 2)` the same for all groups together, on the host."""
    return np.asarray(label_counts(key, env, params, steps), float).sum(0)
