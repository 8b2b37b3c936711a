"""The matrix of what runs where is derived from declarations, and these are held to the truth."""

import jax.random as jr
import pytest

from evenhand.algorithms.policies import FILES, READS
from evenhand.core import declared, registry
from evenhand.core.errors import InputError
from evenhand.envs.observing import known_features
from evenhand.experiments.choose_policy import check_policy
from evenhand.experiments.choose_world import choose_world
from evenhand.experiments.exactness import why_not_exact
from evenhand.experiments.matrix import matrix

PRESETS = ("gym", "fico", "drift-1", "drift-2", "drift-3", "college", "college-unequal-cost")
WRITTEN = {"constant": "constant:0.5", "threshold": "threshold:3", "score": "score>=40"}


def test_every_algorithm_declares_what_it_reads():
    assert declared.READS.keys() >= registry.ALGORITHMS.keys()
    for name in registry.ALGORITHMS:
        assert registry.make_algorithm(name).reads == declared.READS[name], name


def test_every_rule_declares_what_it_reads():
    named = {name: reads for name, reads in declared.READS.items() if name in registry.POLICIES}
    assert named == READS


@pytest.mark.parametrize("name", sorted(registry.ENVIRONMENTS))
def test_every_world_declares_what_it_shows(name):
    assert set(declared.SHOWS[name]) == set(known_features(registry.make(name)))


@pytest.mark.parametrize("preset", PRESETS)
def test_a_world_is_what_its_row_says(preset):
    row = matrix()["worlds"][preset]
    env, params, population = choose_world(None, preset, settings=("population_per_group=10",))
    assert registry.ENVIRONMENTS[row["environment"]].endswith(f":{type(env).__name__}")
    assert row["exact_frontier"] == (not why_not_exact(population))
    assert bool(row["why_not_exact"]) != row["exact_frontier"]
    state = env.reset(jr.key(0), params)
    _, step = env.step(jr.key(1), state, 1, params)
    assert ("individual" in row["credits"]) == (step.revisit_prob is not None)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("policy", sorted(set(registry.POLICIES) - {*FILES}))
def test_a_rule_is_refused_just_where_the_matrix_says(policy, preset):
    env, params, _ = choose_world(None, preset, settings=("population_per_group=10",))
    cell = matrix()["policies"][policy][preset]
    if cell["runs"]:
        check_policy(WRITTEN.get(policy, policy), env, params)
    else:
        assert policy in cell["why"] or preset in cell["why"]
        with pytest.raises(InputError):
            check_policy(WRITTEN.get(policy, policy), env, params)


def test_a_method_that_reads_what_no_world_shows_runs_nowhere(monkeypatch):
    monkeypatch.setitem(declared.READS, "ppo", ("tea-leaves",))
    cells = matrix()["algorithms"]["ppo"].values()
    assert not any(cell["runs"] for cell in cells)
    assert all("ppo reads tea-leaves" in cell["why"] for cell in cells)
