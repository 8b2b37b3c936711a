"""Stable-Baselines3 trains on our worlds unchanged, and its models come back as our policies."""

import jax
import jax.random as jr
import numpy as np
import pytest

sb3 = pytest.importorskip(
    "stable_baselines3", reason="needs stable-baselines3 and torch: make test-interop installs them"
)

import gymnasium  # noqa: E402
from stable_baselines3.common.env_checker import check_env  # noqa: E402

import evenhand.envs.adapters  # noqa: E402, F401
from evenhand.algorithms.sb3 import sb3_policy  # noqa: E402
from evenhand.core.errors import InputError  # noqa: E402
from evenhand.core.policy import threshold_policy  # noqa: E402
from evenhand.core.rollout import evaluate  # noqa: E402
from evenhand.envs.lending import Lending  # noqa: E402

pytestmark = [
    pytest.mark.interop,
    # torch and Stable-Baselines3 deprecate things of their own.
    pytest.mark.filterwarnings("default"),
]


def world():
    return gymnasium.make(
        "evenhand/Lending-v0", population_per_group=50, episode_steps=200, initial_levels="exact"
    )


def trained(name, **options):
    model = getattr(sb3, name)("MlpPolicy", world(), seed=0, device="cpu", **options)
    return model.learn(2_048)


@pytest.fixture(scope="module")
def ppo():
    return trained("PPO", n_steps=512, n_epochs=4, learning_rate=3e-3)


@pytest.fixture(scope="module")
def dqn():
    return trained("DQN", learning_starts=200, train_freq=4, learning_rate=3e-3)


def observations(env, num=200):
    levels = np.random.default_rng(0).integers(7, size=num)
    groups = np.random.default_rng(1).integers(2, size=num)
    ratios = np.random.default_rng(2).random((num, 2)).astype(np.float32)
    return np.concatenate([np.eye(7)[levels], np.eye(2)[groups], ratios], 1).astype(np.float32)


def test_its_checker_finds_nothing_to_say():
    check_env(world().unwrapped)


def test_ppo_learns_to_earn_more_than_nothing(ppo):
    env = world().unwrapped.env
    J = evaluate(jr.key(0), env, env.default_params(), sb3_policy(ppo, env), num_episodes=32).J
    nobody = threshold_policy(env, 7)
    none = evaluate(jr.key(0), env, env.default_params(), nobody, num_episodes=32).J
    assert float(J[..., 0].sum(1).mean()) > float(none[..., 0].sum(1).mean()) + 5


def test_the_copied_ppo_policy_has_the_model_s_probabilities(ppo):
    env = Lending()
    obs = observations(env)
    theirs = ppo.policy.get_distribution(ppo.policy.obs_to_tensor(obs)[0]).distribution.probs
    policy = sb3_policy(ppo, env)
    ours = jax.vmap(lambda o: jax.nn.softmax(policy.network(o)))(obs)
    np.testing.assert_allclose(ours, theirs.detach().numpy(), atol=1e-5)


def test_the_copied_dqn_policy_acts_as_the_model_predicts(dqn):
    env = Lending()
    obs = observations(env)
    policy = sb3_policy(dqn, env)
    ours = jax.vmap(lambda o: policy.act(jr.key(0), o))(obs)
    np.testing.assert_array_equal(ours, dqn.predict(obs, deterministic=True)[0])


def test_a_model_of_another_world_is_refused(ppo):
    with pytest.raises(InputError, match="choose the features"):
        sb3_policy(ppo, Lending(features=("score-scaled",)))
