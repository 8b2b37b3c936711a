"""What a simulated world is: pure functions of a key, a state, an action and numbers."""

from abc import abstractmethod
from typing import Any, ClassVar, Generic, TypeVar

import equinox as eqx
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree, Shaped

State = TypeVar("State")
Params = TypeVar("Params")


class BuiltFrom(Generic[State]):
    """Holds the numbers a world was built from, outside the world's identity.

    Two worlds of equal structure are equal and share compiled code, whatever their numbers:
    compiled code takes numbers from `params` only.
    """

    def __init__(self, value: State):
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BuiltFrom)

    def __hash__(self) -> int:
        return 0


class Outcome(eqx.Module):
    """Whom a step decided about and what would have come of it; axes may lead every field.

    `label` is the outcome an approval has or would have had (1: repays, succeeds); simulators
    know it for the rejected too. `weight` 0 means nobody was decided on at this step. `level` is
    the person's true level before the decision, None where the world has no levels.
    """

    group: Int[Array, "*axes"]
    person: Int[Array, "*axes"]
    decision: Int[Array, "*axes"]
    label: Int[Array, "*axes"]
    weight: Float[Array, "*axes"]
    level: Int[Array, "*axes"] | None = None


class Step(eqx.Module):
    """What one action brought.

    `rewards` has one entry per signal, `signals[0]` being the reward. `successor` is what the
    SAME person would show if seen again at once; with a single actor it is the next observation,
    in a stream of applicants the next row belongs to a stranger. `revisit_prob` is the chance, at
    every later step of the episode, that this person is the one decided about: 1 with a single
    actor, 0 for somebody who has left, None where the world does not say. `truncated` says where
    a time limit ended the episode, None where the loop and not the world keeps the time.
    """

    rewards: Float[Array, "*axes M"]
    terminated: Bool[Array, "*axes"]
    outcome: Outcome
    successor: Float[Array, "*axes obs"]
    revisit_prob: Float[Array, "*axes"] | None = None
    truncated: Bool[Array, "*axes"] | None = None


class Population(eqx.Module):
    """Everybody in the world at one moment, for metrics of a state; scores in levels."""

    group: Int[Array, "*axes P"]
    weight: Float[Array, "*axes P"]
    true_score: Float[Array, "*axes P"]
    observed_score: Float[Array, "*axes P"]


class AbstractEnvironment(eqx.Module, Generic[State, Params]):
    """A world. Structure (sizes, features) lives in static fields, numbers in `params`.

    An author writes `reset`, `step` and `observe` only: no time limit, no automatic reset, no
    hidden randomness. Rollouts reset between episodes, never inside one.
    """

    signals: ClassVar[tuple[str, ...]]

    num_groups: eqx.AbstractVar[int]
    num_people: eqx.AbstractVar[int]
    num_actions: eqx.AbstractVar[int]
    obs_size: eqx.AbstractVar[int]
    episode_steps: eqx.AbstractVar[int]

    @property
    @abstractmethod
    def obs_bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """`(obs,)` lowest and highest observation."""

    @property
    def consequence(self) -> str:
        """The signal that says what decisions do to a person, summed over that person's visits.

        Methods that compare what decisions bring about compare groups by it. By default the
        qualification gain where the world has one, else the reward.
        """
        own = "qualification_gain"
        return own if own in self.signals else self.signals[0]

    @property
    def slices(self) -> dict[str, slice]:
        """Where each named feature lies in the observation; one part where none is named."""
        return {"obs": slice(0, self.obs_size)}

    @property
    def adjustable(self) -> dict[str, tuple[float, float]]:
        """Fields of `params` that change only what is observed, with their lowest and highest.

        Each holds one number per group. They never change true scores, labels or the reward.
        """
        return {}

    @abstractmethod
    def default_params(self) -> Params:
        """The numbers of this world: dynamics, and the adjustable part of the observation."""

    @abstractmethod
    def reset(self, key: PRNGKeyArray, params: Params) -> State:
        """A first state."""

    @abstractmethod
    def step(
        self, key: PRNGKeyArray, state: State, action: Shaped[Array, "..."], params: Params
    ) -> tuple[State, Step]:
        """The next state and what the action brought."""

    @abstractmethod
    def observe(self, state: State, params: Params) -> Float[Array, " obs"]:
        """What the decision maker sees before it acts."""

    @abstractmethod
    def population(self, state: State, params: Params) -> Population:
        """Everybody, as of this state."""

    @abstractmethod
    def decode(self, obs: Float[Array, "*axes obs"]) -> tuple[Int[Array, "*axes"], PyTree]:
        """Group and level (or state index) that an observation shows, for tabular policies."""


class AbstractHostEnvironment(eqx.Module):
    """A batched world that lives on the host (physics engines); fills the same records.

    `reset(seed)` returns the first observations `(N, obs)`; `step(actions)` returns the next
    ones and a `Step` whose leaves lead with N. A world that begins the next episode by itself says
    so in `auto_reset`: where `terminated` or `truncated`, the observation returned is the next
    episode's first, and `successor` the ended one's last, to bootstrap on after a truncation.
    Other worlds rest with weight 0 until `reset`.
    """

    signals: ClassVar[tuple[str, ...]]

    num_envs: eqx.AbstractVar[int]
    num_groups: eqx.AbstractVar[int]
    obs_size: eqx.AbstractVar[int]
    episode_steps: eqx.AbstractVar[int]
    auto_reset: eqx.AbstractVar[bool]

    @abstractmethod
    def reset(self, seed: int) -> np.ndarray:
        """`(N, obs)` first observations."""

    @abstractmethod
    def step(self, actions: np.ndarray) -> tuple[np.ndarray, Step]:
        """`(N, obs)` next observations and what the actions brought."""


def signal_index(env: Any, name: str) -> int:
    """Position of a named signal, with the known names in the error."""
    if name not in env.signals:
        raise ValueError(f"{type(env).__name__} has no signal {name!r}; it has {env.signals}")
    return env.signals.index(name)
