"""Gymnasium's view of a world, and a world's view of a Gymnasium environment.

After `import evenhand.envs.adapters`, `gymnasium.make("evenhand/Lending-v0", preset="fico")` and
`gymnasium.make_vec("evenhand/Lending-v0", num_envs=8)` work; without the import, Gymnasium's own
`gymnasium.make("evenhand.envs.adapters:evenhand/Lending-v0")` does both at once.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array

from evenhand.core.environment import AbstractEnvironment, AbstractHostEnvironment, Outcome, Step
from evenhand.core.errors import InputError
from evenhand.core.policy import AbstractPolicy, CategoricalPolicy

try:
    import gymnasium
    from gymnasium.utils import seeding
    from gymnasium.vector import AutoresetMode
    from gymnasium.vector.utils import batch_space
except ModuleNotFoundError as missing:
    raise InputError("Gymnasium is not installed; try: pip install 'evenhand[gym]'") from missing

_WORLDS = {
    "Lending-v0": "evenhand.envs.lending:Lending",
    "Admissions-v0": "evenhand.envs.admissions:Admissions",
}
_FACTS = ("group", "person", "decision", "label")


class _Programs(NamedTuple):
    """Compiled functions of flat lists of arrays: flattening modules would cost as much again."""

    reset: Callable
    step: Callable
    reset_where: Callable


@lru_cache(maxsize=64)
def _programs(structure: Any, batched: bool) -> _Programs:
    """The compiled world; worlds of equal structure share it.

    What stays on the device between calls is the world's state, its key and its clock, flat.
    `step` returns one row of numbers, since each array that comes back has its price.
    """
    carried = []

    def reset(constants: list[Array], seed: Array) -> tuple[list[Array], Array]:
        env, params = jax.tree.unflatten(structure, constants)
        reset_key, run_key = jr.split(jr.key(seed))
        state = env.reset(reset_key, params)
        leaves, tree = jax.tree.flatten((state, jr.key_data(run_key), jnp.int32(0)))
        carried[:] = [tree]
        return leaves, env.observe(state, params)

    def step(constants: list[Array], leaves: list[Array], action: Array):
        env, params = jax.tree.unflatten(structure, constants)
        state, key, time = jax.tree.unflatten(carried[0], leaves)
        step_key = jr.fold_in(jr.wrap_key_data(key), time)
        state, done = env.step(step_key, state, action, params)
        who = done.outcome
        facts = [done.terminated, who.weight, who.group, who.person, who.decision, who.label]
        row = jnp.concatenate(
            [
                env.observe(state, params),
                done.rewards,
                jnp.stack([fact.astype(jnp.float32) for fact in facts]),
            ]
        )
        return jax.tree.leaves((state, key, time + 1)), row

    def reset_where(mask: Array, constants: list[Array], leaves: list[Array], seed: Array):
        fresh, obs = jax.vmap(reset, (None, 0))(constants, seed)

        def choose(new: Array, old: Array) -> Array:
            return jnp.where(mask.reshape(-1, *(1,) * (new.ndim - 1)), new, old)

        return [choose(new, old) for new, old in zip(fresh, leaves, strict=True)], obs

    if batched:
        many = jax.vmap(reset, (None, 0)), jax.vmap(step, (None, 0, 0))
        return _Programs(jax.jit(many[0]), jax.jit(many[1]), jax.jit(reset_where))
    return _Programs(jax.jit(reset), jax.jit(step), jax.jit(reset_where))


def _spaces(env: AbstractEnvironment) -> tuple[gymnasium.spaces.Box, gymnasium.spaces.Discrete]:
    low, high = env.obs_bounds
    return gymnasium.spaces.Box(low, high, dtype=np.float32), gymnasium.spaces.Discrete(
        env.num_actions
    )


def _new_seed(generator: np.random.Generator) -> np.uint32:
    return generator.integers(2**32, dtype=np.uint32)


class GymnasiumEnv(gymnasium.Env):
    """One world as a `gymnasium.Env`; the reward is the first signal.

    After a step, `info` holds each signal under its name and `group`, `person`, `decision`,
    `label` and `weight` of the decision just taken, as plain numbers. Truncated at
    `episode_steps`.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012

    def __init__(self, env: AbstractEnvironment, params: Any = None):
        self.env = env
        self.params = env.default_params() if params is None else params
        self.observation_space, self.action_space = _spaces(env)
        self._constants, structure = jax.tree.flatten((env, self.params))
        self._programs = _programs(structure, False)
        self._names = (*env.signals, "terminated", "weight", *_FACTS)
        self._world: list[Array] | None = None
        self._time = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        super().reset(seed=seed)
        self._world, obs = self._programs.reset(self._constants, _new_seed(self.np_random))
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
        for fact in _FACTS:
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
        self.params = env.default_params() if params is None else params
        self.single_observation_space, self.single_action_space = _spaces(env)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._constants, structure = jax.tree.flatten((env, self.params))
        self._programs = _programs(structure, True)
        self._names = (*env.signals, "terminated", "weight", *_FACTS)
        self._generators = [seeding.np_random(None)[0] for _ in range(num_envs)]
        self._world: list[Array] | None = None
        self._time = np.zeros(num_envs, np.int64)
        self._over = np.zeros(num_envs, bool)

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
        new = np.array([_new_seed(generator) for generator in self._generators])
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
        for fact in _FACTS:
            info[fact] = info[fact].astype(np.int64)
        info |= {f"_{name}": stepped.copy() for name in tuple(info)}
        rewards = info[self.env.signals[0]].astype(np.float64)
        return rows[:, :size].copy(), rewards, terminated, truncated, info

    def _reset_where(self, mask: np.ndarray, rows: np.ndarray) -> None:
        """Start the worlds in `mask` afresh; their rows become a first observation and zeros."""
        new = [
            _new_seed(generator) if over else 0
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


def _build(world: str, options: dict[str, Any]) -> AbstractEnvironment:
    """A named world; Lending reads its population from the options, others take them as they are."""
    module, _, name = _WORLDS[world].partition(":")
    try:
        build = getattr(import_module(module), name)
    except (ModuleNotFoundError, AttributeError) as error:
        raise InputError(f"this installation has no {world}: {error}") from error
    if world != "Lending-v0":
        return build(**options)
    from evenhand.data.choose import choose_population

    features = options.pop("features", None)
    chosen = {name: options.pop(name, None) for name in ("preset", "params", "groups")}
    population = choose_population(
        **chosen, settings=[f"{name}={value!r}" for name, value in options.items()]
    )
    return build(population) if features is None else build(population, tuple(features))


def make_env(world: str, **options: Any) -> GymnasiumEnv:
    """Entry point of the registered ids; options as on the command line: `preset="fico"`."""
    return to_gymnasium(_build(world, options))


def make_vector_env(world: str, num_envs: int = 1, **options: Any) -> GymnasiumVectorEnv:
    """Vector entry point of the registered ids."""
    return to_gymnasium_vector(_build(world, options), num_envs)


def register() -> None:
    """Make the worlds known to Gymnasium; importing this module does it, twice does no harm."""
    for world in _WORLDS:
        name = f"evenhand/{world}"
        if name not in gymnasium.registry:
            gymnasium.register(
                name,
                entry_point="evenhand.envs.adapters:make_env",
                vector_entry_point="evenhand.envs.adapters:make_vector_env",
                kwargs={"world": world},
            )


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

    def reset(self, seed: int) -> np.ndarray:
        first = [env.reset(seed=seed + i)[0] for i, env in enumerate(self.worlds.envs)]
        self.worlds.obs = np.stack([np.asarray(obs, np.float32).reshape(-1) for obs in first])
        self.worlds.over[:] = False
        return self.worlds.obs.copy()

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, Step]:
        rewards = np.zeros((self.num_envs, len(self.signals)), np.float32)
        terminated = np.zeros(self.num_envs, bool)
        facts = np.zeros((self.num_envs, len(_FACTS)), np.int32)
        facts[:, 1], facts[:, 2] = np.arange(self.num_envs), actions
        weight = np.zeros(self.num_envs, np.float32)
        for i in np.flatnonzero(~self.worlds.over):
            obs, reward, ended, cut, info = self.worlds.envs[i].step(actions[i])
            self.worlds.obs[i] = np.asarray(obs, np.float32).reshape(-1)
            rewards[i] = [reward, *(info[name] for name in self.signals[1:])]
            facts[i] = [info.get(name, facts[i, j]) for j, name in enumerate(_FACTS)]
            weight[i] = info.get("weight", 1.0)
            terminated[i] = ended
            self.worlds.over[i] = ended or cut
        outcome = Outcome(*(jnp.asarray(column) for column in facts.T), jnp.asarray(weight))
        obs = self.worlds.obs.copy()
        step = Step(jnp.asarray(rewards), jnp.asarray(terminated), outcome, jnp.asarray(obs))
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
    return FromGymnasium(signals, num_envs, num_groups, size, limit, _Worlds(envs))


