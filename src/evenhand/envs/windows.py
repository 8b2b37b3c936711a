"""Worlds that remember what they decided; here the running rates.

A window wraps a world, keeps a memory in its state, appends one feature to the observation and to
the successor, and appends signals to the rewards. Windows stack; each costs O(1) in people.
"""

from abc import abstractmethod
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from evenhand.core.environment import Outcome, Step
from evenhand.envs.wrapper import AbstractWrapper


class Windowed(eqx.Module):
    """The state of the wrapped world and what the window remembers of the episode."""

    inner: Any
    memory: Any


class AbstractWindow(AbstractWrapper):
    """A world seen through a memory of its own outcomes; params are those of the inner world.

    An author writes `blank`, `record`, `show` and `measure`.
    """

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
            revisit_prob=step.revisit_prob,
        )
        return Windowed(inner, memory), step

    def observe(self, state, params):
        shown = self.env.observe(state.inner, params)
        return jnp.concatenate([shown, self.show(state.memory)])

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


class RateMemory(eqx.Module):
    """Qualified applicants of the episode so far, by group."""

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

    def __init__(self, env: Any):
        self.env = env

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
