"""A world to copy: a service visits one person a step; who is visited may get better.

Rename the class, write what your world does, then run
`evenhand.testing.check_environment(YourWorld())`. Nothing here is registered.
"""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, Int

from evenhand.core.environment import AbstractEnvironment, Outcome, Population, Step


class TemplateParams(eqx.Module):
    """Every number a user may change, as an array: numbers never sit in the world itself."""

    help_prob: Float[Array, " G"]
    cost: Float[Array, ""]


class TemplateState(eqx.Module):
    """Everything that changes, as arrays."""

    level: Int[Array, " P"]
    person: Int[Array, ""]


class Template(AbstractEnvironment[TemplateState, TemplateParams]):
    """A service decides whom to visit; a visit may raise the person's level by one.

    **State**: everybody's level and who is next. **Action**: 0 pass by, 1 visit.
    **Observation**: one-hot level, one-hot group. **Reward**: signal `reward`, the rise in level
    minus `cost` for a visit. **Dynamics**: a person is drawn uniformly, with replacement; a visit
    raises a level below the top with probability `help_prob[group]`. **End**: truncated at
    `episode_steps`. **Source**: none, an example.
    """

    signals: ClassVar[tuple[str, ...]] = ("reward",)

    group_size: int = eqx.field(static=True, default=20)
    num_groups: int = eqx.field(static=True, default=2)
    num_levels: int = eqx.field(static=True, default=4)
    episode_steps: int = eqx.field(static=True, default=400)
    num_actions: ClassVar[int] = 2

    @property
    def num_people(self) -> int:
        return self.group_size * self.num_groups

    @property
    def obs_size(self) -> int:
        return self.num_levels + self.num_groups

    @property
    def obs_bounds(self) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(self.obs_size, np.float32), np.ones(self.obs_size, np.float32)

    @property
    def slices(self) -> dict[str, slice]:
        return {
            "score-onehot": slice(0, self.num_levels),
            "group": slice(self.num_levels, self.obs_size),
        }

    def default_params(self) -> TemplateParams:
        return TemplateParams(jnp.linspace(0.8, 0.4, self.num_groups), jnp.float32(0.2))

    def reset(self, key, params):
        nobody_yet = jnp.zeros(self.num_people, jnp.int32)
        return TemplateState(nobody_yet, jr.randint(key, (), 0, self.num_people))

    def step(self, key, state, action, params):
        """Pass by (0) or visit (1); then the next person is drawn."""
        help_key, next_key = jr.split(key)  # split once, by name; never use a key twice
        person, group = state.person, state.person // self.group_size
        level, visited = state.level[person], action == 1
        helped = jr.bernoulli(help_key, params.help_prob[group])
        rises = visited & helped & (level < self.num_levels - 1)
        reward = rises.astype(jnp.float32) - jnp.where(visited, params.cost, 0.0)

        new = level + rises.astype(jnp.int32)
        state = TemplateState(
            level=state.level.at[person].set(new),
            person=jr.randint(next_key, (), 0, self.num_people),
        )
        outcome = Outcome(
            group=group,
            person=person,
            decision=visited.astype(jnp.int32),
            label=helped.astype(jnp.int32),  # drawn whatever is decided
            weight=jnp.float32(1.0),
        )
        return state, Step(
            rewards=reward[None],
            terminated=jnp.asarray(False),
            outcome=outcome,
            successor=self._show(new, group),  # the SAME person, not the next one
            revisit_prob=jnp.float32(1 / self.num_people),
        )

    def _show(self, level, group):
        shown = jnp.arange(self.num_levels) == level, jnp.arange(self.num_groups) == group
        return jnp.concatenate(shown).astype(jnp.float32)

    def observe(self, state, params):
        return self._show(state.level[state.person], state.person // self.group_size)

    def population(self, state, params):
        score = state.level.astype(jnp.float32)
        group = jnp.arange(self.num_people, dtype=jnp.int32) // self.group_size
        return Population(group, jnp.ones(self.num_people), true_score=score, observed_score=score)

    def decode(self, obs):
        obs = jnp.asarray(obs)
        level, group = obs[..., : self.num_levels], obs[..., self.num_levels :]
        return jnp.argmax(group, -1).astype(jnp.int32), jnp.argmax(level, -1).astype(jnp.int32)