class LayerStack(eqx.Module):
    """A fully connected network copied from elsewhere: products, biases and activations."""

    weights: list[Array]
    biases: list[Array]
    activations: tuple[str, ...] = eqx.field(static=True)

    def __call__(self, obs: Array) -> Array:
        for weight, bias, name in zip(self.weights, self.biases, self.activations, strict=True):
            obs = _ACTIVATIONS[name](obs @ weight + bias)
        return obs


_ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "Identity": lambda x: x,
    "Tanh": jnp.tanh,
    "ReLU": jax.nn.relu,
    "ELU": jax.nn.elu,
    "LeakyReLU": jax.nn.leaky_relu,
    "Sigmoid": jax.nn.sigmoid,
}


def sb3_policy(model: Any, env: AbstractEnvironment) -> AbstractPolicy:
    """The policy of a Stable-Baselines3 model (PPO, A2C, DQN), fit for `evaluate`.

    The weights are copied, so the result is compiled with the world and stays what the model was
    at this moment. PPO's and A2C's policy is stochastic, DQN's greedy.
    """
    policy = model.policy
    on_values = getattr(policy, "q_net", None)
    if on_values is not None:
        layers = list(on_values.q_net)
    elif getattr(policy, "action_net", None) is not None and hasattr(policy, "mlp_extractor"):
        layers = [*policy.mlp_extractor.policy_net, policy.action_net]
    else:
        raise InputError(f"{type(model).__name__} has no categorical policy; use PPO, A2C or DQN")
    if type(policy.features_extractor).__name__ != "FlattenExtractor":
        raise InputError("only MlpPolicy models can be copied, not ones with another extractor")
    network = _copy_layers(layers)
    sizes = network.weights[0].shape[0], network.weights[-1].shape[1]
    if sizes != (env.obs_size, env.num_actions):
        raise InputError(
            f"the model maps {sizes[0]} numbers to {sizes[1]} actions, the world has "
            f"{env.obs_size} and {env.num_actions}; choose the features the model was trained on"
        )
    return CategoricalPolicy(network, greedy=on_values is not None)


def _copy_layers(layers: Sequence[Any]) -> LayerStack:
    """Linear layers, each with the activation that follows it, from torch modules."""
    weights, biases, activations = [], [], []
    for layer in layers:
        name = type(layer).__name__
        if name == "Linear":
            weights.append(jnp.asarray(layer.weight.detach().cpu().numpy().T))
            biases.append(jnp.asarray(layer.bias.detach().cpu().numpy()))
            activations.append("Identity")
        elif name in _ACTIVATIONS and activations:
            activations[-1] = name
        else:
            raise InputError(f"layer {name} is not known; known: Linear, {', '.join(_ACTIVATIONS)}")
    return LayerStack(weights, biases, tuple(activations))


register()
