"""F-PPO: massaged actions and an advantage shaped by levels, together (Hu, Lear & Zhang 2023)."""

from typing import Any

from evenhand.algorithms.f_ppo_l import DistanceShaping
from evenhand.algorithms.f_ppo_s import ActionMassaging
from evenhand.algorithms.parts.term import AbstractTerm
from evenhand.algorithms.ppo import PPO


class MassagingAndShaping(AbstractTerm):
    """The terms of F-PPO-S and F-PPO-L side by side.

    **Optimises**, **assumes**, **logged**, **deviations**: those of `ActionMassaging` and of
    `DistanceShaping`; both windows have the same length. **Source**: Hu, Lear & Zhang 2023, F-PPO.
    """

    massaging: ActionMassaging = ActionMassaging()
    shaping: DistanceShaping = DistanceShaping()

    @property
    def reads(self):
        return tuple(dict.fromkeys((*self.massaging.reads, *self.shaping.reads)))

    def init(self, key, env, width):
        return self.massaging.init(key, env, width)

    def behaviour(self, env_update, memory, policy):
        return self.massaging.behaviour(env_update, memory, policy)

    def prepare(self, env, memory, batch, actors, credit):
        return self.shaping.prepare(env, memory, batch, actors, credit)

    def advantage(self, memory, samples):
        return self.shaping.advantage(memory, samples)


def f_ppo(**options: Any) -> PPO:
    """PPO with massaged actions and a shaped advantage; `options` are PPO's fields."""
    chosen: dict[str, Any] = {"term": MassagingAndShaping()} | options
    return PPO(**chosen)
