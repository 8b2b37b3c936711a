"""Bisimulator as a Gymnasium wrapper, around a solver that is not ours and stays as it is.

    world = BisimulatorWrapper(gymnasium.make("evenhand/Lending-v0"))
    env = world.unwrapped.env
    model = stable_baselines3.PPO("MlpPolicy", world)
    for _ in range(50):
        print(world.adapt(sb3_policy(model, env)))
        model.learn(8_192, reset_num_timesteps=False)
    print(world.adjusted, world.data_steps)
    found = evaluate(jr.key(0), env, world.params, sb3_policy(model, env), num_episodes=5)

The solver is told r + alpha * R_phi and shown people's scores as omega says; both change in
`adapt` alone, which does what `Bisimulator.prepare` does. An evaluation sees the original reward
and the true scores, in the world as `world.params` shows it.

**Optimises**, **assumes**, **open in the paper**: as `algorithms/bisimulator.py`. What the solver
keeps from before an `adapt` (a replay buffer, the observation it decides on next) stays as it was,
and an episode in progress goes on. Steps of data collection are not among the solver's steps: add
`data_steps` where runs are compared. A greedy solver (DQN) is followed as it acts when greedy.
"""

from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import PRNGKeyArray

from evenhand.algorithms.parts.adaptation import Adaptation
from evenhand.algorithms.parts.adapted_process import AdaptedProcess, Probabilities
from evenhand.algorithms.parts.observation_search import AbstractSearch, ObservationSearch
from evenhand.algorithms.parts.reward_correction import RewardCorrection
from evenhand.core.environment import AbstractEnvironment
from evenhand.core.errors import InputError
from evenhand.core.policy import AbstractPolicy

try:
    import gymnasium
except ModuleNotFoundError as missing:
    raise InputError("Gymnasium is not installed; try: pip install 'evenhand[gym]'") from missing


class BisimulatorWrapper(gymnasium.Wrapper):
    """One world with corrected rewards, and scores shown as omega says.

    The uncorrected reward stays in `info`, under its signal's name and as `reward_original`.
    With `sharing`, R_phi and omega are those of another wrapper around an equal world, whose
    `adapt` changes both: for a solver that steps several worlds.
    """

    def __init__(
        self,
        env: gymnasium.Env,
        correction: RewardCorrection | None = None,
        search: AbstractSearch | None = None,
        dataset_envs: int = 1,
        dataset_steps: int = 4_000,
        seed: int = 0,
        sharing: "BisimulatorWrapper | None" = None,
    ):
        gymnasium.Wrapper.__init__(self, env)
        self._world = _world_of(env)
        if sharing is None:
            adaptation = _adaptation(correction, search, dataset_envs, dataset_steps)
            self.process = AdaptedProcess(self._world.env, self._world.params, adaptation, seed)
        else:
            self.process = _shared(sharing.process, self._world)
        self._obs = np.zeros(self._world.env.obs_size, np.float32)

    @property
    def params(self) -> Any:
        """The world's params under the present omega."""
        return self.process.params

    @property
    def adjusted(self) -> dict[str, np.ndarray]:
        """Omega by name, one number per group."""
        return self.process.adjusted

    @property
    def data_steps(self) -> int:
        """Environment steps that went into data sets, of which the solver knows nothing."""
        return self.process.data_steps

    def adapt(
        self, act: AbstractPolicy | Probabilities, key: PRNGKeyArray | None = None
    ) -> dict[str, float]:
        """J_rew, J_dyn and omega, after reward and observation have been adapted to a policy.

        `act` is a policy of ours (`sb3_policy(model, env)` is a copy of one), which runs compiled,
        or any function from rows of observations `(B, obs)` to action probabilities `(B, A)`: it
        is asked on the host about every step, and must not use jax. Without a key, this wrapper's
        next one.
        """
        return self.process.adapt(act, key)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        _show(self._world, self.process)
        obs, info = self.env.reset(seed=seed, options=options)
        self._obs = np.array(obs)
        return obs, info

    def step(self, action: Any):
        _show(self._world, self.process)
        obs, reward, terminated, truncated, info = self.env.step(action)
        change = self.process.change(self._obs, info["group"], action)
        self._obs = np.array(obs)
        info["reward_original"] = float(reward)
        corrected = float(reward) + float(change) * info["weight"]
        return obs, corrected, terminated, truncated, info


class BisimulatorVectorWrapper(gymnasium.vector.VectorWrapper):
    """The same for worlds that are stepped together; `process` adapts, and knows omega."""

    def __init__(
        self,
        env: gymnasium.vector.VectorEnv,
        correction: RewardCorrection | None = None,
        search: AbstractSearch | None = None,
        dataset_envs: int = 1,
        dataset_steps: int = 4_000,
        seed: int = 0,
    ):
        gymnasium.vector.VectorWrapper.__init__(self, env)
        self._world = _world_of(env)
        adaptation = _adaptation(correction, search, dataset_envs, dataset_steps)
        self.process = AdaptedProcess(self._world.env, self._world.params, adaptation, seed)
        self._obs = np.zeros((env.num_envs, self._world.env.obs_size), np.float32)

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None):
        _show(self._world, self.process)
        obs, info = self.env.reset(seed=seed, options=options)
        self._obs = np.array(obs)
        return obs, info

    def step(self, actions: Any):
        _show(self._world, self.process)
        obs, rewards, terminated, truncated, info = self.env.step(actions)
        change = self.process.change(self._obs, info["group"], actions)
        self._obs = np.array(obs)
        info["reward_original"], info["_reward_original"] = rewards, info["_weight"].copy()
        # A step that only resets a world weighs 0.
        return obs, rewards + change * info["weight"], terminated, truncated, info


def _adaptation(
    correction: RewardCorrection | None, search: AbstractSearch | None, envs: int, steps: int
) -> Adaptation:
    """How to adapt: as the learner class does where nothing is said."""
    return Adaptation(correction or RewardCorrection(), search or ObservationSearch(), envs, steps)


def _world_of(env: Any) -> Any:
    """The world inside, if it is ours and nothing in between changes what it shows."""
    world = env.unwrapped
    if not isinstance(getattr(world, "env", None), AbstractEnvironment):
        raise InputError(f"{world} is no world of ours; wrap gymnasium.make('evenhand/Lending-v0')")
    if env.observation_space != world.observation_space:
        raise InputError(f"{env} changes the observation; put this wrapper inside, that outside")
    return world


def _shared(process: AdaptedProcess, world: Any) -> AdaptedProcess:
    """The other wrapper's process, if the worlds are equal."""
    if not eqx.tree_equal((world.env, world.params), (process.env, process.original)):
        raise InputError("only equal worlds can share what is adapted; this one differs")
    return process


def _show(world: Any, process: AdaptedProcess) -> None:
    """Let the world show what the present omega says."""
    if world.params is not process.params:
        world.params = process.params
