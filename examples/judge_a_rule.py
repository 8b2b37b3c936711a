"""What one rule does to two groups, in the simulator: 20 episodes of lending on the FICO scores.

Definition: recall and its difference (equal opportunity). Groups: as in the score tables. Harm:
people who would repay are denied, in one group more often than in the other.
Run: python examples/judge_a_rule.py
"""

import jax.random as jr

from evenhand.core.policy import threshold_policy
from evenhand.core.rollout import evaluate
from evenhand.data.choose import choose_population
from evenhand.envs.lending import Lending
from evenhand.metrics.catalogue import measure
from evenhand.metrics.intervals import group_intervals
from evenhand.metrics.metric import Measurement


def main(episodes: int = 20) -> tuple[tuple[str, ...], Measurement]:
    """Names of the groups, and the recall of each in every episode."""
    population = choose_population(preset="fico", groups="white,black")
    env = Lending(population)
    rule = threshold_policy(env, 3)  # approve from the fourth of seven levels up
    found = evaluate(jr.key(0), env, env.default_params(), rule, num_episodes=episodes)
    return population.groups, measure(found, env, env.default_params(), ["recall"])["recall"]


if __name__ == "__main__":
    groups, recall = main()
    for name, found in zip(groups, group_intervals(recall.by_group), strict=True):
        print(f"recall, {name}: {found.estimate:.3f} ({found.low:.3f} to {found.high:.3f})")
    print(f"mean over episodes of the difference: {recall.difference.mean():.3f}")
