"""PPO charged for unequal gains and unequal approvals, against plain loops and the exact model."""

from dataclasses import replace
from types import SimpleNamespace

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from shaping_runs import PLAIN, TINY, check_plain_ppo_remains, random_samples, trained, world_for

from evenhand.algorithms.parts.parity import squared_gap, unequal_benefit
from evenhand.algorithms.parts.to_go import mean_of_others, own_to_go
from evenhand.algorithms.ppo import PPO
from evenhand.algorithms.ppo_c import ESTIMATORS, GainColumns, GainParity, GroupGains, ppo_c, ppo_cb
from evenhand.core.errors import InputError
from evenhand.core.policy import TabularPolicy
from evenhand.core.rollout import rollout, start
from evenhand.core.training import train
from evenhand.data.presets import drift_1, gym
from evenhand.envs.lending import Lending
from evenhand.tabular.evaluation import expected_returns
from evenhand.tabular.lending import criterion_values
from evenhand.testing import check_algorithm

T, N, P = 30, 3, 7


@pytest.mark.parametrize(
    ("estimator", "world", "credit"), [(e, *p) for e, p in zip(ESTIMATORS, PLAIN, strict=True)]
)
@pytest.mark.slow
def test_with_weights_of_zero_the_networks_are_those_of_plain_ppo(estimator, world, credit):
    term = GainParity(estimator=estimator, parity_weight=0.0)
    check_plain_ppo_remains(term, world, credit=credit)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.long
def test_the_method_keeps_the_contract(estimator):
    algorithm = ppo_cb(**TINY, estimator=estimator)
    check_algorithm(algorithm, world_for(algorithm, "lending of three groups"))


def test_options_reach_the_method_and_its_term_by_their_bare_names():
    algorithm = ppo_cb(parity_weight=2.0, num_envs=2)
    assert (algorithm.num_envs, algorithm.kl_weight) == (2, 1.5)
    assert (algorithm.term.parity_weight, algorithm.term.benefit_weight) == (2.0, 1.0)
    assert ppo_c().term.benefit_weight == 0.0
    assert ppo_c(kl_weight=0.0).kl_weight == 0.0


def test_an_unknown_estimator_and_a_radius_of_zero_are_refused():
    with pytest.raises(InputError, match="estimator"):
        GainParity(estimator="minibach")
    with pytest.raises(InputError, match="radius"):
        GainParity(radius=0.0)


@pytest.mark.slow
def test_a_large_kl_weight_keeps_the_policy_near_the_collecting_one():
    env = world_for(PPO())
    run = lambda weight: train(  # noqa: E731
        jr.key(0),
        PPO(**(TINY | {"learning_rate": 1e-2, "num_epochs": 8}), kl_weight=weight),
        env,
        env.default_params(),
        num_updates=4,
        train_episode_steps=64,
    )[1]["kl"].mean()
    assert float(run(300.0)) < 0.5 * float(run(0.0))


def visits(seed):
    """Random rows of N worlds; a fifth is nobody's."""
    rng = np.random.default_rng(seed)
    person = rng.integers(P, size=(T, N))
    person[rng.random((T, N)) < 0.2] = -1
    return rng.normal(size=(T, N)).astype(np.float32), person.astype(np.int32)


@pytest.mark.parametrize("seed", range(3))
def test_gains_to_go_agree_with_a_plain_loop(seed):
    values, person = visits(seed)
    to_go, first = own_to_go(jnp.asarray(values), jnp.asarray(person))
    for n in range(N):
        for t in range(T):
            who, later = person[t, n], range(t + 1, T)
            mine = [values[j, n] for j in later if person[j, n] == who] if who >= 0 else []
            np.testing.assert_allclose(to_go[t, n], values[t, n] + sum(mine), atol=1e-5)
            assert bool(first[t, n]) == (who >= 0 and who not in person[:t, n])


def test_the_baseline_is_the_mean_over_the_groups_other_people():
    values, person = visits(4)
    group = (np.maximum(person, 0) % 3).astype(np.int32)
    got = mean_of_others(*map(jnp.asarray, (values, person >= 0, person, group)), P, 3)
    for t in range(T):
        for n in range(N):
            others = [
                values[j, m]
                for j in range(T)
                for m in range(N)
                if person[j, m] >= 0 and group[j, m] == group[t, n]
                if (person[j, m], m) != (person[t, n], n)
            ]
            if person[t, n] >= 0:
                np.testing.assert_allclose(got[t, n], np.mean(others), atol=1e-5)


