"""A Stable-Baselines3 agent in a world whose reward and observation follow it (Bisimulator).

Run: python examples/bisimulate_sb3.py
"""

import gymnasium
import jax.random as jr

import evenhand.envs.adapters  # noqa: F401  makes the worlds known to Gymnasium
from evenhand.algorithms.bisimulator_wrapper import BisimulatorWrapper
from evenhand.algorithms.parts.observation_search import ObservationSearch
from evenhand.algorithms.sb3 import sb3_policy
from evenhand.core.rollout import evaluate
from evenhand.metrics.catalogue import measure


def main(chunks: int = 4, steps: int = 2_048) -> dict[str, list[float]] | None:
    """What omega is and what the agent does, by group; None without Stable-Baselines3."""
    try:
        from stable_baselines3 import PPO
    except ModuleNotFoundError:
        print('This example needs stable-baselines3; install it with: pip install ".[interop]"')
        return None
    lending = gymnasium.make("evenhand/Lending-v0", preset="gym", population_per_group=100)
    world = BisimulatorWrapper(lending, search=ObservationSearch(proposals=4))
    env = world.unwrapped.env
    model = PPO("MlpPolicy", world, n_steps=1_024, n_epochs=4, seed=0, device="cpu")
    for _ in range(chunks):
        log = world.adapt(sb3_policy(model, env))
        print(f"J_rew {log['J_rew_before']:.3f} -> {log['J_rew_after']:.3f}, {world.adjusted}")
        model.learn(steps, reset_num_timesteps=False)
    found = evaluate(jr.key(1), env, world.params, sb3_policy(model, env), num_episodes=5)
    measured = measure(found, env, world.params, ["approval_rate", "recall", "return"])
    results = {name: one.by_group.mean(0) for name, one in measured.items()} | world.adjusted
    return {name: by_group.tolist() for name, by_group in results.items()}


if __name__ == "__main__":
    for name, by_group in (main() or {}).items():
        print(name, [round(value, 3) for value in by_group])
