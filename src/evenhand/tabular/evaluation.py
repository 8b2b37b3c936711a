"""Exact evaluation of a policy in a finite problem: state laws, occupancy, returns per group.

Policies are `(G, S, A)` (stationary) or `(G, H, S, A)` (one per stage). Everything here is about
expectations over a member of each group; `expected_returns` and `totals` scale to the group.
"""

import numpy as np

from evenhand.tabular.mdp import TabularMDP


def stage_factor(mdp: TabularMDP) -> np.ndarray:
    """`(H,)` weight of a reward at each stage: P(the stage happens) times the discount."""
    return mdp.weights * mdp.discount ** np.arange(len(mdp.weights))


def visit_count_law(mdp: TabularMDP) -> np.ndarray:
    """`(H + 1,)` P(N = k), the number of decisions a member meets: w_{k-1} - w_k."""
    return count_law(mdp.weights)


def count_law(chance: np.ndarray) -> np.ndarray:
    """`(..., H + 1)` P(N = k) from the chances `(..., H)` that N is more than k."""
    end = np.ones((*chance.shape[:-1], 1))
    return -np.diff(np.concatenate([end, chance, 0 * end], axis=-1), axis=-1)


def staged(mdp: TabularMDP, policy: np.ndarray) -> np.ndarray:
    """`(G, H, S, A)` view of a policy, repeating a stationary one at every stage."""
    shape = (mdp.num_groups, len(mdp.weights), mdp.num_states, mdp.num_actions)
    if policy.shape == shape:
        return policy
    if policy.shape != shape[:1] + shape[2:]:
        raise ValueError(
            f"policy must be {shape[:1] + shape[2:]} (G, S, A) or {shape} (G, H, S, A), "
            f"got {policy.shape}"
        )
    return np.broadcast_to(policy[:, None], shape)


def state_laws(mdp: TabularMDP, policy: np.ndarray) -> np.ndarray:
    """`(G, H + 1, S)` law of a member's state before each stage, and after the last.

    Stage weights do not enter: entry k is the law given that k decisions have happened.
    """
    policy = staged(mdp, policy)
    groups, horizon, states, _ = policy.shape
    laws = np.empty((groups, horizon + 1, states))
    laws[:, 0] = law = mdp.initial
    flat = mdp.transition.reshape(groups, -1, states)
    for k in range(horizon):
        visits = law[:, :, None] * policy[:, k]
        law = (visits.reshape(groups, 1, -1) @ flat)[:, 0]
        laws[:, k + 1] = law
    return laws


def occupancy(mdp: TabularMDP, policy: np.ndarray) -> np.ndarray:
    """`(G, H, S, A)` expected weighted visits of a member, `(G, S, A)` for an infinite horizon.

    Finite: law of stage k times the policy times `stage_factor`. Infinite: the discounted sum
    of visits, which adds up to 1 / (1 - discount).
    """
    if mdp.horizon is None:
        return _discounted_visits(mdp, policy)[..., None] * policy
    laws = state_laws(mdp, policy)[:, :-1]
    return laws[..., None] * staged(mdp, policy) * stage_factor(mdp)[:, None, None]


def expected_returns(mdp: TabularMDP, policy: np.ndarray) -> np.ndarray:
    """`(G, M)` returns J: group size times a member's expected sum of every signal."""
    visits = occupancy(mdp, policy)
    if mdp.horizon is not None:
        visits = visits.sum(1)
    return np.einsum("gsa,gsam->gm", visits, mdp.rewards) * mdp.group_size[:, None]


def final_law(mdp: TabularMDP, policy: np.ndarray) -> np.ndarray:
    """`(G, S)` expected law of a member's state at the end, after a random number of decisions."""
    return np.einsum("k,gks->gs", visit_count_law(mdp), state_laws(mdp, policy))


def totals(mdp: TabularMDP, policy: np.ndarray) -> np.ndarray:
    """`(G, M + S)` group sums: returns of every signal, then expected members in each end state."""
    ended = final_law(mdp, policy) * mdp.group_size[:, None]
    return np.concatenate([expected_returns(mdp, policy), ended], axis=1)


def state_values(mdp: TabularMDP, policy: np.ndarray) -> np.ndarray:
    """`(G, S, M)` expected discounted return from each state under a stationary policy."""
    _require_discount(mdp)
    move, reward = under(mdp, policy)
    eye = np.eye(mdp.num_states)
    return np.linalg.solve(eye - mdp.discount * move, reward)


def under(mdp: TabularMDP, policy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`(G, S, S)` transitions and `(G, S, M)` rewards under a stationary policy."""
    move = np.einsum("gsa,gsan->gsn", policy, mdp.transition)
    return move, np.einsum("gsa,gsam->gsm", policy, mdp.rewards)


def normalised(visits: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """Policy in proportion to visits `(G, [H,] S, A)`, or `otherwise (G, S, A)` without any."""
    mass = visits.sum(-1, keepdims=True)
    seen = mass > 1e-12
    if visits.ndim == 4:
        otherwise = otherwise[:, None]
    return np.where(seen, visits / np.where(seen, mass, 1.0), otherwise)


def _discounted_visits(mdp: TabularMDP, policy: np.ndarray) -> np.ndarray:
    _require_discount(mdp)
    move, _ = under(mdp, policy)
    forward = np.eye(mdp.num_states) - mdp.discount * move.transpose(0, 2, 1)
    return np.linalg.solve(forward, mdp.initial[..., None])[..., 0]


def _require_discount(mdp: TabularMDP) -> None:
    if not mdp.discount < 1:
        raise ValueError(
            f"an infinite horizon needs discount < 1, got {mdp.discount}; or set `horizon`"
        )
