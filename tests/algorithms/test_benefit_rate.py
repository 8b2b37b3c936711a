from dataclasses import replace
from types import SimpleNamespace

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from probe import Probe
from scipy.special import logsumexp, softmax

from evenhand.algorithms.benefit_rate import BenefitRateBias, elbert_po, hard_bias, soft_bias
from evenhand.algorithms.parts.critics import critics_loss, fit_critics, fresh_critics
from evenhand.algorithms.ppo import PPO
from evenhand.core.environment import Outcome
from evenhand.core.training import train
from evenhand.data.admissions import college
from evenhand.data.presets import gym
from evenhand.envs.admissions import Admissions
from evenhand.envs.lending import Lending
from evenhand.envs.observing import showing
from evenhand.testing import check_algorithm

SMALL = {"num_envs": 4, "num_steps": 16, "num_epochs": 2, "num_minibatches": 2, "width": 8}
T, N = 24, 3


def outcomes(rng, G):
    """Decisions that favour the first group; a quarter of the steps weigh 0."""
    group = rng.integers(G, size=(T, N))
    draws = rng.random((3, T, N))
    whole = lambda x: jnp.asarray(x, jnp.int32)  # noqa: E731
    return Outcome(
        group=whole(group),
        person=whole(0 * group),
        decision=whole(draws[0] < 0.9 - 0.5 * group / G),
        label=whole(draws[1] < 0.7),
        weight=jnp.asarray(draws[2] < 0.75, jnp.float32),
    )


def seen(term, seed=0, G=2, steps=10_000, outcome=None, batches=1):
    """The term's memory after random batches, and one flat minibatch with its columns."""
    rng = np.random.default_rng(seed)
    env = SimpleNamespace(num_groups=G, episode_steps=steps, obs_size=5)
    memory = term.init(jr.key(seed), env, 6)
    numbers = lambda *shape: jnp.asarray(rng.normal(size=shape), jnp.float32)  # noqa: E731
    happened = []
    for _ in range(batches):
        batch = SimpleNamespace(obs=numbers(T, N, 5), outcome=outcome or outcomes(rng, G))
        memory, columns = term.prepare(env, memory, batch, None, lambda r, v: r + numbers(*r.shape))
        happened.append(batch.outcome)
    flat = lambda x: x.reshape(-1, *x.shape[2:])  # noqa: E731
    samples = SimpleNamespace(
        obs=flat(batch.obs),
        advantage=numbers(T * N),
        weight=flat(batch.outcome.weight),
        columns=jax.tree.map(flat, columns),
    )
    return memory, samples, happened


def reference_advantage(term, samples, happened, G, steps):
    """ELBERT-PO's advantage with loops and float64, from its definition."""
    supply, demand, count = np.zeros(G), np.zeros(G), 0.0
    for outcome in happened:
        kept = np.exp(-T * N / (term.window * steps))
        supply, demand, count = kept * supply, kept * demand, kept * count + T * N
        o = jax.tree.map(np.asarray, outcome)
        for t in range(T):
            for n in range(N):
                if o.weight[t, n] and o.label[t, n]:
                    demand[o.group[t, n]] += 1
                    supply[o.group[t, n]] += o.decision[t, n]
    U, B = supply / count * steps, demand / count * steps
    rho = U / B
    if term.bias == "hard":
        bias, by_rate = rho.max() - rho.min(), np.zeros(G)
        by_rate[rho.argmax()], by_rate[rho.argmin()] = 1, -1
    else:
        b = term.beta
        bias = (logsumexp(b * rho) + logsumexp(-b * rho)) / b
        by_rate = softmax(b * rho) - softmax(-b * rho)
    weight = np.asarray(samples.weight, bool)

    def standardised(values):
        values = np.asarray(values, np.float64)
        return (values - values[weight].mean()) / (values[weight].std() + 1e-8)

    A = standardised(samples.advantage)
    for g in range(G):
        A_U = standardised(samples.columns.advantage[:, g])
        A_B = standardised(samples.columns.advantage[:, G + g])
        A = A - term.alpha * 2 * bias * by_rate[g] * (A_U / B[g] - U[g] / B[g] ** 2 * A_B)
    return A, weight


@pytest.mark.parametrize(("bias", "G"), [("hard", 2), ("soft", 2), ("hard", 5), ("soft", 5)])
@pytest.mark.parametrize("seed", range(3))
def test_the_advantage_equals_a_straightforward_reimplementation(bias, G, seed):
    term = BenefitRateBias(bias=bias, alpha=3e4, window=0.02)
    memory, samples, happened = seen(term, seed, G, batches=3)
    expected, weight = reference_advantage(term, samples, happened, G, 10_000)
    got = np.asarray(term.advantage(memory, samples))
    np.testing.assert_allclose(got[weight], expected[weight], rtol=1e-3, atol=1e-3)
    assert np.abs(expected).max() > 3  # the charge matters


