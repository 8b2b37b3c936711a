"""A scikit-learn classifier, fitted on what an approve-all month showed, deployed as a policy.

Run: python examples/classifier_as_policy.py
"""

import jax
import jax.random as jr
import numpy as np
from sklearn.linear_model import LogisticRegression

from evenhand.algorithms.sklearn_policy import classifier_policy
from evenhand.core.policy import constant_policy
from evenhand.core.rollout import evaluate, rollout, start
from evenhand.data.presets import fico_scores
from evenhand.envs.lending import Lending


def main(burn_in: int = 2000) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Groups, P(approve) by group and level, and each group's mean profit over ten episodes."""
    population = fico_scores()
    env = Lending(population)
    params = env.default_params()
    see_key, deploy_key = jr.split(jr.key(0))
    approve_all = constant_policy(env, 1.0).act
    _, seen = rollout(see_key, env, params, approve_all, start(see_key, env, params, 1), burn_in)
    group, level = env.decode(seen.obs)
    columns = np.stack([np.ravel(group), np.ravel(level)], 1)
    model = LogisticRegression().fit(columns, np.ravel(seen.outcome.label))

    policy = classifier_policy(
        model, env, inputs="group-level", threshold=float(population.break_even)
    )
    found = evaluate(deploy_key, env, params, policy, num_episodes=10)
    return population.groups, jax.device_get(policy.table)[..., 1], np.asarray(found.J[..., 0])


if __name__ == "__main__":
    groups, approve, profit = main()
    for name, row, mean in zip(groups, approve, profit.mean(0), strict=True):
        print(f"{name}: approved levels {np.flatnonzero(row).tolist()}, profit {mean:.0f}")
