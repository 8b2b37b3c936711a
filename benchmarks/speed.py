"""Simulation and training, beside the same world in scalar Python and Stable-Baselines3."""

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import jax
import jax.random as jr
import numpy as np
from clock import Row, cpu_seconds, interleaved
from lending_gymnasium import LendingScalar
from scipy.stats import ks_2samp

from evenhand.algorithms.ppo import PPO
from evenhand.core.policy import constant_policy, threshold_policy
from evenhand.core.rollout import evaluate, rollout, start
from evenhand.core.training import train
from evenhand.envs.lending import Lending
from evenhand.envs.observing import with_features

FEATURES = ("score-onehot", "group", "running-rates")
SHIFT = 0.001  # one of 1,000 people
# Stable-Baselines3's own choices of work, eight worlds of 256 steps; and CleanRL's.
SB3_WORK: dict[str, int] = {
    "num_envs": 8,
    "num_steps": 256,
    "num_epochs": 10,
    "num_minibatches": 32,
}
CLEANRL_WORK: dict[str, int] = {"num_envs": 8, "num_steps": 128, "num_epochs": 4}


def simulation(repeats: int) -> list[Row]:
    """Environment steps a CPU second under random decisions, and whether both are one world."""
    env, num_envs, steps = with_features(Lending, FEATURES), 64, 2_000
    params, policy = env.default_params(), constant_policy(env, 0.5)
    actors = start(jr.key(0), env, params, num_envs)
    run = jax.jit(lambda key, actors: rollout(key, env, params, policy.act, actors, steps))
    other, other_steps = LendingScalar(shift=SHIFT), 50_000
    actions = np.random.default_rng(0).integers(2, size=other_steps).tolist()

    def play(repeat: int) -> None:
        other.reset(seed=repeat)
        for action in actions:
            if other.step(action)[3]:
                other.reset()

    ours, theirs = interleaved(
        lambda repeat: jax.block_until_ready(run(jr.key(repeat), actors)), play, repeats
    )
    name = "a. environment steps, random decisions"
    rates = [num_envs * steps / s for s in ours], [other_steps / s for s in theirs]
    return [Row(name, "steps/CPU s", *rates, bar=">= 4x", note=_same_world(env, params))]


def _same_world(env: Any, params: Any, num_episodes: int = 60) -> str:
    """Two-sample tests of the episodes' returns in both worlds, under two policies."""
    random = np.random.default_rng(1)
    choices = {
        "threshold at level 3": (threshold_policy(env, 3), lambda obs: int(obs[:7].argmax() >= 3)),
        "random": (constant_policy(env, 0.5), lambda obs: int(random.random() < 0.5)),
    }
    found = []
    for name, (policy, decide) in choices.items():
        J = evaluate(jr.key(2), env, params, policy, num_episodes=num_episodes).J
        ours = np.asarray(J[..., 0].sum(1), float)
        other = np.array([_episode(decide, seed) for seed in range(num_episodes)])
        z = (ours.mean() - other.mean()) / np.sqrt(
            ours.var(ddof=1) / num_episodes + other.var(ddof=1) / num_episodes
        )
        p = ks_2samp(ours, other).pvalue
        found.append(
            f"{name}: mean {ours.mean():.1f} and {other.mean():.1f}, z = {z:.2f}, KS p = {p:.2f}"
        )
    return f"returns of {num_episodes} episodes each; " + "; ".join(found)


def _episode(decide: Any, seed: int) -> float:
    world = LendingScalar(shift=SHIFT)
    obs, _ = world.reset(seed=seed)
    total, over = 0.0, False
    while not over:
        obs, reward, terminated, truncated, _ = world.step(decide(obs))
        total, over = total + reward, terminated or truncated
    return total


def training(repeats: int) -> list[Row]:
    """Training steps a CPU second of PPO, end to end, with the same amount of learning."""
    updates, algorithm = 10, PPO(**SB3_WORK)
    env = with_features(Lending, FEATURES)
    train_ours = partial(train, algorithm=algorithm, env=env, params=env.default_params())
    try:
        model = _sb3_model()
    except ModuleNotFoundError:
        model, note = None, "Stable-Baselines3 is not installed; `make bench` installs it"
    else:
        note = "same worlds, networks, minibatches and epochs; compiling is not counted, see d"

    def ours(repeat: int) -> None:
        jax.block_until_ready(train_ours(jr.key(repeat), num_updates=updates))

    def theirs(repeat: int) -> None:
        model.learn(2 * 2_048, reset_num_timesteps=False)

    mine, other = interleaved(ours, theirs if model else None, repeats)
    rates = [updates * 2_048 / s for s in mine], [2 * 2_048 / s for s in other]
    return [Row("b. PPO training steps", "steps/CPU s", *rates, bar=">= 20x", note=note)]


def _sb3_model() -> Any:
    import stable_baselines3
    import torch
    from stable_baselines3.common.vec_env import DummyVecEnv

    torch.set_num_threads(1)
    worlds = DummyVecEnv([lambda: LendingScalar(shift=SHIFT)] * 8)
    settings = PPO()
    return stable_baselines3.PPO(
        "MlpPolicy",
        worlds,
        n_steps=256,
        batch_size=64,
        n_epochs=10,
        learning_rate=settings.learning_rate,
        gamma=settings.discount,
        gae_lambda=settings.gae_lambda,
        clip_range=settings.clip,
        clip_range_vf=settings.clip,
        ent_coef=settings.entropy_weight,
        vf_coef=settings.value_weight,
        max_grad_norm=settings.max_grad_norm,
        policy_kwargs={"net_arch": {"pi": [256], "vf": [256]}, "activation_fn": torch.nn.Tanh},
        device="cpu",
    )


def ten_seeds(repeats: int) -> list[Row]:
    """Wall and CPU seconds of ten seeds of 400,000 steps in two threads, once each."""
    rows = []
    schedules = {"SB3": (SB3_WORK, "< 90 s"), "CleanRL": (CLEANRL_WORK, "< 45 s")}
    for name, (work, bar) in schedules.items():
        env, algorithm = with_features(Lending, FEATURES), PPO(**work)
        updates = -(-400_000 // (algorithm.num_envs * algorithm.num_steps))

        def one(seed: int, env=env, algorithm=algorithm, updates=updates) -> None:
            done = train(jr.key(seed), algorithm, env, env.default_params(), num_updates=updates)
            jax.block_until_ready(done)

        def all_seeds(one=one) -> None:
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(one, range(10)))

        one(10)
        start_wall = time.perf_counter()
        cpu = cpu_seconds(all_seeds)
        wall = time.perf_counter() - start_wall
        title = f"c. ten seeds x 400,000 steps, {name}'s schedule"
        rows += [Row(title, "wall s", [wall], bar=bar), Row(title, "CPU s", [cpu])]
    return rows
