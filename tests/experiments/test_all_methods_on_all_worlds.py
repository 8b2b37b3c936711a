"""Every learner trains in every world, unequal and three groups included, as the matrix says."""

from functools import cache

import numpy as np
import pytest

from evenhand.core.errors import InputError
from evenhand.core.registry import ALGORITHMS
from evenhand.core.rollout import evaluate
from evenhand.core.training import train
from evenhand.experiments.choose_world import choose_world
from evenhand.experiments.compilation import forget_programs
from evenhand.experiments.matrix import matrix
from evenhand.experiments.methods import (
    evaluation_key,
    known_options,
    learner_world,
    make_algorithm,
    num_updates,
    train_key,
    training_episode,
)

pytestmark = pytest.mark.long

UNEQUAL = "population_per_group=(39,7,4)"
SHORT = "episode_steps=64"
# Worlds of equal structure are equal and share a program, whatever their numbers. A program takes
# five to eight seconds to compile, so there are as few structures as have every world, unequal
# groups and three of them.
STRUCTURES = {
    "two unequal groups that drift": tuple(
        (name, "population_per_group=(30,10)", SHORT) for name in ("drift-1", "drift-2", "drift-3")
    ),
    "two groups of applicants to a college": (
        ("college", "population_per_group=20"),
        ("college-unequal-cost", "population_per_group=20"),
    ),
    "three unequal groups": (
        ("fico:white,black,hispanic", UNEQUAL, SHORT),
        ("gym", "num_groups=3", UNEQUAL, SHORT),
    ),
}
# As small as they come; which of them a method has is asked of it.
SMALL = {
    **{"num_envs": 2, "num_steps": 16, "num_minibatches": 1, "num_epochs": 1, "width": 8},
    **{"batch_size": 8, "capacity": 64, "learning_starts": 32, "train_every": 16},
    **{"period": 32, "dataset_steps": 32, "reward_updates": 2, "reward_width": 8, "window": 8},
    **{"model_width": 8, "model_updates": 2, "model_batch": 8, "num_pairs": 8},
}
STEPS = 128


@cache
def world_of(preset: str, *settings: str):
    name, _, groups = preset.partition(":")
    env, params, _ = choose_world(None, name, None, groups or None, settings)
    return env, params


def small(method: str):
    known = known_options(make_algorithm(method, (), STEPS))
    options = [f"{method}.{name}={value}" for name, value in SMALL.items() if name in known]
    return make_algorithm(method, tuple(options), STEPS)


def trained(method: str, world):
    """Training log and evaluation of a method in a world."""
    env, params = world
    algorithm = small(method)
    env = learner_world(algorithm, env)
    state, log = train(
        train_key(0), algorithm, env, params,
        num_updates=max(2, num_updates(algorithm, STEPS)),
        train_episode_steps=training_episode(env, algorithm),
    )  # fmt: skip
    shown, policy = algorithm.deployed(state, params), algorithm.policy(state)
    return log, evaluate(evaluation_key(0), env, shown, policy, num_episodes=1, steps=64)


@pytest.fixture(autouse=True)
def _few_programs_at_a_time():
    """Forget what a test compiled: all of it together exhausts a process's memory mappings."""
    yield
    forget_programs()


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("method", sorted(ALGORITHMS))
def test_a_learner_trains_and_is_evaluated(method, structure):
    said = matrix()["algorithms"][method]
    for world in STRUCTURES[structure]:
        name = world[0].partition(":")[0]
        if not said[name]["runs"]:
            with pytest.raises(InputError):
                trained(method, world_of(*world))
            continue
        log, found = trained(method, world_of(*world))
        bad = [key for key, values in log.items() if not np.isfinite(values).all()]
        assert not bad, (name, bad)
        assert np.isfinite(found.J).all(), name
        assert found.J.shape[1] == world_of(*world)[0].num_groups
        decided = np.asarray(found.outcomes.decision)[np.asarray(found.outcomes.weight) > 0]
        assert set(np.unique(decided)) <= {0, 1}


def test_the_matrix_knows_every_world_that_is_trained_in_here():
    trained_in = {world[0].partition(":")[0] for worlds in STRUCTURES.values() for world in worlds}
    assert trained_in == set(matrix()["worlds"])