def some_samples(seed=0, size=48, num_groups=2):
    """Random samples of the term with a log-ratio for each, and the batch's group gains."""
    rng = np.random.default_rng(seed)
    numbers = lambda *shape: jnp.asarray(rng.normal(size=shape), jnp.float32)  # noqa: E731
    columns = GainColumns(*(numbers(size) for _ in range(3)), jnp.round(numbers(size)))
    samples = random_samples(columns, seed, size, num_groups)
    ones = jnp.ones(num_groups)
    memory = GroupGains(numbers(num_groups), numbers(num_groups), 0.1 * ones, jnp.float32(1.5))
    return samples, memory, 0.3 * numbers(size), jax.nn.log_softmax(numbers(size, 2))


def plain_gap(samples, memory, log_ratio, groups):
    """The squared difference of the released code, group by group, in float64."""
    weight = np.asarray(samples.weight) > 0
    Q = np.asarray(samples.columns.to_go, np.float64)
    std = Q[weight].std() + 1e-8
    terms = np.exp(np.asarray(log_ratio, np.float64)) * (Q - Q[weight].mean()) / std
    member = lambda g: weight & (np.asarray(samples.group) == g)  # noqa: E731
    means = [terms[member(g)].mean() + float(memory.start[g]) / std for g in groups]
    return (means[0] - means[1]) ** 2


def gap_of(term, samples, memory, log_ratio, log_probs):
    return term.penalty(memory, samples, log_probs, log_ratio)


def test_the_charge_and_its_gradient_agree_with_numpy_and_finite_differences():
    samples, memory, log_ratio, log_probs = some_samples()
    term = GainParity(parity_weight=2.0)
    loss = lambda x: gap_of(term, samples, memory, x, log_probs)  # noqa: E731
    expected = 2 * plain_gap(samples, memory, log_ratio, (0, 1))
    np.testing.assert_allclose(loss(log_ratio), expected, rtol=1e-4)
    slope, h = jax.grad(loss)(log_ratio), 1e-5
    for i in range(0, 48, 7):
        up, down = (np.asarray(log_ratio, np.float64) + s * h * np.eye(48)[i] for s in (1, -1))
        numeric = plain_gap(samples, memory, up, (0, 1)) - plain_gap(samples, memory, down, (0, 1))
        np.testing.assert_allclose(slope[i], numeric / h, rtol=1e-3, atol=1e-5)


def test_three_groups_are_charged_the_mean_over_pairs():
    samples, memory, log_ratio, log_probs = some_samples(1, num_groups=3)
    pairs = [plain_gap(samples, memory, log_ratio, pair) for pair in ((0, 1), (0, 2), (1, 2))]
    got = gap_of(GainParity(parity_weight=1.0), samples, memory, log_ratio, log_probs)
    np.testing.assert_allclose(got, np.mean(pairs), rtol=1e-4)
    means = jnp.asarray([1.0, 5.0, 2.0])
    present = jnp.asarray([True, False, True])
    np.testing.assert_allclose(squared_gap(means, present), 1.0)
    np.testing.assert_allclose(jax.grad(squared_gap)(means, present), [-2.0, 0.0, 2.0])


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_order_names_of_groups_and_samples_of_weight_zero_do_not_matter(estimator):
    samples, memory, log_ratio, log_probs = some_samples(2)
    term = GainParity(estimator=estimator, parity_weight=1.0, benefit_weight=1.0)
    expected = gap_of(term, samples, memory, log_ratio, log_probs)
    order = np.random.default_rng(0).permutation(48)
    moved = jax.tree.map(lambda x: x[order], (samples, log_ratio, log_probs))
    np.testing.assert_allclose(gap_of(term, moved[0], memory, *moved[1:]), expected, rtol=1e-4)
    swapped = replace(samples, group=1 - samples.group)
    turned = jax.tree.map(lambda x: x[::-1] if x.ndim else x, memory)
    np.testing.assert_allclose(
        gap_of(term, swapped, turned, log_ratio, log_probs), expected, rtol=1e-4
    )
    nonsense = jnp.where(samples.weight > 0, samples.columns.to_go, 1e3)
    spoiled = eqx.tree_at(lambda s: s.columns.to_go, samples, nonsense)
    np.testing.assert_allclose(
        gap_of(term, spoiled, memory, log_ratio, log_probs), expected, rtol=1e-4
    )


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("absent", ["one group", "everybody"])
def test_an_absent_group_charges_nothing_and_has_a_finite_gradient(estimator, absent):
    samples, memory, log_ratio, log_probs = some_samples(3)
    if absent == "one group":
        samples = replace(samples, group=jnp.zeros_like(samples.group))
        memory = replace(memory, people=jnp.asarray([0.1, 0.0]))
    else:
        samples = replace(samples, weight=jnp.zeros_like(samples.weight))
    term = GainParity(estimator=estimator, benefit_weight=1.0, parity_weight=1.0)

    def loss(x, y):
        return gap_of(term, samples, memory, x, y)

    value, slopes = jax.value_and_grad(loss, (0, 1))(log_ratio, log_probs)
    assert float(value) == 0.0
    for slope in slopes:
        np.testing.assert_array_equal(slope, np.zeros_like(slope))


