"""Collecting from batched worlds on the host with numpy: copies reach the device once a rollout."""

from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from evenhand.core.environment import Outcome
from evenhand.core.rollout import Transition


@runtime_checkable
class ColumnWorld(Protocol):
    """What is asked of a world on the host: N columns, each of one group and one task.

    It begins the next episode of a column by itself. `advance(actions)` returns `obs`, `rewards`
    `(N, M)`, `terminated`, `truncated`, `successor` and `weight`, all numpy.
    """

    signals: tuple[str, ...]
    column_group: tuple[int, ...]
    column_task: tuple[int, ...]
    num_envs: int
    num_groups: int
    obs_size: int
    action_size: int
    episode_steps: int
    auto_reset: bool

    def reset(self, seed: int) -> np.ndarray: ...

    def advance(self, actions: np.ndarray) -> Any: ...


class HostActor:
    """One group's actor in numpy, for a handful of rows at a time.

    Below a hundred rows a call of a compiled program costs more than the products in it.
    """

    def __init__(self, actor: Any, scaler: Any, reach: float, task: Int[np.ndarray, " N"]):
        self._body = _layers(actor.body)
        self._heads = None if actor.heads is None else _layers(actor.heads)
        self._std = np.exp(np.asarray(actor.log_std))
        count, square = np.asarray(scaler.count), np.asarray(scaler.square)
        spread = np.sqrt(square / count) if count > 1 else np.ones_like(square)
        self._mean, self._scale = np.asarray(scaler.mean), 1 / (spread + np.float32(1e-8))
        self._reach, self._rows = reach, [np.flatnonzero(task == m) for m in range(task.max() + 1)]

    def mean(self, obs: Float[np.ndarray, "N obs"]) -> Float[np.ndarray, "N A"]:
        """The mean action of every column."""
        rows = np.clip((obs - self._mean) * self._scale, -self._reach, self._reach)
        rows = _through(self._body, rows)
        if self._heads is None:
            return rows
        trunk = np.tanh(rows)
        out = np.zeros((len(obs), len(self._std)), np.float32)
        for m, mine in enumerate(self._rows):
            out[mine] = _through([(w[m], b[m]) for w, b in self._heads], trunk[mine])
        return out

    def act(
        self, obs: Float[np.ndarray, "N obs"], noise: Float[np.ndarray, "N A"]
    ) -> Float[np.ndarray, "N A"]:
        """An action of every column, for standard normal noise."""
        return self.mean(obs) + self._std * noise


class HostBatch(NamedTuple):
    """A rollout, where episodes were cut in it, and the returns of those that ended in it."""

    batch: Transition
    cut: Bool[Array, "T N"]
    paid: Float[np.ndarray, "N M"]
    """Sum of the returns of every column's whole episodes."""
    episodes: Float[np.ndarray, " N"]


def host_rollout(world: ColumnWorld, actor: HostActor, num_steps: int, seed: int) -> HostBatch:
    """`num_steps` steps of every column from fresh episodes; all noise is drawn from `seed`."""
    N, A, M = world.num_envs, world.action_size, len(world.signals)
    noise = np.random.default_rng(seed).standard_normal((num_steps, N, A), np.float32)
    shapes = {"obs": world.obs_size, "successor": world.obs_size, "action": A, "rewards": M}
    kept = {name: np.empty((num_steps, N, size), np.float32) for name, size in shapes.items()}
    flags = {name: np.empty((num_steps, N), bool) for name in ("terminated", "truncated")}
    weight = np.empty((num_steps, N), np.float32)
    obs = world.reset(seed).astype(np.float32)
    for t in range(num_steps):
        action = actor.act(obs, noise[t])
        done = world.advance(action)
        kept["obs"][t], kept["action"][t] = obs, action
        kept["successor"][t], kept["rewards"][t] = done.successor, done.rewards
        flags["terminated"][t], flags["truncated"][t] = done.terminated, done.truncated
        weight[t], obs = done.weight, done.obs.astype(np.float32)
    ended = flags["terminated"] | flags["truncated"]
    paid, episodes = whole_episodes(kept["rewards"] * weight[..., None], ended)
    group = np.broadcast_to(np.array(world.column_group, np.int32), (num_steps, N))
    person = np.broadcast_to(np.arange(N, dtype=np.int32), (num_steps, N))
    nothing = jnp.zeros((num_steps, N), jnp.int32)
    outcome = Outcome(
        jnp.asarray(group), jnp.asarray(person), nothing, nothing, jnp.asarray(weight)
    )
    there = {name: jnp.asarray(values) for name, values in kept.items()}
    batch = Transition(
        there["obs"], there["action"], there["rewards"], jnp.asarray(flags["terminated"]),
        outcome, there["successor"],
    )  # fmt: skip
    return HostBatch(batch, jnp.asarray(ended), paid, episodes)


def whole_episodes(
    rewards: Float[np.ndarray, "T N M"], ended: Bool[np.ndarray, "T N"]
) -> tuple[Float[np.ndarray, "N M"], Float[np.ndarray, " N"]]:
    """Undiscounted returns of the episodes that ended, summed by column, and how many they were.

    What follows a column's last end is an episode that is not whole, and does not count.
    """
    still_ends = np.flip(np.maximum.accumulate(np.flip(ended, 0), 0), 0)
    return (rewards * still_ends[..., None]).sum(0), ended.sum(0).astype(np.float32)


def _layers(net: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    pairs = zip(net.weights, net.biases, strict=True)
    return [(np.asarray(weight), np.asarray(bias)) for weight, bias in pairs]


def _through(layers: list[tuple[np.ndarray, np.ndarray]], rows: np.ndarray) -> np.ndarray:
    for weight, bias in layers[:-1]:
        rows = np.tanh(rows @ weight + bias)
    weight, bias = layers[-1]
    return rows @ weight + bias
