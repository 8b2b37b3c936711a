"""The policy that is best for given prices of the totals, found fast at ten thousand stages.

A price vector c `(G, M + S)` says what one more unit of every group total is worth. The best
policy for it is deterministic, by backward induction; together with it the recursion carries the
totals themselves, so that no forward pass is needed.
"""

from dataclasses import dataclass

import numpy as np

from evenhand.tabular.evaluation import stage_factor, visit_count_law
from evenhand.tabular.mdp import TabularMDP

_BLOCK = 64
# An action is kept unless another is better by more than rounding: ties would end blocks early.
_TIE = 1e-12


@dataclass(frozen=True)
class Priced:
    """One deterministic policy of one group: its totals `(M + S,)` and actions `(H, S)`."""

    group: int
    totals: np.ndarray
    actions: np.ndarray


class Pricer:
    """Best policies for prices, for one finite problem; remembers powers of its kernels."""

    def __init__(self, mdp: TabularMDP) -> None:
        self.mdp = mdp
        self._factor, self._ended = stage_factor(mdp), visit_count_law(mdp)
        same = np.ptp(self._factor) == 0 and np.abs(self._ended[:-1]).max() < 1e-15
        self._constant = bool(same) and len(self._factor) > _BLOCK
        self._powers: dict[tuple[int, bytes], tuple[np.ndarray, np.ndarray]] = {}

    def best(self, group: int, price: np.ndarray) -> Priced:
        """The best policy of a group when a unit of each of its totals earns `price` `(M + S,)`."""
        walk = self._blocks if self._constant else self._stages
        worth, actions = walk(group, price)
        totals = self.mdp.group_size[group] * (self.mdp.initial[group] @ worth)
        return Priced(group, totals, actions)

    def _ends(self, stage: int) -> np.ndarray:
        """`(S, M + S)` totals of a member whose decisions end before this stage."""
        states = np.eye(self.mdp.num_states) * self._ended[stage]
        return np.concatenate([np.zeros((len(states), len(self.mdp.signals))), states], axis=1)

    def _stages(self, group: int, price: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Totals to go `(S, M + S)` from the start, and actions, one stage at a time."""
        move, signals = self.mdp.transition[group], self.mdp.rewards[group]
        reward = signals @ price[: signals.shape[-1]]
        horizon, states = len(self._factor), np.arange(self.mdp.num_states)
        worth, actions = self._ends(horizon), np.empty((horizon, len(states)), np.int8)
        for k in reversed(range(horizon)):
            value = worth @ price
            chosen = (self._factor[k] * reward + move @ value).argmax(1)
            actions[k] = chosen
            worth = move[states, chosen] @ worth + self._ends(k)
            worth[:, : signals.shape[-1]] += self._factor[k] * signals[states, chosen]
        return worth, actions

    def _blocks(self, group: int, price: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As `_stages`, but up to 64 equal stages at once while the same actions stay best."""
        move, signals = self.mdp.transition[group], self.mdp.rewards[group] * self._factor[0]
        reward = signals @ price[: signals.shape[-1]]
        left, states = len(self._factor), np.arange(self.mdp.num_states)
        worth, actions = self._ends(left), np.empty((left, len(states)), np.int8)
        chosen = (reward + move @ (worth @ price)).argmax(1)
        while left:
            powers, sums = self.powers(group, chosen)
            own = reward[states, chosen]
            value = powers @ (worth @ price) + sums @ own
            q = reward + (value @ move.reshape(-1, len(states)).T).reshape(-1, *reward.shape)
            slack = _TIE * (1 + np.abs(value).max())
            stays = (q[:, states, chosen] >= q.max(-1) - slack).all(1)
            steps = int(np.argmin(stays[:-1])) if not stays[:-1].all() else len(stays) - 1
            if steps == 0:
                chosen = q[0].argmax(1)
                continue
            steps = min(steps, left)
            worth = powers[steps] @ worth
            worth[:, : signals.shape[-1]] += sums[steps] @ signals[states, chosen]
            actions[left - steps : left] = chosen
            left -= steps
        return worth, actions

    def powers(self, group: int, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """`(B + 1, S, S)` powers 0..B of the kernel under these actions, and their running sums."""
        key = (group, chosen.astype(np.int8).tobytes())
        if key not in self._powers:
            states = np.arange(self.mdp.num_states)
            kernel = self.mdp.transition[group][states, chosen]
            powers = np.empty((_BLOCK + 1, len(states), len(states)))
            powers[0] = np.eye(len(states))
            for m in range(_BLOCK):
                powers[m + 1] = powers[m] @ kernel
            sums = np.concatenate([np.zeros_like(powers[:1]), powers[:-1].cumsum(0)])
            self._powers[key] = (powers, sums)
        return self._powers[key]