def test_auto_is_hard_for_two_groups_and_soft_for_more():
    for G, name in ((2, "hard"), (3, "soft")):
        auto, forced = (seen(BenefitRateBias(bias=b), G=G)[0].slopes for b in ("auto", name))
        np.testing.assert_array_equal(auto, forced)


def test_the_soft_bias_lies_above_the_hard_one_and_meets_it_as_beta_grows():
    rates, known = jnp.asarray([0.3, 0.8, 0.5, 0.9, 0.0]), jnp.asarray([True] * 4 + [False])
    hard, slopes = hard_bias(rates, known)
    np.testing.assert_allclose(hard, 0.6, rtol=1e-6)
    np.testing.assert_array_equal(slopes, [-1, 0, 0, 1, 0])
    for beta in (5.0, 20.0, 100.0, 1000.0):
        soft, soft_slopes = soft_bias(rates, known, beta)
        assert hard - 1e-6 <= soft <= hard + 2 * np.log(4) / beta + 1e-6
        numeric = jax.grad(lambda rates, beta: soft_bias(rates, known, beta)[0])(rates, beta)
        np.testing.assert_allclose(soft_slopes, numeric, atol=1e-6)
    np.testing.assert_allclose(soft, hard, atol=3e-3)
    np.testing.assert_allclose(soft_slopes, slopes, atol=1e-6)


@pytest.mark.parametrize("bias", ["hard", "soft"])
@pytest.mark.parametrize("G", [2, 4])
def test_slopes_are_those_of_the_squared_bias_by_finite_differences(bias, G):
    rng = np.random.default_rng(G)
    demand = rng.uniform(1000, 3000, G)
    totals = np.concatenate([rng.uniform(0.2, 0.9, G) * demand, demand])
    beta = 20.0

    def squared(totals):
        rho = totals[:G] / totals[G:]
        if bias == "hard":
            return (rho.max() - rho.min()) ** 2
        return ((logsumexp(beta * rho) + logsumexp(-beta * rho)) / beta) ** 2

    numeric = [(squared(totals + d) - squared(totals - d)) / 2e-2 for d in 1e-2 * np.eye(2 * G)]
    got = BenefitRateBias(bias=bias).slopes(jnp.asarray(totals, jnp.float32))
    np.testing.assert_allclose(got, numeric, rtol=1e-3, atol=1e-8)


@pytest.mark.parametrize("bias", ["hard", "soft"])
@pytest.mark.parametrize("missing", [1, 2, 3])
def test_groups_without_demand_charge_nothing_and_give_no_nan(bias, missing):
    rng = np.random.default_rng(0)
    outcome = outcomes(rng, 3)
    label = jnp.where(outcome.group >= 3 - missing, 0, outcome.label)
    outcome = eqx.tree_at(lambda o: o.label, outcome, label)
    term = BenefitRateBias(bias=bias)
    memory, samples, _ = seen(term, G=3, outcome=outcome)
    supply, demand = np.split(np.asarray(memory.slopes), 2)
    assert (supply[3 - missing :] == 0).all()
    assert (demand[3 - missing :] == 0).all()
    assert (np.abs(supply).max() > 0) == (missing == 1)
    assert np.isfinite(term.advantage(memory, samples)).all()


def test_steps_of_weight_zero_never_matter():
    rng = np.random.default_rng(0)
    outcome = outcomes(rng, 2)
    flipped = lambda x: jnp.where(outcome.weight > 0, x, 1 - x)  # noqa: E731
    spoiled = Outcome(
        flipped(outcome.group), outcome.person, flipped(outcome.decision), flipped(outcome.label),
        outcome.weight,
    )  # fmt: skip
    term = BenefitRateBias()
    one, other = (seen(term, outcome=o)[0].slopes for o in (outcome, spoiled))
    np.testing.assert_array_equal(one, other)


def test_one_alpha_asks_for_less_in_longer_episodes_unless_it_grows_with_them():
    """Coefficients alpha * 2 * bias / B_g, and the rule of the docstring."""
    rng = np.random.default_rng(3)
    outcome = outcomes(rng, 2)
    term = BenefitRateBias(window=0.0, alpha=200_000.0)
    (short, samples, _), (long, _, _) = (
        seen(term, steps=steps, outcome=outcome) for steps in (2048, 10_000)
    )
    np.testing.assert_allclose(long.slopes * (10_000 / 2048), short.slopes, rtol=1e-5)
    carried = BenefitRateBias(window=0.0, alpha=term.alpha * 10_000 / 2048)
    np.testing.assert_allclose(
        carried.advantage(long, samples), term.advantage(short, samples), rtol=1e-4, atol=1e-4
    )


