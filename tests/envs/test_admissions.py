"""Laws of the admissions world."""

from dataclasses import replace
from functools import cache
from itertools import product

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from evenhand.core.errors import InputError
from evenhand.core.policy import TabularPolicy, constant_policy
from evenhand.core.rollout import evaluate, rollout, start
from evenhand.data.admissions import ADMISSIONS_PRESETS, PAYOFFS, AdmissionsPopulation, college
from evenhand.envs.admissions import Admissions
from evenhand.envs.pool import Pool

SMALL = college(population_per_group=40)


@cache
def seen(approve=0.5, episodes=64, steps=200, **changes):
    """Numpy rewards and outcomes of random admissions."""
    env = Admissions(replace(SMALL, **changes))
    policy = constant_policy(env, approve)
    found = evaluate(
        jr.key(0), env, env.default_params(), policy, num_episodes=episodes, steps=steps
    )
    return jax.tree.map(np.asarray, found)


def test_the_admitted_never_come_back():
    outcome = seen().outcomes
    counted = outcome.weight > 0
    for person, admitted in zip(
        np.where(counted, outcome.person, -1), outcome.decision == 1, strict=True
    ):
        gone = person[admitted]
        assert len(set(gone)) == len(gone)
        last = {who: np.flatnonzero(person == who).max() for who in gone}
        assert all(admitted[t] for t in last.values())


def test_an_empty_pool_ends_the_episode_and_nobody_counts_any_more():
    outcome = seen(approve=1.0).outcomes
    assert (outcome.weight.sum(1) == 80).all()
    assert (outcome.weight[:, 80:] == 0).all()
    assert (np.sort(outcome.person[:, :80], axis=1) == np.arange(80)).all()


def test_without_admissions_everybody_applies_equally_often():
    from scipy import stats

    visits = np.bincount(seen(approve=0.0).outcomes.person.reshape(-1), minlength=80)
    assert stats.chisquare(visits).pvalue > 1e-3


def test_arrivals_are_uniform_among_those_who_are_left():
    from scipy import stats

    pool = Pool(jnp.arange(6), jnp.arange(6), jnp.int32(6))
    for person in (4, 0, 5):
        pool = pool.without(jnp.int32(person), jnp.asarray(True))
    pool = pool.without(jnp.int32(2), jnp.asarray(False))
    draws = jr.uniform(jr.key(0), (2, 30_000))
    counts = np.bincount(jax.vmap(pool.draw)(*draws), minlength=6)
    assert (counts[[4, 0, 5]] == 0).all()
    assert stats.chisquare(counts[[1, 2, 3]]).pvalue > 1e-3
    assert (np.asarray(pool.order)[np.asarray(pool.slot)] == np.arange(6)).all()


def test_nobody_pays_where_budgets_are_empty():
    broke = np.tile(np.eye(6)[:1], (2, 1))
    found = seen(initial_budget=Hashed(broke))
    assert (found.rewards[..., 1] == 0).all()
    assert (found.population.observed_score == found.population.true_score).all()


class Hashed(np.ndarray):
    """An array that can be an argument of a cached function."""

    def __new__(cls, values):
        return np.asarray(values).view(cls)

    def __hash__(self):
        return hash(self.tobytes())

    def __eq__(self, other):
        return bool(np.array_equal(self, other))


def test_what_is_paid_is_what_scores_rose_and_never_more_than_the_budget():
    env = Admissions(SMALL)
    params = env.default_params()

    def body(state, key):
        step_key, act_key = jr.split(key)
        action = jr.bernoulli(act_key, 0.3).astype(jnp.int32)
        after, step = env.step(step_key, state, action, params)
        return after, (state, after, step)

    start = env.reset(jr.key(1), params)
    _, (before, after, step) = jax.jit(lambda s: jax.lax.scan(body, s, jr.split(jr.key(2), 300)))(
        start
    )
    assert (np.asarray(after.budget) >= 0).all()
    assert (np.asarray(after.budget) <= np.asarray(before.budget)).all()
    assert (np.asarray(after.level) == np.asarray(start.level)).all()
    risen = (np.asarray(before.observed) - np.asarray(before.level)).sum(1)
    paid = np.cumsum(np.asarray(step.rewards)[:, 1])
    assert np.allclose(risen, paid)
    assert paid[-1] > 20


