"""The sampler against a person's exact model, an independent recursion, in standard errors."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from scipy import stats

from evenhand.core.policy import TabularPolicy
from evenhand.core.rollout import evaluate
from evenhand.data.presets import drift_1, drift_2, drift_3, gym
from evenhand.envs.lending import Lending

POPULATIONS = {
    "gym": (lambda: gym(population_per_group=100), 96),
    "drift-1": (drift_1, 512),
    "drift-2": (drift_2, 512),
    "drift-3": (drift_3, 512),
}
POLICIES = ("approve-all", "random table")


def table(policy, population):
    shape = (population.num_groups, population.num_levels)
    approve = np.ones(shape)
    if policy == "random table":
        # Quarters are exact in float32, so both sides have the same policy.
        approve = np.random.default_rng(5).integers(0, 5, shape) / 4
    return np.stack([1 - approve, approve], -1)


def exact(population, policy):
    """`(G, 2)` group totals of profit and gain, and `(G, K)` law of the final level."""
    person = population.person()
    weight = np.append(person.weights, 0.0)
    law, returns = person.initial.copy(), np.zeros((person.num_groups, 2))
    final = (1 - weight[0]) * law
    for k in range(len(weight) - 1):
        visits = law[:, :, None] * policy
        returns += weight[k] * np.einsum("gsa,gsam->gm", visits, person.rewards[..., :2])
        law = np.einsum("gsa,gsan->gn", visits, person.transition)
        final += (weight[k] - weight[k + 1]) * law
    return returns * person.group_size[:, None], final


def simulate(name, policy_name):
    population, episodes = POPULATIONS[name][0](), POPULATIONS[name][1]
    env, policy = Lending(population), table(policy_name, population)
    tabular = TabularPolicy(jnp.asarray(policy, jnp.float32), env)
    seen = evaluate(
        jr.key(11), env, env.default_params(), tabular, num_episodes=episodes, num_parts=1
    )
    return population, policy, env, seen


def level_counts(env, seen):
    """`(E, G, K)` people at each level at the end."""
    level = np.asarray(seen.population.true_score[:, -1]).astype(int)
    cell = np.asarray(env.group_of) * env.num_levels + level
    size = env.num_groups * env.num_levels
    counts = [np.bincount(row, minlength=size) for row in cell]
    return np.reshape(counts, (-1, env.num_groups, env.num_levels))


def hotelling_p(samples, mean):
    """P-value of the mean of independent rows, their covariance estimated."""
    moves = samples.std(0) > 0
    off = np.abs(samples[:, ~moves].mean(0) - mean[~moves]) if (~moves).any() else np.zeros(1)
    assert off.max() < 1e-6
    x = (samples - mean)[:, moves][:, :-1]  # the last one is what is left of the group
    n, p = x.shape
    t2 = n * x.mean(0) @ np.linalg.solve(np.cov(x.T), x.mean(0))
    return stats.f.sf(t2 * (n - p) / (p * (n - 1)), p, n - p)


@pytest.mark.parametrize("name", POPULATIONS)
@pytest.mark.parametrize("policy_name", POLICIES)
def test_sampled_returns_and_final_levels_are_those_of_the_exact_model(
    name, policy_name, record_property
):
    population, policy, env, seen = simulate(name, policy_name)
    returns, final = exact(population, policy)
    J = np.asarray(seen.J, float)[..., :2]
    error = J.std(0, ddof=1) / np.sqrt(len(J))
    z = (J.mean(0) - returns) / error
    counts = level_counts(env, seen)
    p = [
        hotelling_p(counts[:, g], final[g] * size)
        for g, size in enumerate(env.population_per_group)
    ]
    record_property("z of profit and gain by group", np.round(z, 2).tolist())
    record_property("p of final levels by group", np.round(p, 3).tolist())
    print(
        f"{name}, {policy_name}: exact {returns.round(2).tolist()} error {error.round(2).tolist()} "
        f"z {z.round(2).tolist()} p(levels) {np.round(p, 3).tolist()}"
    )
    assert np.abs(z).max() < 4
    assert min(p) > 1e-4


@pytest.mark.parametrize("name", ["gym", "drift-3"])
def test_everybody_is_visited_equally_often_whatever_is_decided(name):
    population, _, env, seen = simulate(name, "random table")
    person = np.asarray(seen.outcomes.person)
    visits = np.stack([np.bincount(row, minlength=env.num_people) for row in person])
    p = stats.chisquare(visits.sum(0)).pvalue
    # How many visits a person gets in an episode: Binomial(steps, 1/people).
    law = stats.binom(population.episode_steps, 1 / env.num_people)
    zero = (visits == 0).mean(1)
    z = (zero.mean() - law.pmf(0)) / max(zero.std(ddof=1) / np.sqrt(len(zero)), 1e-9)
    print(f"{name}: p(equal visits) {p:.3f}, z of P(no visit) {z:.2f}, mean {visits.mean():.2f}")
    assert p > 1e-4
    assert abs(z) < 4 or law.pmf(0) < 1e-6
    assert visits.mean() == pytest.approx(law.mean())


def test_exact_recursion_of_the_tests_agrees_with_the_library():
    from evenhand.tabular.evaluation import expected_returns, final_law

    population = drift_3()
    policy = table("random table", population)
    returns, final = exact(population, policy)
    person = population.person()
    assert np.allclose(expected_returns(person, policy)[:, :2], returns)
    assert np.allclose(final_law(person, policy), final)


def run_twins(env, params, first, second, steps=400):
    """States and steps of two runs that share every key but act differently."""
    reset_key, run_key = jr.split(jr.key(3))

    @jax.jit
    def one(actions, params):
        def body(state, inputs):
            key, action = inputs
            state, step = env.step(key, state, action, params)
            return state, (step, env.population(state, params))

        keys = jr.split(run_key, steps)
        state = env.reset(reset_key, params)
        return jax.lax.scan(body, state, (keys, actions))[1]

    both = [params, params] if not isinstance(params, list) else params
    return one(first, both[0]), one(second, both[1])


def test_twin_worlds_have_the_same_arrivals_and_differ_only_in_people_decided_differently():
    env = Lending(drift_1())
    first = jr.bernoulli(jr.key(1), 0.5, (400,)).astype(jnp.int32)
    second = jr.bernoulli(jr.key(2), 0.5, (400,)).astype(jnp.int32)
    (a, people_a), (b, people_b) = run_twins(env, env.default_params(), first, second)
    assert np.array_equal(a.outcome.person, b.outcome.person)
    differ = np.zeros((401, env.num_people), bool)
    for t, (who, same) in enumerate(zip(a.outcome.person, first == second, strict=True)):
        differ[t + 1] = differ[t]
        differ[t + 1, int(who)] |= not bool(same)
    equal = np.asarray(people_a.true_score == people_b.true_score)
    assert equal[~differ[1:]].all()
    assert not equal[differ[1:]].all()


def test_observed_scores_are_the_true_ones_while_the_observed_moves_are():
    env = Lending(drift_3())
    actions = jr.bernoulli(jr.key(1), 0.7, (400,)).astype(jnp.int32)
    (_, people), _ = run_twins(env, env.default_params(), actions, actions)
    assert np.array_equal(people.true_score, people.observed_score)
