"""An unmodified Stable-Baselines3 learner trains under Bisimulator."""

import numpy as np
import pytest

sb3 = pytest.importorskip(
    "stable_baselines3", reason="needs stable-baselines3 and torch: make test-interop installs them"
)

import gymnasium  # noqa: E402
import jax.random as jr  # noqa: E402
from stable_baselines3.common.callbacks import BaseCallback  # noqa: E402
from stable_baselines3.common.env_checker import check_env  # noqa: E402
from stable_baselines3.common.vec_env import DummyVecEnv  # noqa: E402

import evenhand.envs.adapters  # noqa: E402, F401
from evenhand.algorithms.bisimulator_wrapper import BisimulatorWrapper  # noqa: E402
from evenhand.algorithms.parts.observation_search import (  # noqa: E402
    NoSearch,
    ObservationSearch,
)
from evenhand.algorithms.parts.reward_correction import RewardCorrection  # noqa: E402
from evenhand.algorithms.sb3 import sb3_policy  # noqa: E402
from evenhand.core.policy import threshold_policy  # noqa: E402
from evenhand.core.rollout import evaluate  # noqa: E402

pytestmark = [
    pytest.mark.interop,
    # torch and Stable-Baselines3 deprecate things of their own.
    pytest.mark.filterwarnings("default"),
]

PPO = {"n_steps": 512, "n_epochs": 4, "learning_rate": 3e-3, "seed": 0, "device": "cpu"}


def world(search=None, **options):
    env = gymnasium.make(
        "evenhand/Lending-v0", population_per_group=50, episode_steps=200, initial_levels="exact"
    )
    search = ObservationSearch(model_updates=20, proposals=3) if search is None else search
    return BisimulatorWrapper(env, search=search, dataset_envs=4, dataset_steps=200, **options)


def mean_return(env, params, policy):
    J = evaluate(jr.key(0), env, params, policy, num_episodes=32).J
    return float(J[..., 0].sum(1).mean())


class Follow(BaseCallback):
    """Adapts the world to the model every so many steps of it."""

    def __init__(self, world, every):
        super().__init__()
        self.world, self.every, self.logs = world, every, []

    def _on_rollout_start(self):
        if self.num_timesteps >= len(self.logs) * self.every:
            policy = sb3_policy(self.model, self.world.unwrapped.env)
            self.logs.append(self.world.adapt(policy))

    def _on_step(self):
        return True


def test_its_checker_finds_nothing_to_say():
    check_env(world())


def test_ppo_learns_to_earn_between_adaptations():
    shown = world()
    env = shown.unwrapped.env
    model = sb3.PPO("MlpPolicy", shown, **PPO)
    for _ in range(3):
        log = shown.adapt(sb3_policy(model, env))
        assert np.isfinite(list(log.values())).all()
        assert log["J_rew_after"] < log["J_rew_before"]
        model.learn(2_048, reset_num_timesteps=False)
    assert model.num_timesteps == 3 * 2_048
    assert shown.data_steps == 3 * 4 * 4 * 200
    nobody = mean_return(env, shown.params, threshold_policy(env, 7))
    assert mean_return(env, shown.params, sb3_policy(model, env)) > nobody + 5


def test_with_nothing_adapted_ppo_learns_what_it_learns_without_the_wrapper():
    still = world(NoSearch())
    models = [sb3.PPO("MlpPolicy", env, **PPO).learn(1_024) for env in (still, still.env)]
    one, other = (model.policy.state_dict() for model in models)
    for name in one:
        np.testing.assert_array_equal(one[name].numpy(), other[name].numpy())


def test_ppo_is_trained_on_the_corrected_reward():
    shown = world(NoSearch())
    strong = RewardCorrection(reward_updates=50, reward_rate=1e-2, alpha=1.0)
    shown = BisimulatorWrapper(shown.env, strong, NoSearch(), 4, 200)
    model = sb3.PPO("MlpPolicy", shown, **PPO)
    shown.adapt(sb3_policy(model, shown.unwrapped.env))
    model.learn(512)
    rewards = model.rollout_buffer.rewards
    assert (np.abs(rewards - np.round(rewards)) > 1e-3).any()  # profits are -1, 0 and 1


def test_a_callback_adapts_within_one_call_of_learn():
    shown = world()
    follow = Follow(shown, 1_024)
    sb3.PPO("MlpPolicy", shown, **PPO).learn(2_048, callback=follow)
    assert len(follow.logs) == 2
    assert shown.data_steps == 2 * 4 * 4 * 200


def test_dqn_trains_and_is_followed_as_it_acts_when_greedy():
    shown = world()
    model = sb3.DQN("MlpPolicy", shown, learning_starts=200, seed=0, device="cpu")
    for _ in range(2):
        log = shown.adapt(sb3_policy(model, shown.unwrapped.env))
        assert np.isfinite(list(log.values())).all()
        model.learn(600, reset_num_timesteps=False)


def test_the_model_itself_can_be_asked_instead_of_a_copy():
    copied, asked = world(NoSearch()), world(NoSearch())
    model = sb3.PPO("MlpPolicy", copied, **PPO).learn(512)

    def probabilities(rows):
        obs = model.policy.obs_to_tensor(rows)[0]
        return model.policy.get_distribution(obs).distribution.probs.detach().numpy()

    ours = copied.adapt(sb3_policy(model, copied.unwrapped.env))
    theirs = asked.adapt(probabilities)
    assert ours.keys() == theirs.keys()
    # Rounding may turn a decision, and then an episode.
    assert theirs["J_rew_before"] == pytest.approx(ours["J_rew_before"], abs=0.1)
    assert theirs["J_rew_after"] < theirs["J_rew_before"]


def test_several_worlds_share_what_is_adapted():
    first = world()
    worlds = DummyVecEnv([lambda: first, lambda: world(sharing=first)])
    model = sb3.PPO("MlpPolicy", worlds, **PPO)
    for _ in range(2):
        first.adapt(sb3_policy(model, first.unwrapped.env))
        model.learn(1_024, reset_num_timesteps=False)
    one, other = (env.unwrapped.params for env in worlds.envs)
    assert one is other
    assert one is first.params
