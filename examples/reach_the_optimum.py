"""Train PPO where its discount can see the long run, and judge it exactly.

Ten people, 10,000 decisions: an applicant is back after about ten steps, so a discount of .999
reaches a hundred visits ahead. The optimum lends from the second level up, at a loss at first.
Run: python examples/reach_the_optimum.py [seed]
"""

import sys

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from evenhand.algorithms.ppo import PPO
from evenhand.core.training import train
from evenhand.data.choose import choose_population
from evenhand.envs.lending import Lending
from evenhand.tabular.lending import criterion_values
from evenhand.tabular.planning import backward_induction

STEPS = 8_000_000


def main(seed: int = 0, steps: int = STEPS) -> tuple[float, float]:
    """Exact profit of the optimum and of the policy that PPO learned."""
    settings = ("population_per_group=5", "initial_levels=independent")
    population = choose_population("gym", settings=settings)
    env = Lending(population, features=("score-onehot", "group"))
    # Returns add up over the whole horizon (gae_lambda=1), so advantages are small beside their
    # noise: large batches, and an entropy weight that starts high and falls away.
    ppo = PPO(
        num_envs=128,
        num_steps=512,
        num_minibatches=8,
        discount=0.999,
        gae_lambda=1.0,
        learning_rate=1e-3,
        entropy_weight=0.02,
        anneal_entropy=True,
        clip_value=False,
    )
    updates = steps // (ppo.num_envs * ppo.num_steps)
    ppo = ppo.for_budget(updates)
    state, _ = train(jr.key(seed), ppo, env, env.default_params(), num_updates=updates)

    person = population.person()
    table = level_and_group_table(ppo.policy(state), env)
    profit = np.eye(len(person.signals))[person.signals.index("profit")]
    best = backward_induction(person, profit).policy
    return criterion_values(person, best)["profit"], criterion_values(person, table)["profit"]


def level_and_group_table(policy, env) -> np.ndarray:
    """`(G, K, 2)` probabilities of a policy that sees level and group only."""
    levels = jnp.tile(jnp.eye(env.num_levels), (env.num_groups, 1, 1))
    groups = jnp.repeat(jnp.eye(env.num_groups)[:, None], env.num_levels, 1)
    obs = jnp.concatenate([levels, groups], -1)
    return np.asarray(jax.nn.softmax(jax.vmap(jax.vmap(policy.network))(obs)), float)


if __name__ == "__main__":
    optimum, learned = main(*map(int, sys.argv[1:2]))
    print(f"exact optimum {optimum:.1f}, PPO {learned:.1f} ({learned / optimum:.1%})")
