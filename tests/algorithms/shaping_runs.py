"""Small runs of methods on PPO, for the tests of their terms."""

from dataclasses import replace

import jax.numpy as jnp
import jax.random as jr
import numpy as np

from evenhand.algorithms.parts.samples import Batch
from evenhand.algorithms.ppo import PPO
from evenhand.core.training import train
from evenhand.data.admissions import college
from evenhand.data.presets import gym
from evenhand.envs.admissions import Admissions
from evenhand.envs.lending import Lending
from evenhand.envs.observing import with_features

TINY = {"num_envs": 4, "num_steps": 32, "num_minibatches": 2, "num_epochs": 2, "width": 8}
WORLDS = {
    "lending": lambda: Lending(gym(population_per_group=4)),
    "lending of three groups": lambda: Lending(gym(3, 4)),
    # Nobody is left after forty admissions: steps of weight 0.
    "admissions": lambda: Admissions(college(population_per_group=20)),
}
# Worlds and credits in which a term of weight 0 must leave plain PPO.
PLAIN = [
    ("lending of three groups", "individual"),
    ("admissions", "stream"),
]


def world_for(algorithm, name="lending"):
    own = ("score-onehot", "group")
    reads = tuple(feature for feature in algorithm.reads if feature not in own)
    return with_features(WORLDS[name](), (*own, *reads))


def trained(algorithm, env, num_updates=4):
    params = env.default_params()
    return train(
        jr.key(3), algorithm, env, params, num_updates=num_updates, train_episode_steps=64
    )[0]


def same_networks(one, other, atol=0.0):
    """Whether two runs' networks are equal, leaf by leaf."""
    for name in ("policy", "value"):
        first, second = getattr(one.learner.network, name), getattr(other.learner.network, name)
        for leaf in ("hidden_in", "hidden_bias", "out", "out_bias"):
            np.testing.assert_allclose(getattr(first, leaf), getattr(second, leaf), 0, atol, leaf)


def check_plain_ppo_remains(term, name, **options):
    """With this term, the networks are those of PPO without one in the same world."""
    algorithm = PPO(**(TINY | options), term=term)
    env = world_for(algorithm, name)
    plain = PPO(**(TINY | options))
    same_networks(trained(algorithm, env), trained(plain, env), atol=1e-6)


def random_samples(columns, seed=0, size=64, num_groups=3):
    """Samples with every fourth of weight 0."""
    rng = np.random.default_rng(seed)
    numbers = [jnp.asarray(rng.normal(size=size), jnp.float32) for _ in range(4)]
    weight = jnp.asarray(np.arange(size) % 4 != 0, jnp.float32)
    return Batch(
        jnp.zeros((size, 1)),
        jnp.zeros(size, jnp.int32),
        numbers[0],
        jnp.full((size, 2), jnp.log(0.5)),
        *numbers[1:],
        weight,
        jnp.asarray(rng.integers(num_groups, size=size), jnp.int32),
        columns,
    )


def scaled(values, weight):
    """Values to [0, 1] over those that count, in numpy."""
    counted = np.asarray(values, np.float64)[np.asarray(weight) > 0]
    return (counted - counted.min()) / (counted.max() - counted.min() + 1e-8)


def standard(values):
    return (values - values.mean()) / values.std()


def spoiled(samples):
    """The samples with nonsense wherever the weight is 0."""
    nonsense = jnp.where(samples.weight > 0, samples.advantage, 1e3)
    return replace(samples, advantage=nonsense)
