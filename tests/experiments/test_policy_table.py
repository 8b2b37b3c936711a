"""A policy as a table is the policy that runs in the world."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from evenhand.core import registry
from evenhand.core.policy import AbstractPolicy
from evenhand.data.presets import drift_1, fico_scores
from evenhand.envs.lending import Lending
from evenhand.experiments.choose_policy import parse_policy
from evenhand.experiments.policy_table import policy_table

RULES = ["approve-all", "deny-all", "constant:0.3", "threshold:3", "threshold:2.25,4", "score>=60"]


@pytest.mark.parametrize("text", RULES)
def test_a_rule_read_without_jax_is_the_rule_that_runs(text):
    population = fico_scores()
    env = Lending(population)
    policy, _ = parse_policy(text, env, env.default_params(), jr.key(0))
    np.testing.assert_allclose(policy_table(text, population), policy.table, atol=1e-6)


def test_a_learned_threshold_is_read_off_and_depends_on_its_seed():
    found = [policy_table("accuracy-classifier", fico_scores(), seed) for seed in (0, 0)]
    np.testing.assert_array_equal(*found)
    approve = found[0][..., 1]
    assert set(np.unique(approve)) <= {0.0, 1.0}
    assert (np.diff(approve, axis=1) >= 0).all()
    np.testing.assert_allclose(found[0].sum(-1), 1)


class Tilted(AbstractPolicy):
    """More approvals for higher levels, fewer for the second group."""

    env: Lending = eqx.field(static=True)

    def act(self, key, obs):
        return jr.bernoulli(key, jnp.exp(self.log_prob(obs, jnp.int32(1)))).astype(jnp.int32)

    def log_prob(self, obs, action):
        group, level = self.env.decode(obs)
        logit = 0.3 * level.astype(jnp.float32) - 2.0 * group.astype(jnp.float32)
        return jax.nn.log_sigmoid(jnp.where(action == 1, logit, -logit))


def tilted(env, params, key, argument):
    return Tilted(env)


def test_any_policy_of_group_and_level_is_read_off_its_probabilities(monkeypatch):
    monkeypatch.setattr(registry, "POLICIES", dict(registry.POLICIES))
    monkeypatch.setattr("evenhand.algorithms.policies.POLICIES", registry.POLICIES)
    registry.register_policy("tilted", f"{__name__}:tilted")
    logit = 0.3 * np.arange(14) - 2.0 * np.arange(2)[:, None]
    expected = 1 / (1 + np.exp(-logit))
    np.testing.assert_allclose(policy_table("tilted", drift_1())[..., 1], expected, atol=1e-6)
