"""What the bisimulation functions refuse, each in one sentence with the remedy."""

import numpy as np

from evenhand.core.errors import InputError
from evenhand.tabular.mdp import TabularMDP


def require_policy(mdp: TabularMDP, policy: np.ndarray) -> None:
    """Nothing, or an `InputError` unless `policy` is `(G, S, A)` with distributions in it."""
    shape = mdp.num_groups, mdp.num_states, mdp.num_actions
    if np.shape(policy) != shape:
        raise InputError(
            f"policy must be stationary, {shape} (G, S, A), got {np.shape(policy)}; "
            "a policy that depends on the stage has no fixed point"
        )
    _require_rows("policy", policy)


def require_laws(mdp: TabularMDP, laws: np.ndarray) -> None:
    """Nothing, or an `InputError` unless `laws` holds one distribution of states a group."""
    shape = mdp.num_groups, mdp.num_states
    if np.shape(laws) != shape:
        raise InputError(f"laws must be {shape} (G, S), got {np.shape(laws)}")
    _require_rows("laws", laws)


def require_discount(discount: float) -> None:
    """Nothing, or an `InputError` unless 0 <= discount < 1."""
    if not 0 <= discount < 1:
        raise InputError(
            f"discount must be at least 0 and below 1, got {discount}: distances add up "
            "for ever without one"
        )


def require_tol(tol: float) -> None:
    """Nothing, or an `InputError` unless 0 < tol < infinity."""
    if not 0 < tol < np.inf:
        raise InputError(f"tol must be a positive number, got {tol}; try 1e-6")


def require_signal(mdp: TabularMDP, signal: int) -> None:
    """Nothing, or an `InputError` unless `signal` is the index of a signal of finite rewards."""
    if signal not in range(len(mdp.signals)):
        raise InputError(
            f"signal must be an index from 0 to {len(mdp.signals) - 1} "
            f"({', '.join(mdp.signals)}), got {signal!r}"
        )
    if not np.isfinite(mdp.rewards[..., signal]).all():
        raise InputError(
            f"rewards of signal {mdp.signals[signal]!r} must be finite; give actions that are "
            "not allowed probability 0 and any number"
        )


def _require_rows(name: str, rows: np.ndarray) -> None:
    off = np.abs(np.sum(rows, -1) - 1).max()
    if not off < 1e-6 or np.min(rows) < -1e-12:
        raise InputError(
            f"rows of {name} must be distributions; the worst sum is off by {off:.3g} and the "
            f"least entry is {np.min(rows):.3g}; divide each row by its sum"
        )
