"""Sampled effects against the exact recursions, and rows against counting by hand."""

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from evenhand.core.policy import TabularPolicy
from evenhand.core.rollout import evaluate
from evenhand.data.presets import drift_3, fico_scores
from evenhand.envs.lending import Lending
from evenhand.experiments import decomposition_rows as rows_of
from evenhand.experiments.episode_rows import level_rows, series_rows
from evenhand.experiments.measures import final_rows
from evenhand.tabular.evaluation import visit_count_law
from evenhand.tabular.gain_values import always, gain_values

STEPS, EPISODES, BATCHES = 500, 160, 16
EFFECTS = ("direct_effect", "indirect_effect", "spurious_effect")


def sampled(table):
    population = drift_3()
    env = Lending(population)
    policy = TabularPolicy(jnp.asarray(np.asarray(table, np.float32)), env)
    found = evaluate(
        jr.key(5), env, env.default_params(), policy, num_episodes=EPISODES, steps=STEPS
    )
    return population, env, jax.tree.map(np.asarray, found)


@pytest.fixture(scope="module")
def randomised():
    """A policy of random numbers, in the setting in which drift differs by group."""
    approve = np.random.default_rng(1).uniform(size=(2, 14))
    table = np.stack([1 - approve, approve], -1)
    return (*sampled(table), approve)


@pytest.fixture(scope="module")
def denied():
    return sampled(np.tile([1.0, 0.0], (2, 14, 1)))


def episodes(found, start, stop):
    return jax.tree.map(lambda leaf: leaf[start:stop], found)


def cells(rows):
    return {(row["metric"], row["group"]): row["value"] for row in rows}


def recursion(population, approve):
    """(G,) V_pi, V_PS and V_0 of those decided about at all: backward, by decisions left."""
    model = population.person(STEPS)
    chance = visit_count_law(model)[1:] / model.weights[0]
    phi = population.potential
    found = np.zeros((3, 2))
    for g in range(2):
        deny, lend = model.transition[g, :, 0], model.transition[g, :, 1]
        under = (1 - approve[g])[:, None] * deny + approve[g][:, None] * lend
        steps = (under, under @ phi - phi), (under, deny @ phi - phi), (deny, deny @ phi - phi)
        for k, (moves, gain) in enumerate(steps):
            value = np.zeros(14)
            for prob in chance:
                value = gain + moves @ value
                found[k, g] += prob * model.initial[g] @ value
    return found


def batched(found, statistic):
    """Mean of a statistic over batches of episodes, and its standard error."""
    size = EPISODES // BATCHES
    values = [statistic(episodes(found, i * size, (i + 1) * size)) for i in range(BATCHES)]
    values = np.array(values)
    return values.mean(0), values.std(0, ddof=1) / np.sqrt(BATCHES)


def by_group(found, population, metric):
    made = cells(rows_of.decomposition_rows(found, population, population.groups))
    return np.array([made[metric, group] for group in population.groups])


def test_sampled_effects_of_a_random_policy_are_the_exact_ones(randomised):
    population, _, found, approve = randomised
    pi, ps, deny = recursion(population, approve)
    exact = {"direct_effect": pi - ps, "indirect_effect": ps - deny, "gain_per_person": pi}
    for metric, expected in exact.items():
        mean, error = batched(found, lambda part, m=metric: by_group(part, population, m))
        assert (error < 0.02).all()
        assert (np.abs(mean - expected) < 4 * error).all(), metric
    np.testing.assert_allclose(by_group(found, population, "spurious_effect"), deny, rtol=1e-9)


def test_realised_gains_have_the_same_expectation(randomised):
    population, env, found, _ = randomised

    def apart(part):
        expected = by_group(part, population, "gain_per_person")
        visits = rows_of.visits_of(part)
        gain = part.rewards[..., env.signals.index("qualification_gain")].ravel()
        persons = [len(np.unique(visits.person[visits.group == g])) for g in range(2)]
        return np.bincount(visits.group, gain, 2) / persons - expected

    mean, error = batched(found, apart)
    assert (np.abs(mean) < 4 * error).all()


