"""A learner that is alpha-action fair and still crosses the chain of Definition 6 in few steps.

This project's own, and its use is to show what that chain does not prove: alpha-action fairness
alone does not force equal probabilities there. The learner knows that moves and rewards are
deterministic. In a state where an action was never tried, and wherever it knows no better, all
actions have the same probability. An action a is *certified* in a state if, whatever the states are
worth that are not explored yet,

    max over other actions a' of Q(a') - Q(a) <= alpha,

and then it may be played alone, without breaking the notion (Definition 4 of Jabbari et al. 2017)
in any problem that agrees with what was seen. Among certified actions the most hopeful is played.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Int

Draw = Callable[[Float[np.ndarray, " A"]], int]


class CertifiedActions:
    """Memory and plan of the learner; `table (S, A)` is what it plays in every state now."""

    def __init__(self, num_states: int, num_actions: int, discount: float, alpha: float) -> None:
        self.discount, self.alpha = discount, alpha
        self.highest = 1 / (1 - discount)
        self.next: Int[np.ndarray, "S A"] = np.full((num_states, num_actions), -1)
        self.reward: Float[np.ndarray, " S"] = np.zeros(num_states)
        self.table: Float[np.ndarray, "S A"] = np.full(self.next.shape, 1 / num_actions)
        # One grid point's distance changes a value by at most half of alpha.
        points = 1 + int(np.ceil(self.highest * discount / (alpha / 2)))
        self.grid: Float[np.ndarray, " V"] = np.linspace(0, self.highest, points + 1)

    def learn(self, state: int, action: int, reward: float, following: int) -> bool:
        """Whether this step was new; the plan is made again only where a state is complete."""
        if self.next[state, action] >= 0:
            return False
        self.next[state, action], self.reward[state] = following, reward
        if (self.next[state] >= 0).all():
            self.table = self._plan()
        return True

    def _plan(self) -> Float[np.ndarray, "S A"]:
        known = (self.next >= 0).all(1)
        table = np.full(self.next.shape, 1 / self.next.shape[1])
        certified, hope = self._certified(known)
        for state in np.flatnonzero(known & certified.any(1)):
            best = np.where(certified[state], hope[state], -np.inf).argmax()
            table[state] = np.eye(self.next.shape[1])[best]
        return table

    def _certified(
        self, known: Bool[np.ndarray, " S"]
    ) -> tuple[Bool[np.ndarray, "S A"], Float[np.ndarray, "S A"]]:
        """(certified, hope): actions sure to be within alpha, and their values at the best case.

        One unexplored state at a time is worth any v, the others nothing. That is the worst case:
        the better of two actions has one best path, through at most one unexplored state, and
        what other states are worth could only help the action it is compared with. Q rises with v
        by at most `discount`, so half of alpha on the grid is alpha everywhere.
        """
        low = self._values(known, np.zeros(len(known)))
        floor = self._ahead(low)
        worst = floor[:, :, None] - floor[:, None, :]
        hope = self._ahead(self._values(known, np.where(known, 0.0, self.highest)))
        for unknown in np.unique(self.next[known]):
            if known[unknown]:
                continue
            lines = self._paths(known, int(unknown))
            slopes = self.discount ** np.arange(len(lines))
            reached = (lines[:, :, None] + slopes[:, None, None] * self.grid).max(0)
            through = self._ahead(np.maximum(low[:, None], reached))
            worst = np.maximum(worst, (through[:, :, None] - through[:, None]).max(-1))
        return (worst.max(1) <= self.alpha / 2) & known[:, None], hope

    def _ahead(self, value: Float[np.ndarray, "S ..."]) -> Float[np.ndarray, "S A ..."]:
        """Reward of each state plus the discounted value of where its actions lead."""
        reward = self.reward.reshape(-1, *(1,) * value.ndim)
        return reward + self.discount * value[self.next]

    def _values(
        self, known: Bool[np.ndarray, " S"], outside: Float[np.ndarray, " S"]
    ) -> Float[np.ndarray, " S"]:
        """Optimal values where states that are not known are worth `outside`."""
        value = outside.copy()
        for _ in range(int(np.ceil(np.log(1e-12 * (1 - self.discount)) / np.log(self.discount)))):
            value = np.where(known, self._ahead(value).max(1), outside)
        return value

    def _paths(self, known: Bool[np.ndarray, " S"], target: int) -> Float[np.ndarray, "D S"]:
        """Largest discounted reward of a path of d steps to `target`; -inf without one.

        An optimal policy for a fixed v is stationary, so its path visits no state twice and has
        fewer steps than there are states.
        """
        paths = np.full((len(known), len(known)), -np.inf)
        paths[0, target] = 0.0
        for steps in range(1, len(known)):
            paths[steps] = np.where(known, self._ahead(paths[steps - 1]).max(1), -np.inf)
        return paths


def steps_to_last(
    learner: CertifiedActions,
    moves: Int[np.ndarray, "S A"],
    rewards: Float[np.ndarray, " S"],
    generator: np.random.Generator,
    max_steps: int,
) -> tuple[int | None, Float[np.ndarray, "E S A"], Int[np.ndarray, " E"]]:
    """(steps, tables, rounds): when the walk from state 0 stands in the last state first.

    `tables` are what the learner would have played in every state, one per change, each in force
    for `rounds` rounds. `steps` is None if `max_steps` did not suffice.
    """
    state, steps, tables, rounds = 0, 0, [learner.table], [0]
    while state < len(rewards) - 1 and steps < max_steps:
        law = learner.table[state]
        action = int(generator.choice(len(law), p=law))
        rounds[-1] += 1
        steps += 1
        following = int(moves[state, action])
        learner.learn(state, action, float(rewards[state]), following)
        state = following
        if learner.table is not tables[-1]:
            tables.append(learner.table)
            rounds.append(0)
    arrived = state == len(rewards) - 1
    return (steps if arrived else None), np.stack(tables), np.array(rounds)