def test_a_window_of_nothing_reads_the_present_batch_alone_and_a_long_one_averages():
    old, new = (outcomes(np.random.default_rng(seed), 2) for seed in (1, 2))
    term = BenefitRateBias(window=0.0)
    env = SimpleNamespace(num_groups=2, episode_steps=10_000, obs_size=5)
    batches = [SimpleNamespace(obs=jnp.zeros((T, N, 5)), outcome=o) for o in (old, new)]

    def after(term, batches):
        memory = term.init(jr.key(0), env, 6)
        for batch in batches:
            memory, _ = term.prepare(env, memory, batch, None, lambda r, v: r)
        return memory

    np.testing.assert_allclose(after(term, batches).slopes, after(term, batches[1:]).slopes)
    memory = after(BenefitRateBias(window=1e6), batches)
    np.testing.assert_allclose(memory.steps, 2 * T * N, rtol=1e-5)
    both = sum(np.asarray(o.weight)[np.asarray(o.label) == 1].sum() for o in (old, new))
    np.testing.assert_allclose(memory.sums[2:].sum(), both, rtol=1e-5)


@pytest.mark.parametrize("credit", ["stream", "individual"])
@pytest.mark.slow
def test_with_alpha_zero_the_network_is_that_of_plain_ppo_for_every_seed(credit):
    env = showing(Lending(gym(3, 20)), ("running-rates", "time-left"))
    keys, run = jr.split(jr.key(0), 2), {"num_updates": 4, "train_episode_steps": 32}
    plain, _ = train(keys, PPO(**SMALL, credit=credit), env, env.default_params(), **run)
    ours = elbert_po(alpha=0.0, **SMALL, credit=credit)
    charged, _ = train(keys, ours, env, env.default_params(), **run)
    for one, other in zip(
        jax.tree.leaves(plain.learner.network),
        jax.tree.leaves(charged.learner.network),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_the_critics_loss_falls_and_no_critic_moves_another():
    memory = fresh_critics(jr.key(0), 4, 3, 16)
    obs = jr.normal(jr.key(1), (64, 3))
    samples = SimpleNamespace(obs=obs, weight=jnp.ones(64))
    target = jnp.stack([obs[:, 0], obs[:, 1] ** 2, jnp.ones(64), obs.sum(-1)], -1)
    loss = jax.jit(lambda memory: critics_loss(memory.critics, obs, target, samples.weight))
    fit = jax.jit(lambda memory: fit_critics(memory, samples, target, 1e-2, 0.5))
    first = loss(memory)
    for _ in range(300):
        memory = fit(memory)
    assert loss(memory) < 0.05 * first
    slope = jax.grad(lambda critics: critics(obs)[:, 1].sum())(memory.critics)
    for leaf in (slope.hidden_in.sum(0), slope.hidden_bias, slope.out, slope.out_bias[:, None]):
        others = np.delete(np.asarray(leaf), 1, 0)
        assert (others == 0).all()
        assert (np.asarray(leaf)[1] != 0).any()


@pytest.mark.slow
def test_critics_learn_the_values_of_a_probe():
    """Demand is 1 on a match, supply 1 on a match of side 1; the group is tossed for."""
    env = Probe()
    algorithm = elbert_po(
        alpha=0.0, num_envs=8, num_steps=16, width=16, learning_rate=1e-2, discount=0.5
    )
    state, _ = train(jr.key(0), algorithm, env, None, num_updates=150, train_episode_steps=80)
    values = state.learner.term.critics.critics(jnp.eye(2))  # a side a row
    # Half of the matches are a group's own: now, and at 0.5 / (1 - 0.5) later ones.
    expected = np.array([[0.25, 0.25, 1, 1], [0.75, 0.75, 1, 1]])
    np.testing.assert_allclose(values, expected, atol=0.2)


@pytest.mark.long
def test_elbert_po_keeps_the_contract():
    check_algorithm(elbert_po(**SMALL, alpha=100.0), Probe())


@pytest.mark.long
def test_elbert_po_keeps_the_contract_on_admissions_along_people():
    env = showing(Admissions(college(3, 20)), ("running-rates", "time-left"))
    check_algorithm(elbert_po(**SMALL, critic_width=4, credit="individual"), env)


def test_unknown_biases_and_flat_ones_are_refused():
    with pytest.raises(ValueError, match="hard"):
        elbert_po(bias="hrad")
    with pytest.raises(ValueError, match="beta"):
        replace(BenefitRateBias(), beta=0.0)