def test_effects_add_up_by_group_over_everybody_and_between_groups(randomised):
    population, _, found, _ = randomised
    made = cells(rows_of.decomposition_rows(found, population, population.groups))
    for end, group in (("", population.groups[1]), ("", ""), ("_signed_difference", "")):
        parts = sum(made[effect + end, group] for effect in EFFECTS)
        assert np.isclose(made["gain_per_person" + end, group], parts, rtol=1e-12)
    first, second = (made["direct_effect", group] for group in population.groups)
    assert made["direct_effect_signed_difference", ""] == first - second
    assert made["direct_effect_difference", ""] == abs(first - second)


def test_who_is_always_denied_has_no_direct_effect_and_an_indirect_one_of_chance_alone(denied):
    population, _, found = denied
    assert (by_group(found, population, "direct_effect") == 0).all()
    mean, error = batched(found, lambda part: by_group(part, population, "indirect_effect"))
    assert (np.abs(mean) < 4 * error).all()
    assert (error > 0).all()


def test_direct_effects_are_the_worlds_own_benefits_of_approvals(randomised):
    population, env, found, _ = randomised
    outcome, people = found.outcomes, population.num_people
    benefit = found.rewards[..., env.signals.index("benefit")] * outcome.decision
    total, seen = np.zeros(2), np.zeros(2)
    for e in range(EPISODES):
        for g in range(2):
            mine = outcome.group[e] == g
            total[g] += benefit[e][mine].sum()
            seen[g] += (np.bincount(outcome.person[e][mine], minlength=people) > 0).sum()
    np.testing.assert_allclose(
        by_group(found, population, "direct_effect"), total / seen, rtol=1e-5
    )
    decisions = [(outcome.group == g).sum() for g in range(2)]
    per_visit = by_group(found, population, "direct_effect_per_visit")
    np.testing.assert_allclose(per_visit, total / decisions, rtol=1e-5)


def test_benefit_disparity_is_the_sum_over_all_pairs_of_decisions(randomised):
    population, env, found, _ = randomised
    part = episodes(found, 0, 1)
    made = cells(rows_of.decomposition_rows(part, population, population.groups))
    outcome, benefit = part.outcomes, part.rewards[0, :, env.signals.index("benefit")]
    group, level, decision = (x[0] for x in (outcome.group, outcome.level, outcome.decision))

    rate = {
        (g, x): decision[(group == g) & (level == x)].mean()
        for g, x in set(zip(group.tolist(), level.tolist(), strict=True))
    }
    for metric, radius in (("benefit_disparity", 1e-6), ("benefit_disparity_0.02", 0.02)):
        total = 0.0
        first, second = (np.flatnonzero(group == g) for g in range(2))
        for i in first:
            for j in second:
                near = radius / (radius + abs(float(benefit[i]) - float(benefit[j])))
                total += near * abs(rate[0, level[i]] - rate[1, level[j]])
        np.testing.assert_allclose(made[metric, ""], total / len(first) / len(second), rtol=2e-3)


def test_a_group_that_was_never_decided_about_is_no_data():
    law = np.array([[0.5, 0.5], [np.nan, np.nan]])
    assert np.isnan(rows_of.benefit_disparity(law, law, np.zeros((2, 2)), 0.02))
    alike = np.array([[0.5, 0.5], [0.1, 0.9]])
    rates = np.array([[0.0, 1.0], [0.0, 1.0]])
    benefit = np.array([[0.0, 1.0], [0.0, 1.0]])
    assert rows_of.benefit_disparity(rates, alike, benefit, 1e-6) < 1e-5
    swapped = rates[:, ::-1] * [[1], [0]] + rates * [[0], [1]]
    # Levels with equal benefits meet with .5 * .1 + .5 * .9, and one of the two is refused there.
    assert np.isclose(rows_of.benefit_disparity(swapped, alike, benefit, 1e-9), 0.5)