def test_the_price_changes_what_is_seen_and_never_who_succeeds():
    env, actions = Admissions(SMALL), jr.bernoulli(jr.key(1), 0.3, (300,)).astype(jnp.int32)
    cheap = env.default_params()
    dear = eqx.tree_at(lambda p: p.cost, cheap, jnp.asarray([0.0, 2.0]))

    @jax.jit
    def run(params):
        def body(state, inputs):
            return env.step(*((inputs[0], state, inputs[1], params)))

        state = env.reset(jr.key(1), params)
        return jax.lax.scan(body, state, (jr.split(jr.key(2), 300), actions))

    (end_a, a), (end_b, b) = run(cheap), run(dear)
    assert np.array_equal(a.outcome.label, b.outcome.label)
    assert np.array_equal(a.outcome.person, b.outcome.person)
    assert np.array_equal(a.rewards[:, 0], b.rewards[:, 0])
    assert np.array_equal(end_a.level, end_b.level)
    assert not np.array_equal(end_a.observed, end_b.observed)


def test_worlds_that_admit_different_people_still_see_mostly_the_same_applicants():
    env = Admissions()
    params = env.default_params()

    @jax.jit
    def arrivals(seed):
        def act(key, obs):
            return jr.bernoulli(jr.fold_in(key, seed), 0.3).astype(jnp.int32)

        actors = start(jr.key(0), env, params, 1)
        return rollout(jr.key(1), env, params, act, actors, 300)[1].outcome.person[:, 0]

    assert float((arrivals(1) == arrivals(2)).mean()) > 0.85


@pytest.mark.parametrize("payoff", PAYOFFS)
def test_reward_is_the_payoff_of_decision_and_label(payoff):
    found = seen(payoff=PAYOFFS[payoff])
    table = np.array(PAYOFFS[payoff])
    expected = table[found.outcomes.decision, found.outcomes.label] * found.outcomes.weight
    assert np.array_equal(found.rewards[..., 0], expected)


def tiny(population_per_group=(2, 1), steps=3):
    return AdmissionsPopulation(
        name="tiny",
        groups=("a", "b"),
        initial=np.array([[0.5, 0.5, 0.0], [0.0, 1.0, 0.0]]),
        initial_budget=np.array([[0.0, 1.0], [0.0, 1.0]]),
        success_prob=np.array([[0.1, 0.5, 0.9], [0.2, 0.6, 0.8]]),
        population_per_group=population_per_group,
        modify_prob=0.25,
        episode_steps=steps,
    )


def enumerated(population, admit, steps):
    """Expected totals `(reward, cost)` by going through every history of a tiny population."""
    counts = population.initial_counts()
    people = [
        (g, level, level, budget)
        for g, level, budget in product(*map(range, counts.shape))
        for _ in range(counts[g, level, budget])
    ]

    @cache
    def value(pool, left):
        if left == 0 or not pool:
            return np.zeros(2)
        total = np.zeros(2)
        for i, (g, true, shown, budget) in enumerate(pool):
            cost = population.cost[g]
            can = budget >= cost and shown < population.num_levels - 1
            for buys in (0, 1) if can else (0,):
                chance = population.modify_prob if can else 1.0
                chance = chance if buys or not can else 1 - chance
                now = (g, true, shown + buys, budget - buys * cost)
                rest = pool[:i] + pool[i + 1 :]
                p, s = admit[g, now[2]], population.success_prob[g, true]
                pay = np.asarray(population.payoff)
                gains = [pay[d, 0] * (1 - s) + pay[d, 1] * s for d in (0, 1)]
                stay = np.array([gains[0], buys * cost]) + value(
                    tuple(sorted((*rest, now))), left - 1
                )
                leave = np.array([gains[1], buys * cost]) + value(rest, left - 1)
                total = total + chance * (p * leave + (1 - p) * stay) / len(pool)
        return total

    return value(tuple(sorted(people)), steps)


