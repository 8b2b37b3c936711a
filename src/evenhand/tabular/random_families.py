"""Two further families for learners that must treat actions equally: a trap, and random problems.

Their sizes only mean something beside the gaps between actions; `gap_spectrum` states those.
"""

import numpy as np
from jaxtyping import Float

from evenhand.core.errors import InputError
from evenhand.tabular.families import state_reward_mdp
from evenhand.tabular.mdp import TabularMDP


def ergodic_random(
    n: int, actions: int = 3, eta: float = 0.1, seed: int = 0, discount: float = 0.6
) -> TabularMDP:
    """A random problem in which every policy reaches every state: P = (1 - eta) P0 + eta / n.

    Rows of P0 are uniform over distributions, rewards of states uniform over [0, 1].
    """
    if n < 1 or actions < 1:
        raise InputError(f"a problem needs states and actions, got {n} and {actions}")
    if not 0 < eta <= 1:
        raise InputError(f"eta must be above 0 and at most 1, got {eta}")
    generator = np.random.default_rng(seed)
    drawn = generator.dirichlet(np.ones(n), (n, actions))
    return state_reward_mdp((1 - eta) * drawn + eta / n, generator.random(n), discount)


def trap(discount: float = 0.8, slip: float = 0.02) -> TabularMDP:
    """Eight states: four good ones, four bad ones, and an action that leads from good to bad.

    Good states (0 to 3) earn 0.6, 0.7, 0.8, 0.9. Action 0 stays, action 1 goes to the next good
    state in a ring, action 2 is the detour: it goes to the first bad state (4). Bad states earn
    0.2; in them actions 0 and 1 lead out to good state 0 with chance 0.5 and 0.4, else to the next
    bad state in a ring, and action 2 always to that one. With chance `slip` any action leads to a
    state drawn at random, so every policy is ergodic. At the defaults the detour is worth 0.95 to
    1.17 less than the best action, everything else at most 0.41 less.
    """
    moves = np.zeros((8, 3, 8))
    for good in range(4):
        moves[good, 0, good] = moves[good, 1, (good + 1) % 4] = moves[good, 2, 4] = 1
    for bad in range(4, 8):
        for action, out in enumerate((0.5, 0.4, 0.0)):
            moves[bad, action, 0] = out
            moves[bad, action, 4 + (bad - 3) % 4] = 1 - out
    rewards = np.array([0.6, 0.7, 0.8, 0.9, 0.2, 0.2, 0.2, 0.2])
    return state_reward_mdp((1 - slip) * moves + slip / 8, rewards, discount)


def gap_spectrum(
    q_values: Float[np.ndarray, "S A"], quantiles: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0)
) -> Float[np.ndarray, " K"]:
    """Quantiles of how much less an action is worth than the best one of its state.

    Over all actions but one best action of each state. An alpha above the largest binds nobody,
    one below the smallest binds as the exact notion does; NaN where there is one action only.
    """
    gaps = np.sort(q_values.max(1, keepdims=True) - q_values, axis=1)[:, 1:]
    if not gaps.size:
        return np.full(len(quantiles), np.nan)
    return np.quantile(gaps, quantiles)
