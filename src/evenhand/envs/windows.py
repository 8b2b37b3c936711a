"""Worlds that remember: running rates and a window over the last applicants.

A window wraps a world, keeps a memory in its state, appends one feature to the observation and to
the successor, and appends signals to the rewards. Windows stack; each costs O(1) in people.
"""

from abc import abstractmethod
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from evenhand.core.environment import AbstractEnvironment, Outcome, Population, Step
from evenhand.core.errors import InputError


class Windowed(eqx.Module):
    """The state of the wrapped world and what the window remembers of the episode."""

    inner: Any
    memory: Any


class AbstractWindow(AbstractEnvironment[Windowed, Any]):
    """A world seen through a memory of its own outcomes; params are those of the inner world.

    An author writes `blank`, `record`, `show` and `measure`.
    """

    env: eqx.AbstractVar[Any]
    appended: ClassVar[tuple[str, ...]]
    """Names of the signals that `measure` gives."""

    @property
    @abstractmethod
    def feature(self) -> str:
        """Name of the appended feature."""

    @property
    @abstractmethod
    def feature_size(self) -> int:
        """Length of what `show` gives."""

    @abstractmethod
    def blank(self) -> Any:
        """The memory at the start of an episode."""

    @abstractmethod
    def record(self, memory: Any, obs: Float[Array, " inner"], outcome: Outcome) -> Any:
        """The memory after a decision; `obs` is what the inner world showed before it."""

    @abstractmethod
    def show(self, memory: Any) -> Float[Array, " feature"]:
        """The appended feature, within [0, 1]."""

    @abstractmethod
    def measure(self, memory: Any) -> Float[Array, " appended"]:
        """The appended signals."""

    def reset(self, key, params):
        return Windowed(self.env.reset(key, params), self.blank())

    def step(self, key, state, action, params):
        """The inner step, remembered."""
        seen = self.env.observe(state.inner, params)
        inner, step = self.env.step(key, state.inner, action, params)
        memory = self.record(state.memory, seen, step.outcome)
        step = Step(
            rewards=jnp.concatenate([step.rewards, self.measure(memory)]),
            terminated=step.terminated,
            outcome=step.outcome,
            successor=jnp.concatenate([step.successor, self.show(memory)]),
        )
        return Windowed(inner, memory), step

    def observe(self, state, params):
        shown = self.env.observe(state.inner, params)
        return jnp.concatenate([shown, self.show(state.memory)])

    def population(self, state, params) -> Population:
        return self.env.population(state.inner, params)

    def decode(self, obs):
        return self.env.decode(jnp.asarray(obs)[..., : self.env.obs_size])

    def default_params(self):
        return self.env.default_params()

    @property
    def signals(self) -> tuple[str, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return (*self.env.signals, *self.appended)

    @property
    def obs_size(self) -> int:
        return self.env.obs_size + self.feature_size

    @property
    def obs_bounds(self) -> tuple[np.ndarray, np.ndarray]:
        low, high = self.env.obs_bounds
        extra = np.ones(self.feature_size, np.float32)
        return np.concatenate([low, 0 * extra]), np.concatenate([high, extra])

    @property
    def slices(self) -> dict[str, slice]:
        return {**self.env.slices, self.feature: slice(self.env.obs_size, self.obs_size)}

    @property
    def adjustable(self) -> dict[str, tuple[float, float]]:
        return self.env.adjustable

    @property
    def num_groups(self) -> int:
        return self.env.num_groups

    @property
    def num_people(self) -> int:
        return self.env.num_people

    @property
    def num_actions(self) -> int:
        return self.env.num_actions

    @property
    def num_levels(self) -> int:
        return self.env.num_levels

    @property
    def episode_steps(self) -> int:
        return self.env.episode_steps

    @property
    def group_of(self) -> Int[Array, " P"]:
        return self.env.group_of

    @property
    def built_from(self) -> Any:
        return self.env.built_from


class RateMemory(eqx.Module):
    qualified: Float[Array, " G"]
    approved: Float[Array, " G"]
    """Of the qualified: those approved."""


class RunningRates(AbstractWindow):
    """Shows each group's true positive rate of the episode so far: tp / (tp + fn).

    Signal `tpr_gap`: the largest difference between two groups' rates, after the action. A group
    of which nobody qualified has been seen shows 0, as in Yu et al. 2022: an observation has to
    be a number. Metrics of outcomes say NaN there; prefer them for reports.
    """

    env: Any
    appended: ClassVar[tuple[str, ...]] = ("tpr_gap",)

    @property
    def feature(self) -> str:
        return "running-rates"

    @property
    def feature_size(self) -> int:
        return self.env.num_groups

    def blank(self):
        nobody = jnp.zeros(self.env.num_groups)
        return RateMemory(nobody, nobody)

    def record(self, memory, obs, outcome):
        member = (jnp.arange(self.env.num_groups) == outcome.group).astype(jnp.float32)
        qualified = member * (outcome.weight * outcome.label.astype(jnp.float32))
        approved = qualified * outcome.decision.astype(jnp.float32)
        return RateMemory(memory.qualified + qualified, memory.approved + approved)

    def show(self, memory):
        return memory.approved / jnp.maximum(memory.qualified, 1.0)

    def measure(self, memory):
        rates = self.show(memory)
        return (jnp.max(rates) - jnp.min(rates))[None]


class HistoryMemory(eqx.Module):
    cells: Int[Array, " W"]
    """Ring of the last applicants' group * K + level; -1 where there was none yet."""
    counts: Float[Array, "G K"]
    place: Int[Array, ""]


class HistoryWindow(AbstractWindow):
    """Shows how many of the last `length` applicants were at each observed level, by group.

    The feature is counts / (n + 1), G * K numbers, n being the applicants in the window; the
    present one is not among them (Lear & Zhang 2025, released configuration: 300). Signal
    `score_w1`: the exact Wasserstein-1 distance, in levels, between two groups' level laws in the
    window, sum over k of |F_i(k) - F_j(k)|, the largest over pairs. It is 0 while a group of the
    pair has nobody in the window.
    """

    env: Any
    length: int = eqx.field(static=True, default=300)
    appended: ClassVar[tuple[str, ...]] = ("score_w1",)

    def __check_init__(self):
        if self.length < 1:
            raise InputError(f"the length of a history must be at least 1, got {self.length}")
        self.env.decode(jnp.zeros(self.env.obs_size))  # says so where no score is shown
        if "group" not in self.env.slices:
            raise InputError("a history counts applicants by group; add the feature 'group'")

    @property
    def feature(self) -> str:
        return f"history-{self.length}"

    @property
    def feature_size(self) -> int:
        return self.env.num_groups * self.env.num_levels

    def blank(self):
        return HistoryMemory(
            cells=jnp.full(self.length, -1, jnp.int32),
            counts=jnp.zeros((self.env.num_groups, self.env.num_levels)),
            place=jnp.zeros((), jnp.int32),
        )

    def record(self, memory, obs, outcome):
        _, level = self.env.decode(obs)
        counts = outcome.weight > 0
        old = memory.cells[memory.place]
        new = jnp.where(counts, outcome.group * self.env.num_levels + level, old)
        change = self._one(new) - self._one(old)
        place = memory.place + counts.astype(jnp.int32)
        return HistoryMemory(
            cells=memory.cells.at[memory.place].set(new),
            counts=memory.counts + change,
            place=jnp.where(place == self.length, 0, place),
        )

    def _one(self, cell):
        """`(G, K)` indicator of a cell, all zero for -1."""
        shape = (self.env.num_groups, self.env.num_levels)
        return (jnp.arange(self.feature_size).reshape(shape) == cell).astype(jnp.float32)

    def show(self, memory):
        return (memory.counts / (jnp.sum(memory.counts) + 1.0)).reshape(-1)

    def measure(self, memory):
        people = jnp.sum(memory.counts, -1)
        reach = jnp.cumsum(memory.counts, -1) / jnp.maximum(people, 1.0)[:, None]
        apart = jnp.sum(jnp.abs(reach[:, None, :] - reach[None, :, :]), -1)
        present = people > 0
        return jnp.max(jnp.where(present[:, None] & present[None, :], apart, 0.0))[None]
