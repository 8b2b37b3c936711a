"""The rivals that the interop tests compare with are the versions that were tried."""

import pytest

pytestmark = pytest.mark.interop


def test_stable_baselines3_learns_on_this_torch(stable_baselines3):
    import torch

    assert torch.__version__.split("+")[0] == "2.13.0"
    model = stable_baselines3.PPO("MlpPolicy", "CartPole-v1", n_steps=64, device="cpu")
    assert model.learn(64).num_timesteps == 64
