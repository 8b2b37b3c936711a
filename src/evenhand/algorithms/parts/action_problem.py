"""What learners of nearly optimal actions meet: one chain of decisions, rewards of states."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from evenhand.core.errors import InputError
from evenhand.tabular.mdp import TabularMDP
from evenhand.tabular.restricted import q_values


@dataclass(frozen=True)
class ActionProblem:
    """A discounted problem without groups whose reward belongs to the state, in [0, 1].

    The setting of Jabbari et al. (2017): what a learner owes is owed to actions, each of which
    stands for somebody. Learners are told `S`, `A` and the discount only.
    """

    transition: Float[np.ndarray, "S A S"]
    reward: Float[np.ndarray, " S"]
    initial: Float[np.ndarray, " S"]
    discount: float

    @property
    def num_states(self) -> int:
        return len(self.reward)

    @property
    def num_actions(self) -> int:
        return self.transition.shape[1]

    @cached_property
    def q_values(self) -> Float[np.ndarray, "S A"]:
        """The true Q*."""
        return q_values(self.transition, self.reward, self.discount)

    @cached_property
    def optimal_actions(self) -> Float[np.ndarray, "S A"]:
        """The policy that plays uniformly over the best actions: fair, and optimal (Obs. 1)."""
        best = self.q_values >= self.q_values.max(-1, keepdims=True) - 1e-9 / (1 - self.discount)
        return best / best.sum(-1, keepdims=True)

    @cached_property
    def stationary(self) -> Float[np.ndarray, " S"]:
        """Shares of time that `optimal_actions` spends in the states in the long run.

        The mean over time from the initial law, which is unique whatever the chain's classes.
        """
        move = np.einsum("sa,sat->st", self.optimal_actions, self.transition)
        # Halving makes the chain aperiodic, and repeated squaring takes it to its limit.
        lazy = (np.eye(len(move)) + move) / 2
        for _ in range(60):
            lazy = lazy @ lazy
            lazy /= lazy.sum(-1, keepdims=True)
        return self.initial @ lazy

    @property
    def best_gain(self) -> float:
        """Mean reward of a step under `optimal_actions` in the long run, mu* R."""
        return float(self.stationary @ self.reward)

    @property
    def best_value(self) -> float:
        """Mean of V* over the states that it visits in the long run, mu* V*."""
        return float(self.stationary @ self.q_values.max(-1))


def action_problem(mdp: TabularMDP) -> ActionProblem:
    """The problem of an exact model with one group, one signal and rewards of states in [0, 1]."""
    if mdp.num_groups != 1 or len(mdp.signals) != 1:
        raise InputError(
            f"learners of actions meet one group and one signal, got {mdp.num_groups} and "
            f"{len(mdp.signals)}; give them a model of each"
        )
    reward = mdp.rewards[0, :, :, 0]
    if np.ptp(reward, axis=-1).max() > 1e-12 or reward.min() < 0 or reward.max() > 1:
        raise InputError(
            "rewards must belong to states and lie in [0, 1]: the same for every action; "
            f"they go from {reward.min():g} to {reward.max():g}, and differ between actions by up "
            f"to {np.ptp(reward, axis=-1).max():g}"
        )
    if not 0 <= mdp.discount < 1 or mdp.horizon is not None:
        raise InputError(
            f"the problem must go on for ever with a discount below 1, got discount "
            f"{mdp.discount} and horizon {mdp.horizon}"
        )
    return ActionProblem(mdp.transition[0], reward[:, 0].copy(), mdp.initial[0], mdp.discount)