@pytest.mark.parametrize("radius", [1e-6, 0.3])
def test_unequal_approval_agrees_with_a_double_loop(radius):
    samples, memory, log_ratio, log_probs = some_samples(5, num_groups=3)
    pi, benefit = np.exp(np.asarray(log_probs)[:, 1]), np.asarray(samples.columns.benefit)
    group, weight = np.asarray(samples.group), np.asarray(samples.weight)
    total, count = 0.0, 0
    for i in range(48):
        for j in range(48):
            if group[i] < group[j] and weight[i] * weight[j] > 0:
                count += 1
                total += radius * abs(pi[i] - pi[j]) / (radius + abs(benefit[i] - benefit[j]))
    term = GainParity(parity_weight=0.0, benefit_weight=3.0, radius=radius)
    got = gap_of(term, samples, memory, log_ratio, log_probs)
    np.testing.assert_allclose(got, 3 * total / count, rtol=1e-4)


def test_a_wide_radius_compares_everybody_and_a_narrow_one_only_equal_benefits():
    pi = jnp.asarray([0.9, 0.5, 0.2])
    benefit, group = jnp.asarray([1.0, 1.0, 2.0]), jnp.asarray([0, 1, 1], jnp.int32)
    charge = lambda radius: unequal_benefit(pi, benefit, jnp.ones(3), group, radius)  # noqa: E731
    np.testing.assert_allclose(charge(1e6), (0.4 + 0.7) / 2, rtol=1e-5)
    np.testing.assert_allclose(charge(1e-6), 0.4 / 2, rtol=1e-5)


def exact_gap(mdp, approve):
    """C of the exact model: the difference of a visited member's expected gains."""
    gains = expected_returns(mdp, np.stack([1 - approve, approve], -1))
    by_group = gains[:, mdp.signals.index("qualification_gain")] / mdp.group_size
    return (by_group[0] - by_group[1]) / mdp.stage_weight[0]


def exact_slope(mdp, logits, h=1e-5):
    """Central differences of C^2 in the logits of a tabular policy."""
    approve = lambda x: 1 / (1 + np.exp(-x))  # noqa: E731
    slope = np.zeros_like(logits)
    for at in np.ndindex(*logits.shape):
        step = np.zeros_like(logits)
        step[at] = h
        up, down = (exact_gap(mdp, approve(logits + sign * step)) ** 2 for sign in (1, -1))
        slope[at] = (up - down) / (2 * h)
    return slope


def sampled_slope(term, env, logits, num_envs):
    """The term's gradient in the same logits from one batch of whole episodes, unscaled."""
    params = env.default_params()
    logits = jnp.asarray(logits, jnp.float32)
    policy = TabularPolicy(jax.nn.softmax(jnp.stack([0 * logits, logits], -1)), env)
    worlds = start(jr.key(0), env, params, num_envs)
    _, batch = rollout(jr.key(1), env, params, policy.act, worlds, env.episode_steps)
    memory, columns = term.prepare(env, None, batch, None, None)
    _, level = env.decode(batch.obs)
    flat = jax.tree.map(lambda x: x.reshape(-1), (batch.outcome, columns, level, batch.action))
    outcome, columns, level, action = flat
    samples = SimpleNamespace(columns=columns, weight=outcome.weight, group=outcome.group)

    def charge(logits):
        shown = logits[outcome.group, level]
        log_probs = jax.nn.log_softmax(jnp.stack([jnp.zeros_like(shown), shown], -1))
        taken = jnp.where(action == 1, log_probs[:, 1], log_probs[:, 0])
        return term.penalty(memory, samples, log_probs, taken - jax.lax.stop_gradient(taken))

    return np.asarray(jax.jit(jax.grad(charge))(logits)) * float(memory.spread) ** 2


