"""Rules that need no learning, as a person writes them: constants, thresholds, tables in a file.

In Python, `core.policy` has `constant_policy` and `threshold_policy`. Here every function takes
`(env, params, key, argument)`, as the table of policies wants, and uses what it needs. What is
written is read by `tabular.rule_table`, which gives the same rules without jax.
"""

from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from evenhand.core.policy import TabularPolicy, constant_policy, threshold_policy
from evenhand.tabular.rule_table import (
    COLUMNS,
    file_table,
    level_cuts,
    read_number,
    score_cut,
    score_edges,
    share_of,
)

__all__ = [
    "COLUMNS",
    "approve_all",
    "bin_edges",
    "constant",
    "deny_all",
    "level_threshold",
    "score_cut",
    "score_threshold",
    "table",
]


def approve_all(env: Any, params: Any = None, key: Any = None, argument: Any = None) -> Any:
    """Everybody is approved."""
    return constant_policy(env, 1.0)


def deny_all(env: Any, params: Any = None, key: Any = None, argument: Any = None) -> Any:
    """Nobody is approved."""
    return constant_policy(env, 0.0)


def constant(env: Any, params: Any, key: Any, argument: str) -> TabularPolicy:
    """Everybody is approved with the same probability, as in "0.5"."""
    return constant_policy(env, share_of(argument))


def level_threshold(env: Any, params: Any, key: Any, argument: str) -> TabularPolicy:
    """Approval from a level index up: "3" for everybody, "3,2" for each group its own.

    Level indices count from 0; the number of levels denies everybody. A fraction randomises.
    """
    cuts = level_cuts(argument, env.num_groups, env.num_levels)
    return threshold_policy(env, cuts.astype(np.float32))


def score_threshold(env: Any, params: Any, key: Any, argument: str) -> TabularPolicy:
    """Approval from a score up, as in "620"; see `score_cut` for scores inside a level."""
    cut, _ = score_cut(read_number(argument, "a score"), bin_edges(env))
    return threshold_policy(env, cut)


def bin_edges(env: Any) -> tuple[float, ...]:
    """The scores at which the world's levels begin and end."""
    return score_edges(env.built_from.value)


def table(env: Any, params: Any, key: Any, argument: str | Path) -> TabularPolicy:
    """Approval probabilities from a CSV file with columns group, level and approve.

    `group` is a name or an index, `level` an index from 0; every pair must be there once.
    """
    approve = file_table(argument, tuple(env.built_from.value.groups), env.num_levels)
    return TabularPolicy(jnp.asarray(np.stack([1 - approve, approve], -1), jnp.float32), env)
