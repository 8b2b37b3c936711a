"""Train PPO for a moment, evaluate what it learned exactly, and place it on the exact frontier.

PPO maximises profit and knows nothing of groups. The frontier says what the best policy earns at
the gain disparity that PPO's policy happens to have.
Run: python examples/ppo_on_the_frontier.py
"""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from evenhand.algorithms.ppo import PPO
from evenhand.core.training import train
from evenhand.data.presets import drift_1
from evenhand.envs.lending import Lending
from evenhand.tabular.frontier import Frontier
from evenhand.tabular.lending import criterion_values

CRITERION = "gain-disparity"


def main(updates: int = 200) -> tuple[float, float, float]:
    """Exact profit and gain disparity of PPO's policy, and the best profit at that disparity."""
    population = drift_1()
    env = Lending(population, features=("score-onehot", "group"))
    ppo = PPO(num_steps=100, learning_rate=3e-3).for_budget(updates)
    state, _ = train(
        jr.key(0), ppo, env, env.default_params(), num_updates=updates, train_episode_steps=500
    )
    table = approval_table(ppo.policy(state).network, env)
    learned = criterion_values(population.person(), table)
    best = Frontier(population, CRITERION).point(learned[CRITERION])
    return learned["profit"], learned[CRITERION], best.profit


def approval_table(network, env: Lending) -> np.ndarray:
    """`(G, K, 2)` action probabilities of a network that sees level and group only."""
    levels = jnp.tile(jnp.eye(env.num_levels), (env.num_groups, 1, 1))
    groups = jnp.repeat(jnp.eye(env.num_groups)[:, None], env.num_levels, 1)
    logits = jax.vmap(jax.vmap(network))(jnp.concatenate([levels, groups], -1))
    return np.asarray(jax.nn.softmax(logits), float)


if __name__ == "__main__":
    profit, disparity, best = main()
    print(f"PPO earns {profit:.2f} at a gain disparity of {disparity:.2f}; the best is {best:.2f}.")