@pytest.mark.slow
def test_the_episode_estimator_points_along_the_exact_gradient_of_the_squared_gap():
    population = gym(population_per_group=2)
    population = replace(population, initial_levels="independent", episode_steps=12)
    env, mdp = Lending(population, ("score-onehot", "group")), population.person()
    logits = np.random.default_rng(0).normal(size=(2, env.num_levels))
    exact = exact_slope(mdp, logits)
    got = sampled_slope(GainParity(estimator="episode", parity_weight=1.0), env, logits, 20_000)
    assert np.abs(got - exact).max() < 0.1 * np.abs(exact).max()
    cosine = (got * exact).sum() / np.linalg.norm(got) / np.linalg.norm(exact)
    assert cosine > 0.99


def learned_values(algorithm, population):
    """Exact profit and criteria of what a short run learned."""
    env = Lending(population, ("score-onehot", "group"))
    state, _ = train(
        jr.key(1), algorithm, env, env.default_params(), num_updates=60, train_episode_steps=100
    )
    obs = np.zeros((2, env.num_levels, env.obs_size), np.float32)
    for name, axis in (("group", 0), ("score-onehot", 1)):
        obs[..., env.slices[name]] = np.moveaxis(np.eye(obs.shape[axis])[None], 0, 1 - axis)
    policy = jax.nn.softmax(state.learner.network(jnp.asarray(obs))[0])
    policy = np.asarray(policy, np.float64)
    return criterion_values(population.person(), policy / policy.sum(-1, keepdims=True))


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.slow
def test_a_large_weight_narrows_the_exact_gap_that_ppo_leaves(estimator):
    population = replace(drift_1(), population_per_group=(20, 20), episode_steps=100)
    options = {"num_envs": 8, "num_steps": 100, "width": 32, "learning_rate": 5e-3}
    plain = learned_values(PPO(**options, kl_weight=1.5), population)
    equal = learned_values(ppo_c(**options, estimator=estimator, parity_weight=10.0), population)
    assert equal["gain-disparity"] < 0.6 * plain["gain-disparity"]


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.slow
def test_gains_are_what_people_pay_in_admissions(estimator):
    algorithm = ppo_cb(**TINY, estimator=estimator)
    env = world_for(algorithm, "admissions")
    params = env.default_params()

    def act(key, obs):
        return jr.bernoulli(key, 0.2).astype(jnp.int32)

    _, batch = rollout(jr.key(1), env, params, act, start(jr.key(0), env, params, 2), 60)
    memory, columns = algorithm.term.prepare(env, None, batch, None, None)
    paid, counts = np.asarray(batch.rewards)[..., 1], np.asarray(batch.outcome.weight) > 0
    group, first = np.asarray(batch.outcome.group), {}
    for t, n in zip(*np.nonzero(counts), strict=True):
        first.setdefault((n, int(batch.outcome.person[t, n])), (group[t, n], t))
    for g in range(2):
        met = [key for key, (of, _) in first.items() if of == g]
        np.testing.assert_allclose(
            memory.gain[g], paid[counts & (group == g)].sum() / len(met), rtol=1e-4
        )
        np.testing.assert_allclose(memory.people[g], len(met) / counts.size, rtol=1e-5)
    assert not np.asarray(columns.benefit).any()
    with pytest.raises(InputError, match="qualification"):
        trained(ppo_c(**TINY, total_gap=True), env)


def test_the_total_gap_asks_for_equal_qualification_at_the_end():
    env = Lending(gym(population_per_group=4), ("score-onehot", "group"))
    params = env.default_params()

    def act(key, obs):
        return jr.bernoulli(key).astype(jnp.int32)

    actors, batch = rollout(jr.key(1), env, params, act, start(jr.key(0), env, params, 2), 200)
    memory, _ = GainParity(total_gap=True).prepare(env, None, batch, None, None)
    ended = np.asarray(params.gain)[np.asarray(actors.state.level)]
    by_group = [ended[:, np.asarray(env.group_of) == g].mean() for g in range(2)]
    np.testing.assert_allclose(memory.gain + memory.start, by_group, rtol=1e-4)
