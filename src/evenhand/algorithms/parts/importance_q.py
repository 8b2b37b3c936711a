"""Values of all policies from the same random trajectories, as in the paper of Fair-E3."""

import numpy as np
from jaxtyping import Float, Int

from evenhand.core.errors import InputError

# Policies that are valued one by one, at most: k^n of them.
_MOST_POLICIES = 1024


def deterministic_policies(num_states: int, num_actions: int) -> Int[np.ndarray, "P S"]:
    """Every deterministic stationary policy, k^n of them."""
    if num_actions**num_states > _MOST_POLICIES:
        raise InputError(
            f"importance sampling values each of {num_actions}^{num_states} policies, more than "
            f"{_MOST_POLICIES}; use estimator certainty-equivalence for problems of this size"
        )
    axes = [np.arange(num_actions)] * num_states
    return np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, num_states)


def trajectory_values(
    states: Int[np.ndarray, "m H"],
    actions: Int[np.ndarray, "m H"],
    rewards: Float[np.ndarray, "m H"],
    policies: Int[np.ndarray, "P S"],
    num_actions: int,
    discount: float,
) -> Float[np.ndarray, "P A"]:
    """Estimates of H-step Q^pi(s, a) of every policy from m uniform trajectories that begin at s.

    mean over i of k^H 1[a_1 = a and a_t = pi(s_t) for t = 2..H] sum_t gamma^(t-1) r_t: unbiased,
    and the same trajectories serve all policies (Kearns, Mansour and Ng 2002).
    """
    m, H = actions.shape
    gained = rewards @ discount ** np.arange(H)
    followed = (policies[:, states[:, 1:]] == actions[:, 1:]).all(-1)
    first = actions[:, 0, None] == np.arange(num_actions)
    return float(num_actions) ** H / m * (followed * gained) @ first


class TrajectoryStore:
    """The random trajectories of B runs, by the state they began at."""

    def __init__(self, num_runs: int, num_states: int, num_actions: int, m_q: int, horizon: int):
        self._policies = deterministic_policies(num_states, num_actions)
        self._num_actions = num_actions
        shape = (num_runs, num_states, m_q, horizon)
        self._states, self._actions = np.zeros(shape, np.int16), np.zeros(shape, np.int16)
        self._rewards = np.zeros(shape)

    def add(
        self,
        at: tuple[np.ndarray, ...],
        states: np.ndarray,
        actions: np.ndarray,
        rewards: np.ndarray,
    ) -> None:
        """Keep a step each of some runs; `at` is run, first state, trajectory, step."""
        self._states[at], self._actions[at], self._rewards[at] = states, actions, rewards

    def q_values(self, run: int, state: int, discount: float) -> Float[np.ndarray, " A"]:
        """Estimates of Q*(state, .): the best over all policies."""
        at = (run, state)
        found = trajectory_values(
            self._states[at], self._actions[at], self._rewards[at], self._policies,
            self._num_actions, discount,
        )  # fmt: skip
        return found.max(0)
