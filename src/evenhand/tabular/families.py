"""Finite problems on which equal treatment of actions is cheap, dear, or binding by design.

One group, rewards that belong to states (the same for every action) and lie in [0, 1], as in
Jabbari, Joseph, Kearns, Morgenstern & Roth (2017). `S` states are s_1..s_n of the paper, from 0.
"""

import numpy as np
from jaxtyping import Float, Int

from evenhand.core.errors import InputError
from evenhand.tabular.mdp import TabularMDP
from evenhand.tabular.planning import policy_iteration, scalar_rewards


def optimal_q(mdp: TabularMDP) -> Float[np.ndarray, "S A"]:
    """Optimal values of state and action to machine precision, of a problem with one group."""
    value = policy_iteration(mdp).value
    ahead = mdp.transition @ value[:, None, :, None]
    return (scalar_rewards(mdp) + mdp.discount * ahead[..., 0])[0]


def state_reward_mdp(
    transition: Float[np.ndarray, "S A S"], rewards: Float[np.ndarray, " S"], discount: float
) -> TabularMDP:
    """A problem with one group that starts in the first state, its rewards a number per state."""
    states, actions, _ = transition.shape
    return TabularMDP(
        transition=transition[None],
        rewards=np.repeat(rewards[None, :, None, None], actions, axis=2),
        initial=np.eye(states)[:1],
        group_size=np.ones(1),
        discount=discount,
    )


def chain(n: int, actions: int = 2, discount: float = 0.9, x: float = 1.0) -> TabularMDP:
    """M(x) of Definition 6: the last action goes one state ahead, all others back to the first.

    Rewards are 1/2 everywhere but x at the last state. With x = 1/2 no action is better than
    another; with x = 1 the last action is, everywhere; until the last state is seen nobody can
    tell which.
    """
    rewards = np.full(_checked(n, actions, discount), 0.5)
    rewards[-1] = _in_unit("x", x)
    return state_reward_mdp(_one_ahead_or_back(n, actions), rewards, discount)


def chain_value(n: int, discount: float, x: float = 1.0) -> Float[np.ndarray, " S"]:
    """Optimal values of `chain` for x >= 1/2, in closed form.

    V*(s_i) = (1/2 + (x - 1/2) discount^(n - i)) / (1 - discount); at x = 1 this is
    (1 + discount^(n - i)) / (2 (1 - discount)).
    """
    return (0.5 + (x - 0.5) * discount ** np.arange(n - 1.0, -1, -1)) / (1 - discount)


def chain_gap(n: int, discount: float, x: float = 1.0) -> Float[np.ndarray, " S"]:
    """Optimal value of going ahead minus that of going back, in closed form, for x >= 1/2.

    (x - 1/2) discount^(n - i) (1 - discount^i) / (1 - discount) before the last state, where it is
    (x - 1/2) (discount - discount^n) / (1 - discount). The smallest is at s_1:
    (x - 1/2) discount^(n - 1).
    """
    i = np.arange(1.0, n + 1)
    gap = discount ** (n - i) * (1 - discount**i)
    gap[-1] = discount - discount**n
    return (x - 0.5) * gap / (1 - discount)


def costly_chain(
    n: int, alpha: float, actions: int = 2, discount: float = 0.9, x: float = 1.0
) -> TabularMDP:
    """A chain on which alpha-action fairness binds in both directions; this project's own.

    The moves are those of `chain`. The first state earns `first_reward(alpha, discount)`, the
    others nothing, the last x. At x = 0 going back is better by more than alpha in every state; at
    x = 1 going ahead is, in every state, if n <= `longest_costly_chain`. So before the last state
    is seen, all actions must have the same probability.
    """
    rewards = np.zeros(_checked(n, actions, discount))
    rewards[0] = _in_unit("the reward of the first state, 1.01 alpha / discount,",
                          first_reward(alpha, discount))  # fmt: skip
    rewards[-1] = _in_unit("x", x)
    return state_reward_mdp(_one_ahead_or_back(n, actions), rewards, discount)


def first_reward(alpha: float, discount: float) -> float:
    """1.01 alpha / discount: worth just more than alpha to whoever goes back to earn it."""
    return 1.01 * alpha / discount


def longest_costly_chain(alpha: float, discount: float) -> int:
    """The largest n with discount^(n - 1) > alpha + discount * first_reward, 2.01 alpha.

    Going ahead from the first state is worth discount^(n - 1) - discount * first_reward more than
    going back, the smallest difference of all, and must exceed alpha.
    """
    if not (alpha > 0 and 0 < discount < 1):
        raise InputError(f"alpha must be above 0 and discount in (0, 1), got {alpha}, {discount}")
    n = max(1, int(1 + np.log(2.01 * alpha) / np.log(discount)) - 1)
    while discount**n > 2.01 * alpha:
        n += 1
    return n if discount ** (n - 1) > 2.01 * alpha else 0


def costly_value(n: int, alpha: float, discount: float) -> Float[np.ndarray, " S"]:
    """Optimal values of `costly_chain` at x = 1, in closed form: go ahead everywhere."""
    value = discount ** np.arange(n - 1.0, -1, -1) / (1 - discount)
    value[0] += first_reward(alpha, discount)
    return value


def relabelled(mdp: TabularMDP, actions: Int[np.ndarray, "S A"]) -> TabularMDP:
    """The same problem with action `actions[s, a]` of state s now called a."""
    if not (np.sort(actions, 1) == np.arange(mdp.num_actions)).all():
        raise InputError("each row of actions must be an order of all actions")
    states = np.arange(mdp.num_states)[:, None]
    return TabularMDP(
        mdp.transition[:, states, actions], mdp.rewards[:, states, actions], mdp.initial,
        mdp.group_size, mdp.discount, signals=mdp.signals,
    )  # fmt: skip


def _one_ahead_or_back(n: int, actions: int) -> Float[np.ndarray, "S A S"]:
    moves = np.zeros((n, actions, n))
    moves[:, :-1, 0] = 1
    moves[np.arange(n), -1, np.minimum(np.arange(n) + 1, n - 1)] = 1
    return moves


def _checked(n: int, actions: int, discount: float) -> int:
    if n < 2 or actions < 2:
        raise InputError(f"a chain needs at least 2 states and 2 actions, got {n} and {actions}")
    if not 0 < discount < 1:
        raise InputError(f"discount must be between 0 and 1, got {discount}")
    return n


def _in_unit(name: str, reward: float) -> float:
    if not 0 <= reward <= 1:
        raise InputError(f"{name} must be in [0, 1] as all rewards are, got {reward}")
    return reward
