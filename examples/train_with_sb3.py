"""A Stable-Baselines3 agent trained on a world of ours, judged by our metrics.

Run: python examples/train_with_sb3.py
"""

import gymnasium
import jax.random as jr

import evenhand.envs.adapters  # noqa: F401  makes the worlds known to Gymnasium
from evenhand.algorithms.sb3 import sb3_policy
from evenhand.core.rollout import evaluate
from evenhand.metrics.catalogue import measure


def main(steps: int = 4_096) -> dict[str, list[float]] | None:
    """Approval rate and return by group; None where Stable-Baselines3 is not installed."""
    try:
        from stable_baselines3 import PPO
    except ModuleNotFoundError:
        print('This example needs stable-baselines3; install it with: pip install ".[interop]"')
        return None
    world = gymnasium.make("evenhand/Lending-v0", preset="gym", population_per_group=50)
    model = PPO("MlpPolicy", world, n_steps=512, seed=0, device="cpu").learn(steps)
    env, params = world.unwrapped.env, world.unwrapped.params
    found = evaluate(jr.key(1), env, params, sb3_policy(model, env), num_episodes=5, steps=2_000)
    measured = measure(found, env, params, ["approval_rate", "return"])
    return {name: one.by_group.mean(0).tolist() for name, one in measured.items()}


if __name__ == "__main__":
    for metric, by_group in (main() or {}).items():
        print(metric, [round(value, 3) for value in by_group])
