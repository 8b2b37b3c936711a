"""A world of one's own: a clinic invites one person a day to a check-up, or does not.

It passes `check_environment`, so every policy, learner and metric works in it. A commented version
to copy is `src/evenhand/envs/_template.py`.
Run: python examples/own_environment.py
"""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from evenhand.core.environment import AbstractEnvironment, Outcome, Population, Step
from evenhand.testing import check_environment


class State(eqx.Module):
    """Everybody's health, from 0, and who is next."""

    health: jnp.ndarray
    person: jnp.ndarray


class Clinic(AbstractEnvironment[State, jnp.ndarray]):
    """An invited person comes with the chance of their group and gains a level of health.

    Params: `(G,)` chance of coming. Reward: the gain, minus 0.3 for an invitation.
    """

    signals: ClassVar[tuple[str, ...]] = ("reward",)
    num_groups: ClassVar[int] = 2
    num_people: ClassVar[int] = 20
    num_actions: ClassVar[int] = 2
    obs_size: ClassVar[int] = 2
    episode_steps: ClassVar[int] = 200
    num_levels: ClassVar[int] = 5
    obs_bounds: ClassVar = (np.zeros(2, np.float32), np.ones(2, np.float32))

    def default_params(self):
        return jnp.array([0.9, 0.6])

    def reset(self, key, params):
        return State(jnp.zeros(self.num_people, jnp.int32), jr.randint(key, (), 0, self.num_people))

    def step(self, key, state, action, params):
        """Leave alone (0) or invite (1); then somebody else is drawn."""
        come_key, next_key = jr.split(key)
        person, group = state.person, state.person % 2
        invited, comes = action == 1, jr.bernoulli(come_key, params[group])
        gains = (invited & comes & (state.health[person] < 4)).astype(jnp.int32)
        later = State(
            state.health.at[person].add(gains), jr.randint(next_key, (), 0, self.num_people)
        )
        reward = gains.astype(jnp.float32) - jnp.where(invited, 0.3, 0.0)
        decision, label = invited.astype(jnp.int32), comes.astype(jnp.int32)
        outcome = Outcome(group, person, decision, label, jnp.float32(1))
        again = self._show(later.health, person)
        return later, Step(reward[None], jnp.asarray(False), outcome, again)

    def _show(self, health, person):
        shown = jnp.stack([health[person], 4 * (person % 2)])
        return shown.astype(jnp.float32) / 4

    def observe(self, state, params):
        return self._show(state.health, state.person)

    def population(self, state, params):
        score = state.health.astype(jnp.float32)
        group = jnp.arange(self.num_people, dtype=jnp.int32) % 2
        return Population(group, jnp.ones(self.num_people), score, score)

    def decode(self, obs):
        level = jnp.round(4 * obs[..., 0]).astype(jnp.int32)
        return jnp.round(obs[..., 1]).astype(jnp.int32), level


def main() -> None:
    """Raises a ConformanceError that says what to fix, if the contract is broken."""
    check_environment(Clinic())


if __name__ == "__main__":
    main()
    print("Clinic keeps the contract of an environment.")
