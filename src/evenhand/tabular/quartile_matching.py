"""What Bisimulator minimises, exactly: one-step differences between quartile-matched groups.

Sections 4.1 and 4.2 of arXiv 2412.17123: the first quartile of one group is matched with the first
of another, and so on, since the groups' own states may hardly overlap. A quartile here is a quarter
of a group's law in order of level; a level that a boundary cuts belongs to both sides in part.
"""

from itertools import combinations
from typing import NamedTuple

import numpy as np

from evenhand.core.errors import InputError
from evenhand.tabular.bisimulation_checks import require_discount, require_laws, require_policy
from evenhand.tabular.mdp import TabularMDP

QUARTILES = 4


class BisimulationObjective(NamedTuple):
    """J = J_rew + J_dyn, equation 7, each summed over the pairs of groups."""

    reward: float
    dynamics: float

    @property
    def total(self) -> float:
        """J_rew + J_dyn."""
        return self.reward + self.dynamics


def bisimulation_objective(
    mdp: TabularMDP,
    policy: np.ndarray,
    laws: np.ndarray,
    discount: float,
    *,
    rewards: np.ndarray | None = None,
    transition: np.ndarray | None = None,
    given_action: bool = False,
) -> BisimulationObjective:
    """J_rew and J_dyn of a stationary policy `(G, S, A)`, states distributed by `laws (G, S)`.

    - J_rew: mean over quartiles of |mean R_i - mean R_j|, R the policy's expected reward of a
      state (equation 8, with the mean inside the quartile as the learner's batches have it).
    - J_dyn: discount times the mean over quartiles and over independent states of the matched ones
      of W2 between normal laws with the moments of the next level, scaled to 0..1 (equations 10
      and 11): W2^2 = (mean_i - mean_j)^2 + (sd_i - sd_j)^2.

    `rewards (G, S, A)` replaces the model's first signal, such as by a corrected reward;
    `transition (G, S, A, S)` the model's, such as by the observed score's. With `given_action`
    next levels are those of a state and an action drawn from the policy, as in a learned model of
    them; without it, those of the state (tau^pi of equation 10).
    """
    require_policy(mdp, policy)
    require_laws(mdp, laws)
    require_discount(discount)
    rewards = _shaped("rewards", rewards, mdp.rewards[..., 0])
    law = _shaped("transition", transition, mdp.transition)
    share = quartile_shares(laws)
    gain = np.einsum("gqs,gsa,gsa->gq", share, policy, rewards)
    if given_action:
        share = np.einsum("gqs,gsa->gqsa", share, policy).reshape(*share.shape[:2], -1)
    else:
        law = np.einsum("gsa,gsan->gsn", policy, law)
    point = _next_level(law.reshape(mdp.num_groups, -1, mdp.num_states))
    pairs = list(combinations(range(mdp.num_groups), 2))
    w2 = {(i, j): np.linalg.norm(point[i][:, None] - point[j], axis=-1) for i, j in pairs}
    reward = sum(float(np.abs(gain[i] - gain[j]).mean()) for i, j in pairs)
    dynamics = sum(_matched_mean(share[i], w2[i, j], share[j]) for i, j in pairs)
    return BisimulationObjective(reward, discount * dynamics)


def matched_distance(metric: np.ndarray, laws: np.ndarray) -> float:
    """Expected entry of `metric (G * S, G * S)` between matched groups, summed over their pairs.

    With the group bisimulation metric this is equation 7 in full: the one-step differences that
    `bisimulation_objective` adds up, carried on for ever.
    """
    groups, states = laws.shape
    if metric.shape != (groups * states,) * 2:
        raise InputError(
            f"metric must be {(groups * states,) * 2} (G * S, G * S) for laws {laws.shape}, "
            f"got {metric.shape}"
        )
    share = quartile_shares(laws)
    table = metric.reshape(groups, states, groups, states)
    return sum(
        _matched_mean(share[i], table[i, :, j], share[j]) for i, j in combinations(range(groups), 2)
    )


def quartile_shares(laws: np.ndarray) -> np.ndarray:
    """`(G, 4, S)` law of the state inside each quartile of `laws (G, S)`."""
    above = np.minimum(np.cumsum(laws, -1), 1.0)
    above[:, -1] = 1.0
    below = np.concatenate([np.zeros((len(laws), 1)), above[:, :-1]], axis=1)
    edge = np.arange(QUARTILES + 1)[:, None] / QUARTILES
    inside = np.minimum(above[:, None], edge[1:]) - np.maximum(below[:, None], edge[:-1])
    return QUARTILES * np.maximum(inside, 0)


def _matched_mean(first: np.ndarray, table: np.ndarray, second: np.ndarray) -> float:
    """Mean of `table (S, S)` over quartiles, its ends independent inside matched ones."""
    return float(np.einsum("qs,st,qt->q", first, table, second).mean())


def _next_level(law: np.ndarray) -> np.ndarray:
    """`(..., 2)` mean and standard deviation of the level, scaled to 0..1, under `law (..., S)`."""
    level = np.linspace(0, 1, law.shape[-1])
    mean = law @ level
    # Centred first: the difference of two squares would leave rounding, and its root is large.
    variance = (law * (level - mean[..., None]) ** 2).sum(-1)
    return np.stack([mean, np.sqrt(variance)], axis=-1)


def _shaped(name: str, given: np.ndarray | None, own: np.ndarray) -> np.ndarray:
    if given is None:
        return own
    if given.shape != own.shape:
        raise InputError(f"{name} must be {own.shape} like the model's, got {given.shape}")
    return given
