"""Gymnasium environments as a host world of ours."""

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from evenhand.core.environment import AbstractHostEnvironment, Outcome, Step
from evenhand.core.errors import InputError
from evenhand.envs.gymnasium_programs import FACTS, gymnasium


class _Worlds:
    """Running Gymnasium environments: the part of a host world that changes."""

    def __init__(self, envs: list[gymnasium.Env]):
        self.envs = envs
        self.over = np.ones(len(envs), bool)
        self.obs = np.zeros((len(envs), 1), np.float32)


class FromGymnasium(AbstractHostEnvironment):
    """N Gymnasium environments as one batched host world.

    `signals[0]` is Gymnasium's reward, further signals are read from `info` by name. Group,
    person, label and weight come from `info` where they are there; otherwise group and label are
    0 and the person is the world's number. After an episode's end a world stands still with
    weight 0 until the next `reset`.
    """

    signals: tuple[str, ...] = eqx.field(static=True)  # pyright: ignore[reportIncompatibleVariableOverride]
    num_envs: int = eqx.field(static=True)
    num_groups: int = eqx.field(static=True)
    obs_size: int = eqx.field(static=True)
    episode_steps: int = eqx.field(static=True)
    worlds: _Worlds = eqx.field(static=True)
    auto_reset: bool = eqx.field(static=True, default=False)

    def reset(self, seed: int) -> np.ndarray:
        first = [env.reset(seed=seed + i)[0] for i, env in enumerate(self.worlds.envs)]
        self.worlds.obs = np.stack([np.asarray(obs, np.float32).reshape(-1) for obs in first])
        self.worlds.over[:] = False
        return self.worlds.obs.copy()

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, Step]:
        rewards = np.zeros((self.num_envs, len(self.signals)), np.float32)
        terminated = np.zeros(self.num_envs, bool)
        facts = np.zeros((self.num_envs, len(FACTS)), np.int32)
        facts[:, 1], facts[:, 2] = np.arange(self.num_envs), actions
        weight = np.zeros(self.num_envs, np.float32)
        for i in np.flatnonzero(~self.worlds.over):
            obs, reward, ended, cut, info = self.worlds.envs[i].step(actions[i])
            self.worlds.obs[i] = np.asarray(obs, np.float32).reshape(-1)
            rewards[i] = [reward, *(info[name] for name in self.signals[1:])]
            facts[i] = [info.get(name, facts[i, j]) for j, name in enumerate(FACTS)]
            weight[i] = info.get("weight", 1.0)
            terminated[i] = ended
            self.worlds.over[i] = ended or cut
        columns = {name: jnp.asarray(facts[:, i]) for i, name in enumerate(FACTS)}
        outcome = Outcome(**columns, weight=jnp.asarray(weight))
        obs = self.worlds.obs.copy()
        step = Step(
            jnp.asarray(rewards), jnp.asarray(terminated), outcome, jnp.asarray(obs),
            revisit_prob=jnp.ones(self.num_envs),
        )  # fmt: skip
        return obs, step


def from_gymnasium(
    env_fn: Callable[[], gymnasium.Env],
    num_envs: int = 1,
    *,
    signals: tuple[str, ...] = ("reward",),
    num_groups: int = 1,
    episode_steps: int | None = None,
) -> FromGymnasium:
    """A batched host world of `num_envs` environments made by `env_fn`.

    `episode_steps` defaults to the environment's registered time limit.
    """
    envs = [env_fn() for _ in range(num_envs)]
    space = envs[0].observation_space
    if not isinstance(space, gymnasium.spaces.Box) or not isinstance(
        envs[0].action_space, gymnasium.spaces.Discrete
    ):
        raise InputError(
            f"from_gymnasium needs Box observations and Discrete actions, got {space} and "
            f"{envs[0].action_space}; wrap the environment (gymnasium.wrappers.FlattenObservation)"
        )
    spec = envs[0].spec
    limit = episode_steps or (spec.max_episode_steps if spec else None)
    if limit is None:
        raise InputError("the environment names no time limit; give episode_steps")
    size = int(np.prod(space.shape))
    return FromGymnasium(
        signals=signals,
        num_envs=num_envs,
        num_groups=num_groups,
        obs_size=size,
        episode_steps=limit,
        worlds=_Worlds(envs),
    )