def test_simulated_totals_are_those_of_every_enumerated_history():
    population, admit = tiny(), np.array([[0.25, 0.5, 0.75], [0.0, 0.5, 1.0]])
    env = Admissions(population)
    policy = TabularPolicy(jnp.stack([1 - admit, admit], -1).astype(jnp.float32), env)
    found = evaluate(jr.key(4), env, env.default_params(), policy, num_episodes=40_000)
    totals = np.asarray(found.J, float).sum(1)
    error = totals.std(0) / np.sqrt(len(totals))
    exact = enumerated(population, admit, 3)
    z = (totals.mean(0) - exact) / error
    print(
        f"exact {exact.round(5).tolist()} error {error.round(5).tolist()} z {z.round(2).tolist()}"
    )
    assert np.abs(z).max() < 4


@pytest.mark.parametrize(("payoff", "best_is_everybody"), [("accuracy", False), ("printed", True)])
def test_admitting_everybody_is_best_only_under_the_printed_payoff(payoff, best_is_everybody):
    env = Admissions(college(payoff=payoff))
    params = env.default_params()
    cuts = {}
    for cut in (0, 4, 6):
        admit = (np.arange(10) >= cut) * np.ones((2, 1))
        policy = TabularPolicy(jnp.stack([1 - admit, admit], -1).astype(jnp.float32), env)
        found = evaluate(jr.key(0), env, params, policy, num_episodes=4, num_parts=1)
        cuts[cut] = float(found.J[..., 0].sum(1).mean())
    assert (max(cuts, key=cuts.__getitem__) == 0) is best_is_everybody, cuts


@pytest.mark.parametrize("preset", ADMISSIONS_PRESETS)
def test_people_are_counted_whole_and_add_up(preset):
    population = ADMISSIONS_PRESETS[preset]()
    counts = population.initial_counts()
    assert (counts.sum((1, 2)) == population.population_per_group).all()
    assert np.abs(counts.sum(2) / 1000 - population.initial).max() < 0.01


def test_independent_draws_follow_the_laws():
    env = Admissions(
        replace(SMALL, initial_levels="independent", population_per_group=(2000, 2000))
    )
    state = env.reset(jr.key(0), env.default_params())
    for g, law in enumerate(SMALL.initial):
        shares = np.bincount(state.level[2000 * g : 2000 * (g + 1)], minlength=10) / 2000
        assert np.abs(shares - law).max() < 4 * np.sqrt(0.25 / 2000)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"cost": (1.0,)}, "one entry per group"),
        ({"cost": (-1.0, 1.0)}, "cost must not be negative"),
        ({"payoff": ((0.0, 0.0), (np.inf, 1.0))}, "payoff must be 2x2"),
        ({"modify_prob": 1.5}, "modify_prob"),
        ({"initial": np.ones((2, 10))}, "initial must be a distribution"),
        ({"success_prob": np.ones((2, 3))}, "success_prob must be"),
        ({"initial_levels": "exactly"}, "initial_levels"),
        ({"population_per_group": (0, 5)}, "population_per_group"),
    ],
)
def test_numbers_that_cannot_be_are_refused_with_a_remedy(changes, says):
    with pytest.raises(InputError, match=says):
        replace(SMALL, **changes)


def test_wrong_payoff_names_and_features_are_answered_with_near_ones():
    with pytest.raises(InputError, match="'accuracy'"):
        college(payoff="acuracy")
    with pytest.raises(InputError, match="no observation feature 'own-ratios'"):
        Admissions(features=("score-onehot", "own-ratios"))
