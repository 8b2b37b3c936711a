"""Training steps a CPU second of every learner, with CleanRL's schedule."""

from typing import Any

import jax
import jax.random as jr
from clock import Row, cpu_seconds

from evenhand.core.registry import ALGORITHMS
from evenhand.core.training import train
from evenhand.envs.lending import Lending
from evenhand.experiments.methods import learner_world, make_algorithm, training_episode

# Bars of steps a CPU second; the methods' official codes were measured at 210, 147 and 56.
BARS = {"a-ppo": 20_000, "elbert-po": 7_000, "f-ppo-l": 15_000}
STEPS = 102_400


def learners(repeats: int) -> list[Row]:
    """One row a learner: Lending, 1,000 people a group, eight worlds of 128 steps an update."""
    return [_row(name, repeats) for name in ALGORITHMS]


def _row(name: str, repeats: int) -> Row:
    algorithm = make_algorithm(name, (), STEPS)
    env = learner_world(algorithm, Lending())
    params, updates = env.default_params(), -(-STEPS // algorithm.update_steps)

    def once(seed: int) -> Any:
        state, _ = train(
            jr.key(seed), algorithm, env, params, num_updates=updates,
            train_episode_steps=training_episode(env, algorithm),
        )  # fmt: skip
        return jax.block_until_ready(state.env_steps)

    spent = int(once(0))  # compiles
    rates = [spent / cpu_seconds(lambda seed=seed: once(seed)) for seed in range(1, repeats + 1)]
    bar = f">= {BARS[name]:,}" if name in BARS else ""
    return Row(f"g. training, {name}", "steps/CPU s", rates, bar=bar)