def test_with_three_unequal_groups_everybody_met_counts_once_in_their_own_group():
    sizes = (5, 20, 60)
    population = fico_scores(("white", "black", "asian"), population_per_group=20)
    population = replace(population, population_per_group=sizes)
    env = Lending(population)
    policy = TabularPolicy(jnp.full((3, 7, 2), 0.5), env)
    found = evaluate(jr.key(2), env, env.default_params(), policy, num_episodes=3, steps=60)
    found = jax.tree.map(np.asarray, found)
    benefit, denied = (
        found.rewards[..., env.signals.index(name)] for name in ("benefit", "baseline_gain")
    )
    groups, start = population.groups, np.repeat(range(3), sizes)
    gained, met = np.zeros(3), [set(), set(), set()]
    indirect = np.zeros(3)
    V_0 = gain_values(population.person(60), always(population.person(60), 0)).V_0
    for e, t in np.ndindex(3, 60):
        person = int(found.outcomes.person[e, t])
        gained[start[person]] += benefit[e, t] * found.outcomes.decision[e, t]
        indirect[start[person]] += denied[e, t]
        if (e, person) not in met[start[person]]:
            indirect[start[person]] -= V_0[start[person], found.outcomes.level[e, t]]
        met[start[person]].add((e, person))
    people = np.array([len(who) for who in met])
    rows = rows_of.decomposition_rows(found, population, groups)
    made, counts = cells(rows), {(r["metric"], r["group"]): r["count"] for r in rows}
    direct = np.array([made["direct_effect", g] for g in groups])
    np.testing.assert_allclose(direct, gained / people, rtol=1e-5)
    np.testing.assert_allclose(made["direct_effect", ""], gained.sum() / people.sum(), rtol=1e-5)
    np.testing.assert_allclose(made["direct_effect_difference", ""], np.ptp(direct), rtol=1e-12)
    assert ("direct_effect_signed_difference", "") not in made
    assert [counts["direct_effect", g] for g in groups] == (people / 3).tolist()
    told = [made["indirect_effect", g] for g in groups]
    np.testing.assert_allclose(told, indirect / people, rtol=1e-4, atol=1e-6)


def test_worlds_without_an_exact_person_have_no_effects(randomised):
    population, _, found, _ = randomised
    hidden = eqx.tree_at(lambda f: f.outcomes.level, found, None)
    assert rows_of.decomposition_rows(found, None, population.groups) == []
    assert rows_of.decomposition_rows(hidden, population, population.groups) == []


def test_the_chance_level_is_the_mean_absolute_value_on_average():
    draws = 3.0 * np.random.default_rng(0).normal(size=(5, 40_000))
    level = rows_of.chance_level(draws)
    assert np.isclose(level.mean(), np.abs(draws).mean(), rtol=0.01)
    assert np.isnan(rows_of.chance_level(draws[:1])).all()


def test_series_end_at_the_final_numbers(randomised):
    population, env, found, _ = randomised
    final = cells(final_rows(found, env, env.default_params(), population))
    end = {
        (row["metric"], row["group"]): row["value"]
        for row in series_rows(found, env, population.groups)
        if row["step"] == STEPS
    }
    gain = "qualification_gain"
    for metric in ("return", f"{gain}_difference", f"{gain}_signed_difference"):
        np.testing.assert_allclose(end[metric, ""], final[metric, ""], rtol=1e-4, err_msg=metric)
    floor = f"{gain}_noise_floor"
    np.testing.assert_allclose(end[floor, ""], final[floor, ""], rtol=1e-4)
    assert 5 < final[floor, ""] < 15
    assert final[f"{gain}_difference", ""] >= abs(final[f"{gain}_signed_difference", ""])


def test_loans_by_level_add_up_to_the_approval_rate(randomised):
    population, env, found, approve = randomised
    made = level_rows(found, env, population.groups)
    final = cells(final_rows(found, env, env.default_params(), population))
    for g, group in enumerate(population.groups):
        mine = [row for row in made if row["group"] == group]
        assert [row["level"] for row in mine] == list(range(14))
        decisions, approvals = (
            np.array([row[name] for row in mine]) for name in ("decisions", "approvals")
        )
        rate = approvals.sum() / decisions.sum()
        assert np.isclose(rate, final["approval_rate", group], atol=2e-3)
        often = decisions * EPISODES > 1000
        assert (np.abs(approvals / decisions - approve[g])[often] < 0.06).all()
