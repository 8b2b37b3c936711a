"""Robots in motion: episodes begin, advance and end, in numpy."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from evenhand.core.errors import InputError
from evenhand.envs.robots.columns import Columns
from evenhand.envs.robots.reading import Reading


class Advance(NamedTuple):
    """What one step brought, in double precision; `weight` is 0 where a robot rested."""

    obs: Float[np.ndarray, "N obs"]
    rewards: Float[np.ndarray, "N M"]
    terminated: Bool[np.ndarray, " N"]
    truncated: Bool[np.ndarray, " N"]
    successor: Float[np.ndarray, "N obs"]
    weight: Float[np.ndarray, " N"]
    velocity: Float[np.ndarray, " N"]


class RunningRobots:
    """N robots in the middle of their episodes: the part of a world that changes.

    A plain class, since an attribute of a frozen module costs microseconds to read.
    """

    def __init__(
        self,
        columns: Columns,
        tasks: Sequence[str],
        codes: Float[np.ndarray, "N C"],
        episode_steps: int,
        auto_reset: bool,
    ):
        self.columns, self.reading, self.codes = columns, Reading(columns, tasks), codes
        self.episode_steps, self.auto_reset = episode_steps, auto_reset
        self.generators: list[np.random.Generator] = []
        self.all = np.arange(len(codes))
        self.time, self.over = np.zeros(len(codes), np.int64), np.zeros(len(codes), bool)
        rows = columns.read(self.all)
        self.place, self.obs = self.reading.place(rows, columns.masses), self._show(rows, self.all)

    def reset(self, generators: list[np.random.Generator]) -> Float[np.ndarray, "N obs"]:
        """First observations; later episodes draw from the same generators."""
        self.generators = generators
        self._restart(self.all)
        return self.obs.copy()

    def advance(self, actions: np.ndarray) -> Advance:
        """One step of all robots that are not over."""
        actions = self._checked(actions)
        rested = self.over.copy()
        self.columns.advance(actions, rested.tolist())
        rows = self.columns.read(self.all)
        place = self.reading.place(rows, self.columns.masses)
        velocity = (place - self.place) / self.columns.dt
        healthy = self.reading.healthy(rows)
        rewards = self.reading.rewards(rows, velocity, actions, healthy)
        rewards[rested] = 0.0
        self.place, self.time = place, self.time + 1
        successor = self.obs = self._show(rows, self.all)
        terminated = ~healthy & ~rested
        truncated = (self.time >= self.episode_steps) & ~rested & ~terminated
        self.over = terminated | truncated | rested
        if self.auto_reset and self.over.any():
            self.obs = successor.copy()
            self._restart(np.flatnonzero(self.over))
        weight = np.where(rested, 0.0, 1.0)
        return Advance(self.obs.copy(), rewards, terminated, truncated, successor, weight, velocity)

    def _restart(self, which: np.ndarray) -> None:
        for i in which.tolist():
            self.columns.reset(i, self.generators[i])
        rows = self.columns.read(which)
        self.place[which] = self.reading.place(rows, self.columns.masses[which])
        self.obs[which] = self._show(rows, which)
        self.time[which], self.over[which] = 0, False

    def _show(self, rows: np.ndarray, which: np.ndarray) -> Float[np.ndarray, "n obs"]:
        return np.concatenate([self.reading.observe(rows), self.codes[which]], axis=1)

    def _checked(self, actions: np.ndarray) -> Float[np.ndarray, "N A"]:
        if not self.generators:
            raise InputError("the robots have not started; call reset(seed) before the first step")
        actions = np.asarray(actions, np.float64)
        wanted = (len(self.all), self.columns.models[0].nu)
        if actions.shape != wanted:
            raise InputError(f"actions have the shape {actions.shape}; give one of {wanted}")
        if not np.isfinite(actions).all():
            bad = np.flatnonzero(~np.isfinite(actions).all(axis=1)).tolist()
            raise InputError(
                f"the actions of columns {bad} are not finite; the policy has diverged, "
                "try a smaller learning rate"
            )
        return actions
