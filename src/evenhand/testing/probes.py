"""Five tiny worlds that any learner must solve in seconds, after Jones 2021 on debugging RL.

They are one environment with different numbers, so a learner compiles once for all of them. Each
isolates one ability: `constant` (any value at all), `observed` (the value depends on what is
seen), `delayed` (it comes one step later), `action` (the action decides), `both`.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, Int

from evenhand.core.algorithm import AbstractAlgorithm, TrainState
from evenhand.core.environment import AbstractEnvironment, Outcome, Population, Step
from evenhand.core.training import train
from evenhand.testing.conformance import require

CUES = np.array([-1.0, 0.0, 1.0], np.float32)


class ProbeParams(eqx.Module):
    """`reward[time, level, action]`, the law of the first level, and 1 or 2 steps an episode."""

    reward: Float[Array, "2 3 2"]
    initial: Float[Array, " 3"]
    steps: Int[Array, ""]


class ProbeState(eqx.Module):
    """The cue (as a level), the group and the time, of the one person."""

    level: Int[Array, ""]
    group: Int[Array, ""]
    time: Int[Array, ""]


class Probe(AbstractEnvironment[ProbeState, ProbeParams]):
    """One person with a cue of -1, 0 or 1 is decided about once or twice; then all is over.

    **State**: cue, group, time. **Action**: 0 or 1. **Observation**: the cue, one-hot group.
    **Reward**: `reward[time, cue, action]` of the params. **Dynamics**: the second cue is 1.
    **End**: terminated after `steps`. **Source**: Jones 2021, adapted to two groups.
    """

    signals: ClassVar[tuple[str, ...]] = ("reward",)
    num_groups: ClassVar[int] = 2
    num_people: ClassVar[int] = 2
    num_actions: ClassVar[int] = 2
    num_levels: ClassVar[int] = 3
    obs_size: ClassVar[int] = 3
    episode_steps: ClassVar[int] = 2

    @property
    def obs_bounds(self) -> tuple[np.ndarray, np.ndarray]:
        return np.array([-1, 0, 0], np.float32), np.ones(3, np.float32)

    @property
    def slices(self) -> dict[str, slice]:
        return {"cue": slice(0, 1), "group": slice(1, 3)}

    def default_params(self) -> ProbeParams:
        return PROBES["both"]()

    def reset(self, key, params):
        level_draw, group_draw = jr.uniform(key, (2,))
        level = jnp.sum(level_draw >= jnp.cumsum(params.initial)[:2]).astype(jnp.int32)
        group = (group_draw < 0.5).astype(jnp.int32)
        return ProbeState(level, group, jnp.zeros((), jnp.int32))

    def step(self, key, state, action, params):
        """Collect the reward of this time, cue and action."""
        active = state.time < params.steps
        time = jnp.minimum(state.time, 1)
        reward = jnp.where(active, params.reward[time, state.level, action], 0.0)
        outcome = Outcome(
            group=state.group,
            person=state.group,
            decision=action.astype(jnp.int32),
            label=(reward > 0).astype(jnp.int32),
            weight=active.astype(jnp.float32),
        )
        state = ProbeState(jnp.int32(2), state.group, state.time + 1)
        return state, Step(
            rewards=reward[None],
            terminated=state.time >= params.steps,
            outcome=outcome,
            successor=self.observe(state, params),
        )

    def observe(self, state, params):
        cue = jnp.asarray(CUES)[state.level]
        return jnp.concatenate([cue[None], jax.nn.one_hot(state.group, 2)])

    def population(self, state, params):
        score = jnp.full(2, state.level.astype(jnp.float32))
        return Population(jnp.arange(2, dtype=jnp.int32), jnp.ones(2), score, score)

    def decode(self, obs):
        obs = jnp.asarray(obs)
        level = jnp.round(obs[..., 0] + 1.0).astype(jnp.int32)
        return jnp.argmax(obs[..., 1:], -1).astype(jnp.int32), level


def _params(reward: Any, initial: tuple[float, float, float], steps: int = 1) -> ProbeParams:
    table = np.broadcast_to(np.asarray(reward, np.float32), (2, 3, 2))
    return ProbeParams(jnp.asarray(table), jnp.asarray(initial, jnp.float32), jnp.int32(steps))


_ZERO, _PLUS_OR_MINUS, _SIGN = (0.0, 1.0, 0.0), (0.5, 0.0, 0.5), np.array([-1.0, 1.0])

PROBES: dict[str, Callable[[], ProbeParams]] = {
    "constant": lambda: _params(1.0, _ZERO),
    "observed": lambda: _params(CUES[:, None], _PLUS_OR_MINUS),
    "delayed": lambda: _params(np.array([0.0, 1.0])[:, None, None], _ZERO, steps=2),
    "action": lambda: _params(_SIGN, _ZERO),
    "both": lambda: _params(CUES[:, None] * _SIGN, _PLUS_OR_MINUS),
}


def best(params: ProbeParams, discount: float) -> list[tuple[int, float, set[int]]]:
    """Every level that occurs, with its highest value and the actions that reach it."""
    reward, steps = np.asarray(params.reward, float), int(params.steps)
    found = []
    if steps == 2:
        found.append((2, reward[1, 2].max(), _argmax(reward[1, 2])))
    for level in np.flatnonzero(np.asarray(params.initial)):
        later = discount * reward[1, 2].max() if steps == 2 else 0.0
        total = reward[0, level] + later
        found.append((int(level), float(total.max()), _argmax(total)))
    return found


def _argmax(values: np.ndarray) -> set[int]:
    return {int(i) for i in np.flatnonzero(values == values.max())}


def check_probe(
    name: str,
    algorithm: AbstractAlgorithm,
    *,
    num_updates: int,
    value: Callable[[TrainState, Array], Array] | None = None,
    discount: float = 0.99,
    seed: int = 0,
) -> None:
    """A `ConformanceError` unless the learner solves the probe of this name.

    After training, the best actions have probability .9 or more at every level, and
    `value(state, obs)`, if the learner has one, is within .15 of the true value. Worlds are reset
    every `num_steps`, which should be 2 at least.
    """
    env, params = Probe(), PROBES[name]()
    state, _ = train(
        jr.key(seed),
        algorithm,
        env,
        params,
        num_updates=num_updates,
        train_episode_steps=algorithm.num_steps,
    )
    policy = algorithm.policy(state)
    for level, true, actions in best(params, discount):
        for group in range(2):
            obs = jnp.asarray([CUES[level], 1.0 - group, group], jnp.float32)
            prob = sum(float(jnp.exp(policy.log_prob(obs, jnp.int32(a)))) for a in actions)
            require(
                prob >= 0.9,
                f"probe {name!r}: the best action has probability {prob:.2f} at cue "
                f"{CUES[level]:g}; {_HINTS[name]}",
            )
            got = true if value is None else float(value(state, obs))
            require(
                abs(got - true) <= 0.15,
                f"probe {name!r}: the value at cue {CUES[level]:g} is {got:.2f}, not {true:.2f}; "
                f"{_HINTS[name]}",
            )


_HINTS = {
    "constant": "look at the value loss and the optimiser",
    "observed": "look at how observations reach the value network",
    "delayed": "look at the discount, the bootstrap and the termination",
    "action": "look at the sign of the advantage and of the policy loss",
    "both": "look at how batches are shuffled: observations, actions and advantages must stay "
    "together",
}
