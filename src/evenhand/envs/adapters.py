"""Gymnasium's view of a world, and a world's view of a Gymnasium environment.

After `import evenhand.envs.adapters`, `gymnasium.make("evenhand/Lending-v0", preset="fico")` and
`gymnasium.make_vec("evenhand/Lending-v0", num_envs=8)` work; without the import, Gymnasium's own
`gymnasium.make("evenhand.envs.adapters:evenhand/Lending-v0")` does both at once.
"""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space
from jaxtyping import Array

from evenhand.core.environment import AbstractEnvironment
from evenhand.core.registry import ENVIRONMENTS, ROBOT_ENVIRONMENTS
from evenhand.envs.gymnasium_programs import FACTS, gymnasium, new_seed, programs, spaces


class GymnasiumEnv(gymnasium.Env):
    """One world as a `gymnasium.Env`; the reward is the first signal.

    After a step, `info` holds each signal under its name and `group`, `person`, `decision`,
    `label` and `weight` of the decision just taken, as plain numbers. Truncated at
    `episode_steps`.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012

    def __init__(self, env: AbstractEnvironment, params: Any = None):
        self.env = env
        self.observation_space, self.action_space = spaces(env)
        self._names = (*env.signals, "terminated", "weight", *FACTS)
        self._world: list[Array] | None = None
        self._programs: Any = None
        self.params = env.default_params() if params is None else params
        self._time = 0

    @property
    def params(self) -> Any:
        """The numbers of the world; new ones hold from the next step on."""
        return self._params

    @params.setter
    def params(self, params: Any) -> None:
        self._params = params
        self._constants, structure = jax.tree.flatten((self.env, params))
        before, self._programs = self._programs, programs(structure, False)
        if before is not self._programs:
            self._world = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        super().reset(seed=seed)
        self._world, obs = self._programs.reset(self._constants, new_seed(self.np_random))
        self._time = 0
        return np.array(obs), {}

    def step(self, action: Any):
        if self._world is None:
            raise gymnasium.error.ResetNeeded("call reset() before the first step()")
        self._world, row = self._programs.step(self._constants, self._world, int(action))
        self._time += 1
        row = np.asarray(row)
        size = len(row) - len(self._names)
        info = dict(zip(self._names, row[size:].tolist(), strict=True))
        for fact in FACTS:
            info[fact] = int(info[fact])
        terminated = info.pop("terminated") > 0
        truncated = self._time >= self.env.episode_steps
        return row[:size].copy(), info[self.env.signals[0]], terminated, truncated, info


class GymnasiumVectorEnv(gymnasium.vector.VectorEnv):
    """N worlds stepped in one call; the world seeded with s is `GymnasiumEnv` seeded with s.

    Autoreset is Gymnasium's NEXT_STEP: the step after an episode's end ignores the action and
    returns the first observation of the next episode with reward 0. Only then are worlds reset;
    a compiled step never carries a reset with it.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012
        "render_modes": [],
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(self, env: AbstractEnvironment, num_envs: int = 1, params: Any = None):
        self.env, self.num_envs = env, num_envs
        self.single_observation_space, self.single_action_space = spaces(env)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._names = (*env.signals, "terminated", "weight", *FACTS)
        self._generators = [seeding.np_random(None)[0] for _ in range(num_envs)]
        self._world: list[Array] | None = None
        self._programs: Any = None
        self.params = env.default_params() if params is None else params
        self._time = np.zeros(num_envs, np.int64)
        self._over = np.zeros(num_envs, bool)

    @property
    def params(self) -> Any:
        """The numbers of the worlds; new ones hold from the next step on."""
        return self._params

    @params.setter
    def params(self, params: Any) -> None:
        self._params = params
        self._constants, structure = jax.tree.flatten((self.env, params))
        before, self._programs = self._programs, programs(structure, True)
        if before is not self._programs:
            self._world = None

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ):
        seeds = [seed + i for i in range(self.num_envs)] if isinstance(seed, int) else seed
        for i, own in enumerate(seeds or ()):
            if own is not None:
                self._generators[i] = seeding.np_random(own)[0]
        new = np.array([new_seed(generator) for generator in self._generators])
        self._world, obs = self._programs.reset(self._constants, new)
        self._time[:], self._over[:] = 0, False
        return np.array(obs), {}

    def step(self, actions: Any):
        if self._world is None:
            raise gymnasium.error.ResetNeeded("call reset() before the first step()")
        actions = np.asarray(actions, np.int32)
        self._world, rows = self._programs.step(self._constants, self._world, actions)
        rows = np.array(rows)
        self._time += 1
        stepped = ~self._over
        if self._over.any():
            self._reset_where(self._over, rows)
        size = rows.shape[1] - len(self._names)
        info = {name: rows[:, size + i] for i, name in enumerate(self._names)}
        terminated = info.pop("terminated") > 0
        truncated = stepped & (self._time >= self.env.episode_steps)
        self._over = terminated | truncated
        for fact in FACTS:
            info[fact] = info[fact].astype(np.int64)
        info |= {f"_{name}": stepped.copy() for name in tuple(info)}
        rewards = info[self.env.signals[0]].astype(np.float64)
        return rows[:, :size].copy(), rewards, terminated, truncated, info

    def _reset_where(self, mask: np.ndarray, rows: np.ndarray) -> None:
        """Start the worlds in `mask` afresh; their rows become a first observation and zeros."""
        new = [
            new_seed(generator) if over else 0
            for generator, over in zip(self._generators, mask, strict=True)
        ]
        self._world, obs = self._programs.reset_where(
            mask, self._constants, self._world, np.array(new, np.uint32)
        )
        rows[mask] = 0.0
        rows[mask, : obs.shape[1]] = np.asarray(obs)[mask]
        self._time[mask] = 0


def to_gymnasium(env: AbstractEnvironment, params: Any = None) -> GymnasiumEnv:
    """The world as a `gymnasium.Env`."""
    return GymnasiumEnv(env, params)


def to_gymnasium_vector(
    env: AbstractEnvironment, num_envs: int, params: Any = None
) -> GymnasiumVectorEnv:
    """N copies of the world as a `gymnasium.vector.VectorEnv`."""
    return GymnasiumVectorEnv(env, num_envs, params)


def register() -> None:
    """Make the worlds known to Gymnasium; importing this module does it, twice does no harm."""
    for world in ENVIRONMENTS:
        name = f"evenhand/{world}"
        if name not in gymnasium.registry:
            gymnasium.register(
                name,
                entry_point="evenhand.experiments.gymnasium_entry:make_env",
                vector_entry_point="evenhand.experiments.gymnasium_entry:make_vector_env",
                kwargs={"world": world},
            )
    for robots, target in ROBOT_ENVIRONMENTS.items():
        name = f"evenhand/{robots}"
        if name not in gymnasium.registry:
            robot = robots.partition("Groups-")[0]
            gymnasium.register(name, entry_point=target, kwargs={"robot": robot})


register()
