"""Actions flipped while collecting, by the rates of the last applicants."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from shaping_runs import PLAIN, TINY, check_plain_ppo_remains, trained, world_for

from evenhand.algorithms.f_ppo import MassagingAndShaping, f_ppo
from evenhand.algorithms.f_ppo_l import DistanceShaping
from evenhand.algorithms.f_ppo_s import ActionMassaging, MassagedPolicy, Places, f_ppo_s
from evenhand.core.errors import InputError
from evenhand.core.policy import AbstractPolicy
from evenhand.core.rollout import rollout, start
from evenhand.testing import Probe, check_algorithm

NEVER = ActionMassaging(first_iteration=1e6)
AT_ONCE = ActionMassaging(first_iteration=0.0, iterations_per_update=1.0, shrink=0.5, window=20)


@pytest.mark.parametrize(("world", "credit"), PLAIN)
@pytest.mark.slow
def test_before_the_first_iteration_the_networks_are_those_of_plain_ppo(world, credit):
    check_plain_ppo_remains(NEVER, world, credit=credit)


@pytest.mark.parametrize("make", [f_ppo_s, f_ppo])
@pytest.mark.long
def test_the_method_keeps_the_contract(make):
    massaging = AT_ONCE
    both = MassagingAndShaping(AT_ONCE, DistanceShaping(window=20))
    algorithm = make(**TINY, term=massaging if make is f_ppo_s else both)
    check_algorithm(algorithm, world_for(algorithm, "lending of three groups"))


def test_the_band_widens_by_the_formula():
    term = ActionMassaging()
    for update in (0, 10, 34, 35, 60, 400):
        iteration = update / 2
        band = float(term.band(jnp.int32(update)))
        if iteration <= 17:
            assert band > 0.5
        else:
            assert band == pytest.approx(0.5 * 0.985 ** (iteration - 17), rel=1e-5)


class FixedPolicy(AbstractPolicy):
    """Approves with the probability that stands first in the observation."""

    def act(self, key, obs):
        return (jr.uniform(key) < obs[0]).astype(jnp.int32)

    def log_prob(self, obs, action):
        return jnp.log(jnp.where(action == 1, obs[0], 1 - obs[0]))


def random_obs(seed, groups=3, size=400):
    """Probability of approval, group, rates, gaps if approved, gaps if denied; some tie."""
    rng = np.random.default_rng(seed)
    group = np.eye(groups)[rng.integers(groups, size=size)]
    gaps = np.round(rng.random((size, 3 * groups)) * 5) / 5
    return np.concatenate([rng.random((size, 1)), group, gaps], -1).astype(np.float32)


@pytest.mark.parametrize("band", [0.1, 0.3, 0.5, 2.0])
def test_an_action_is_flipped_only_within_the_band_and_only_if_that_narrows_the_gap(band):
    obs, groups = random_obs(0), 3
    policy = FixedPolicy()
    places = Places((1, 1 + groups), (1 + groups, 1 + 4 * groups))
    massaged = MassagedPolicy(policy, places, jnp.float32(band))
    keys = jr.split(jr.key(0), len(obs))
    drawn, done = (np.asarray(jax.vmap(p.act)(keys, jnp.asarray(obs))) for p in (policy, massaged))
    flipped = 0
    for row, first, last in zip(obs, drawn, done, strict=True):
        own = int(row[1 : 1 + groups].argmax())
        after = {1: row[1 + 2 * groups + own], 0: row[1 + 3 * groups + own]}
        prob = row[0] if first == 1 else 1 - row[0]
        allowed = band <= prob <= 1 - band and after[1 - first] < after[first]
        assert last == (1 - first if allowed else first)
        flipped += allowed
    assert (flipped > 0) == (band < 0.5)


def test_log_probabilities_are_those_of_what_is_done():
    obs = jnp.asarray(random_obs(1, size=4))
    massaged = MassagedPolicy(FixedPolicy(), Places((1, 4), (4, 13)), jnp.float32(0.05))
    keys = jr.split(jr.key(2), 4000)
    for row in obs:
        share = float(jax.vmap(massaged.act, (0, None))(keys, row).mean())
        chances = [float(jnp.exp(massaged.log_prob(row, jnp.int32(a)))) for a in (0, 1)]
        assert sum(chances) == pytest.approx(1.0, abs=1e-5)
        assert share == pytest.approx(chances[1], abs=0.035)


@pytest.mark.slow
def test_massaging_narrows_the_recent_gap_and_is_not_deployed():
    algorithm = f_ppo_s(**TINY, term=AT_ONCE)
    env = world_for(algorithm)
    params = env.default_params()
    state = replace(trained(algorithm, env, 1), update=jnp.int32(3))
    gaps = {}
    for name in ("policy", "behaviour"):
        act = getattr(algorithm, name)(state).act
        actors = start(jr.key(0), env, params, 8)
        _, batch = rollout(jr.key(1), env, params, act, actors, 300)
        gaps[name] = float(batch.rewards[..., env.signals.index("recent_tpr_gap")].mean())
    assert gaps["behaviour"] < 0.7 * gaps["policy"]
    assert not isinstance(algorithm.policy(state), MassagedPolicy)


def test_massaging_refuses_a_world_of_more_actions():
    class Three(Probe):
        num_actions = 3

    with pytest.raises(InputError, match="two actions"):
        ActionMassaging().init(jr.key(0), Three(), 8)
