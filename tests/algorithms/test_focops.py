"""FOCOPS with multipliers on every pair of groups and every task, one group's turn at a time."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from two_tasks import Turns

from evenhand.algorithms.focops import FOCOPS
from evenhand.algorithms.focops_variants import (
    group_lagrangian_ppo,
    group_ppo,
    only_constraining,
)
from evenhand.algorithms.parts.distributions import Categorical, Normal
from evenhand.algorithms.parts.group_multipliers import (
    GroupMultipliers,
    moved,
    no_multipliers,
    task_weights,
)
from evenhand.algorithms.parts.group_networks import Scaler, fresh_scaler, seen
from evenhand.algorithms.parts.group_stream import group_advantage, pull_and_push
from evenhand.algorithms.parts.tasks import TaskRule
from evenhand.algorithms.parts.trust_region import TrustRegion, TurnSamples
from evenhand.core.errors import InputError
from evenhand.core.rollout import evaluate
from evenhand.core.training import train
from evenhand.testing import PROBES, check_algorithm, check_probe
from evenhand.testing.conformance import quick_jit

SHORT = TrustRegion(num_epochs=2, num_minibatches=2)
TINY = {"num_envs": 4, "num_steps": 16, "width": 8, "discount": 1.0, "region": SHORT}


def run(algorithm, env=None, num_updates=4, piece=1, hooks=()):
    env = Turns() if env is None else env
    return train(
        jr.key(3), algorithm, env, env.default_params(), num_updates=num_updates,
        train_episode_steps=algorithm.num_steps, evaluate_every=piece, hooks=hooks,
    )  # fmt: skip


def collect(algorithm, env, state, seed=1):
    return quick_jit(algorithm.collect)(jr.key(seed), env, env.default_params(), state)


@pytest.fixture(scope="module")
def collected():
    """A learner before its first step, and a rollout of whole episodes."""
    env, algorithm = Turns(), FOCOPS(**TINY)
    state = quick_jit(algorithm.init)(jr.key(0), env, env.default_params())
    return collect(algorithm, env, state)


def same(one, other, atol=0.0):
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(a, b, 0, atol)


@pytest.mark.slow
def test_the_method_keeps_the_contract():
    check_algorithm(FOCOPS(**TINY), Turns())


@pytest.mark.slow
@pytest.mark.parametrize("name", PROBES)
def test_focops_solves_the_probe(name):
    region = TrustRegion(num_epochs=8, num_minibatches=2, kl_stop=0.1, kl_limit=0.1)
    rates = {"learning_rate": 1e-2, "critic_rate": 1e-2}
    check_probe(name, FOCOPS(num_envs=128, num_steps=2, width=16, **rates, region=region),
                num_updates=120)  # fmt: skip


# -- multipliers


def plain_step(above, below, z, J, tolerance, rate, most):
    """The update of group z, pair by pair and task by task."""
    for i in range(J.shape[0]):
        for m in range(J.shape[1]):
            if i != z:
                D = J[z, m] - J[i, m]
                above[z, i, m] = min(max(above[z, i, m] - rate * (tolerance - D), 0), most)
                below[z, i, m] = min(max(below[z, i, m] - rate * (tolerance + D), 0), most)


def test_multipliers_and_weights_agree_with_a_plain_loop_over_pairs_and_tasks():
    rng, groups, tasks = np.random.default_rng(0), 4, 3
    memory = no_multipliers(groups, tasks)
    above, below = np.zeros((groups, groups, tasks)), np.zeros((groups, groups, tasks))
    for turn in range(24):
        J = rng.normal(size=(groups, tasks))
        z = turn % groups
        counts = jnp.ones((groups, tasks), bool)
        memory = moved(memory, jnp.int32(z), jnp.asarray(J, jnp.float32), counts, 0.3, 0.5, 2.0)
        plain_step(above, below, z, J, 0.3, 0.5, 2.0)
        np.testing.assert_allclose(memory.above, above, atol=1e-5)
        np.testing.assert_allclose(memory.below, below, atol=1e-5)
    expected = [
        [1 + sum(below[z, i, m] - above[z, i, m] for i in range(groups) if i != z)
         for m in range(tasks)]
        for z in range(groups)
    ]  # fmt: skip
    np.testing.assert_allclose(task_weights(memory), expected, atol=1e-4)


def everybody_moves(memory, J, counts=None, tolerance=0.1):
    counts = jnp.ones(J.shape, bool) if counts is None else counts
    for z in range(J.shape[0]):
        memory = moved(memory, jnp.int32(z), J, counts, tolerance, 0.5, 2.0)
    return memory


@settings(max_examples=8)
@given(gap=st.floats(0.2, 3.0), tolerance=st.floats(0.0, 0.15))
def test_the_group_with_the_larger_return_weighs_less_than_1_and_the_other_more(gap, tolerance):
    J = jnp.asarray([[gap, 0.0], [0.0, gap]])
    memory = everybody_moves(no_multipliers(2, 2), J, tolerance=tolerance)
    w = np.asarray(task_weights(memory))
    assert w[0, 0] < 1 < w[1, 0]
    assert w[1, 1] < 1 < w[0, 1]
    # One pair: w = 1 - nu+ + nu-.
    np.testing.assert_allclose(w[0], 1 - memory.above[0, 1] + memory.below[0, 1])


def test_where_gaps_keep_the_tolerance_multipliers_fall_to_zero_and_stay_there():
    wide, close = jnp.asarray([[3.0], [0.0], [1.0]]), jnp.asarray([[0.05], [0.0], [0.02]])
    memory = everybody_moves(no_multipliers(3, 1), wide)
    assert float(jnp.sum(memory.above + memory.below)) > 0
    before = np.inf
    while before > 0:
        memory = everybody_moves(memory, close)
        now = float(jnp.sum(memory.above + memory.below))
        assert now < before
        before = now
    np.testing.assert_array_equal(task_weights(everybody_moves(memory, close)), np.ones((3, 1)))


def test_only_the_group_whose_turn_it_is_moves_and_a_task_that_does_not_count_moves_nothing():
    J = jnp.asarray([[3.0, 3.0], [0.0, 0.0]])
    counts = jnp.asarray([[True, False], [True, False]])
    memory = moved(no_multipliers(2, 2), jnp.int32(1), J, counts, 0.1, 0.5, 2.0)
    assert float(memory.below[1, 0, 0]) > 0
    same(replace_row(memory), no_multipliers(2, 2))


def replace_row(memory):
    """The multipliers with the one that may move set to 0."""
    return GroupMultipliers(memory.above, memory.below.at[1, 0, 0].set(0.0))


@settings(max_examples=4)
@given(order=st.permutations(range(3)))
def test_numbering_the_groups_otherwise_renumbers_the_multipliers(order):
    rng = np.random.default_rng(1)
    order = np.array(order)
    J = jnp.asarray(rng.normal(size=(3, 2)), jnp.float32)
    plain = everybody_moves(no_multipliers(3, 2), J)
    renamed = everybody_moves(no_multipliers(3, 2), J[order])
    np.testing.assert_allclose(renamed.above, plain.above[order][:, order], atol=1e-6)
    np.testing.assert_allclose(task_weights(renamed), task_weights(plain)[order], atol=1e-6)


# -- the turn


def test_with_no_multipliers_every_constraint_leaves_plain_focops():
    free = only_constraining(FOCOPS(**TINY), "none")
    frozen = FOCOPS(**TINY, multiplier_rate=0.0, tolerance=0.0)
    loose = FOCOPS(**TINY, tolerance=1e6)
    plain = run(free)[0]
    for other in (frozen, loose):
        same(plain.learner.agents, run(other)[0].learner.agents, atol=0.0)


def test_a_tight_constraint_moves_multipliers_and_agents_and_is_remembered():
    tight = FOCOPS(**TINY, tolerance=0.0, multiplier_rate=0.5, multiplier_max=100.0)
    kept = []
    state, log = run(tight, hooks=[lambda state, log, update: kept.append(state)])
    assert float(log["gap"].min()) > 0
    sums = [float(sum(map(jnp.sum, jax.tree.leaves(s.learner.multipliers)))) for s in kept]
    assert sorted(sums) == sums
    assert sums[0] > 0
    agents = run(FOCOPS(**TINY, tolerance=1e6))[0].learner.agents
    assert not np.array_equal(agents.actor.body.weights[0], first_weights(state))


def first_weights(state):
    return state.learner.agents.actor.body.weights[0]


def test_a_turn_changes_one_groups_agent_alone_and_groups_take_turns():
    kept = []
    run(FOCOPS(**TINY), hooks=[lambda state, log, update: kept.append(state)])
    for before, after, z in zip(kept, kept[1:], (1, 0, 1), strict=False):
        for a, b in zip(
            jax.tree.leaves(before.learner.agents), jax.tree.leaves(after.learner.agents),
            strict=True,
        ):  # fmt: skip
            assert not np.array_equal(a[z], b[z])
            np.testing.assert_array_equal(a[1 - z], b[1 - z])


def test_with_several_rounds_a_group_has_as_many_turns_in_a_row(collected):
    state, _ = collected
    turns = [replace(state.learner, turn=jnp.int32(turn)) for turn in range(8)]
    whose = [int(FOCOPS(rounds=3).whose_turn(Turns(), learner)) for learner in turns]
    assert whose == [0, 0, 0, 1, 1, 1, 0, 0]


def test_returns_are_those_of_the_whole_episodes_just_collected(collected):
    state, batch = collected
    assert batch.rewards.shape == (8, 8, 2)  # 16 steps are two episodes of each world
    expected = np.zeros((2, 2))
    for t in range(8):
        for n in range(8):
            expected[int(batch.outcome.group[t, n])] += np.asarray(batch.rewards[t, n]) / 8
    np.testing.assert_allclose(state.learner.returns.J, expected, rtol=1e-5)


def test_an_episode_longer_than_a_rollout_counts_once_it_is_whole():
    env, algorithm = Turns(horizon=6), FOCOPS(**TINY | {"num_steps": 4})
    state = quick_jit(algorithm.init)(jr.key(0), env, env.default_params())
    step, total = quick_jit(algorithm.collect), 0.0
    for part in range(6):
        state, batch = step(jr.key(part), env, env.default_params(), state)
        total = total + np.einsum(
            "tng,tnm->gm", np.eye(2)[np.asarray(batch.outcome.group)], batch.rewards
        ) / 4  # fmt: skip
        known = part % 3 == 2
        if known:
            np.testing.assert_allclose(state.learner.returns.J, total, rtol=1e-5)
            total = 0.0
        assert bool(jnp.all(state.learner.returns.episodes > 0)) == (part >= 2)


@pytest.mark.slow
def test_the_estimate_of_the_returns_agrees_with_an_evaluation():
    env, algorithm = Turns(), FOCOPS(**TINY | {"num_envs": 512})
    state = quick_jit(algorithm.init)(jr.key(0), env, env.default_params())
    collected = collect(algorithm, env, state)[0].learner.returns.J
    found = evaluate(jr.key(9), env, env.default_params(), algorithm.policy(state),
                     num_episodes=1024)  # fmt: skip
    np.testing.assert_allclose(collected, found.J.mean(0), atol=0.08)


# -- tasks


def test_a_row_counts_for_the_task_it_runs_and_for_all_where_one_policy_serves_all():
    env = Turns(shows_task=True)
    algorithm = FOCOPS(**TINY, rule=TaskRule(task_mode="conditioned"))
    state = quick_jit(algorithm.init)(jr.key(0), env, env.default_params())
    _, batch = collect(algorithm, env, state)
    task = algorithm.rule.task(env, batch.obs)
    np.testing.assert_array_equal(task, np.broadcast_to(np.asarray(task)[:1], task.shape))
    _, counts = algorithm.rule.rows(env, batch, task)
    np.testing.assert_array_equal(counts, np.eye(2)[np.asarray(task)])
    _, shared = TaskRule().rows(env, batch, task)
    np.testing.assert_array_equal(shared, np.ones_like(counts))


@pytest.mark.slow
@pytest.mark.parametrize("multi_head", [False, True])
def test_a_policy_told_its_task_learns_both(multi_head):
    env = Turns(shows_task=True)
    rule = TaskRule(task_mode="conditioned", multi_head=multi_head, constrained="none")
    region = TrustRegion(num_epochs=4, num_minibatches=2, kl_limit=0.1, kl_stop=0.1)
    options = TINY | {"num_envs": 64, "width": 16, "region": region}
    rates = {"learning_rate": 1e-2, "critic_rate": 1e-2}
    algorithm = FOCOPS(**options, **rates, rule=rule)
    _, log = run(algorithm, env, num_updates=60, piece=60)
    first, last = np.asarray(log["return"][:4]).mean(), np.asarray(log["return"][-4:]).mean()
    best = best_returns(env)
    assert last > first
    assert last > 0.95 * best


def best_returns(env):
    """Sum over groups and tasks of the best return, by backward induction on the one's model."""
    params = env.default_params()
    P, R = np.asarray(params.transition, float), np.asarray(params.rewards, float)
    total = 0.0
    for g in range(2):
        for m in range(2):
            V = np.zeros(3)
            for _ in range(env.horizon):
                V = (R[g, :, :, m] + P[g] @ V).max(-1)
            total += V[0]
    return total


def test_a_world_that_shows_no_task_cannot_be_trained_on_told_tasks():
    with pytest.raises(InputError, match="task_mode='shared'"):
        run(FOCOPS(**TINY, rule=TaskRule(task_mode="conditioned")))
    with pytest.raises(InputError, match="thrid"):
        run(only_constraining(FOCOPS(**TINY), "thrid"))
    with pytest.raises(InputError, match="conditioned"):
        TaskRule(multi_head=True)


# -- the pieces


def test_pull_and_push_are_means_over_tasks_of_means_over_the_rows_of_each():
    rng = np.random.default_rng(0)
    A, w = rng.normal(size=(12, 2)), np.array([0.5, 2.0])
    counts = np.eye(2)[rng.integers(2, size=12)] * (np.arange(12) % 3 > 0)[:, None]
    ratio, kl = rng.normal(size=12), rng.normal(size=12)
    pull, push = pull_and_push(*(jnp.asarray(x, jnp.float32) for x in (A, counts, w)))
    mine = counts.sum(1) > 0
    got = np.sum(np.asarray(pull) * kl - np.asarray(push) * ratio) / mine.sum()
    expected = 0.0
    for m in range(2):
        rows = counts[:, m] > 0
        expected += np.mean(kl[rows] - ratio[rows] * w[m] * A[rows, m]) / 2
    assert got == pytest.approx(expected, abs=1e-5)


def test_divergences_agree_with_sums_and_samples():
    rng = np.random.default_rng(0)
    logits = jnp.asarray(rng.normal(size=(2, 4)), jnp.float32)
    new, old = (Categorical(jax.nn.log_softmax(row)) for row in logits)
    p, q = np.exp(new.log_probs), np.exp(old.log_probs)
    assert float(new.kl_from(old)) == pytest.approx(float(np.sum(p * np.log(p / q))), abs=1e-5)
    new = Normal(jnp.asarray([0.3, -0.2]), jnp.asarray([-0.5, 0.1]))
    old = Normal(jnp.asarray([0.0, 0.1]), jnp.asarray([-0.2, 0.3]))
    draws = jax.vmap(new.sample)(jr.split(jr.key(0), 200_000))
    wide = Normal(*(jnp.broadcast_to(x, draws.shape) for x in (new.mean, new.log_std)))
    of_old = Normal(*(jnp.broadcast_to(x, draws.shape) for x in (old.mean, old.log_std)))
    sampled = float(jnp.mean(wide.log_prob(draws) - of_old.log_prob(draws)))
    assert float(new.kl_from(old)) == pytest.approx(sampled, abs=5e-3)
    assert float(new.entropy()) == pytest.approx(float(-jnp.mean(wide.log_prob(draws))), abs=5e-3)


def test_the_scaler_agrees_with_the_moments_of_all_rows_that_count():
    rng = np.random.default_rng(0)
    rows, weight = rng.normal(3.0, 2.0, size=(60, 2)), (np.arange(60) % 4 > 0).astype(float)
    scaler = fresh_scaler(2)
    for part in range(3):
        piece = slice(20 * part, 20 * part + 20)
        scaler = seen(scaler, *(jnp.asarray(x[piece], jnp.float32) for x in (rows, weight)))
    mine = rows[weight > 0]
    np.testing.assert_allclose(scaler.mean, mine.mean(0), rtol=1e-5)
    expected = (rows - mine.mean(0)) / mine.std(0)
    got = scaler(jnp.asarray(rows, jnp.float32), 5.0)
    np.testing.assert_allclose(got, expected, atol=1e-4)


def test_along_a_group_the_undiscounted_advantage_is_what_is_still_to_come_less_the_value(
    collected,
):
    _, batch = collected
    value = lambda obs: obs[..., :2]  # noqa: E731
    got = group_advantage(
        batch, batch.rewards, value, batch.terminated, jnp.array(True), (1.0, 1.0)
    )
    group, rewards = np.asarray(batch.outcome.group), np.asarray(batch.rewards)
    for t in range(8):
        for n in range(8):
            later = [u for u in range(t, 8) if group[u, n] == group[t, n]]
            expected = rewards[later, n].sum(0) - np.asarray(batch.obs[t, n, :2])
            np.testing.assert_allclose(got[t, n], expected, atol=1e-5)


def test_after_an_epoch_that_moves_too_far_none_follows():
    for kl_stop, epochs in ((0.0, 1), (1e9, 2)):
        _, log = run(FOCOPS(**TINY | {"region": replace(SHORT, kl_stop=kl_stop)}), num_updates=2)
        np.testing.assert_array_equal(log["epochs"], np.full(2, epochs))


def test_rows_beyond_the_limit_of_divergence_pull_no_further():
    region = TrustRegion(kl_limit=0.01)
    logits = jnp.asarray([[0.0, 0.0], [0.0, 0.0]])
    far = jnp.asarray([[0.0, 0.0], [0.0, 3.0]])
    old = Categorical(jax.nn.log_softmax(logits))
    action = jnp.asarray([0, 0], jnp.int32)
    one = jnp.ones(2)
    rows = TurnSamples(
        logits, action, action, old, old.log_prob(action), one, one, one[:, None], one[:, None]
    )
    actor = lambda shift, obs, task: Categorical(jax.nn.log_softmax(far + shift))  # noqa: E731
    grad = jax.grad(lambda s: region.policy_loss(lambda o, t: actor(s, o, t), rows))(0 * far)
    assert float(jnp.abs(grad[0]).sum()) > 0
    np.testing.assert_array_equal(grad[1], np.zeros(2))


@pytest.mark.slow
def test_the_neighbours_are_the_same_method_with_another_surrogate_or_no_constraint():
    assert group_ppo().rule.constrained == "none"
    assert group_lagrangian_ppo().region.surrogate == "clip"
    tight = {"tolerance": 0.0, "multiplier_rate": 0.5}
    clip = {"region": replace(SHORT, surrogate="clip", kl_stop=1e9)}
    lagrangian = run(group_lagrangian_ppo(**TINY | clip | tight))[0]
    plain = run(group_ppo(**TINY | clip | tight))[0]
    frozen = run(group_lagrangian_ppo(**TINY | clip | {"multiplier_max": 0.0}))[0]
    same(plain.learner.agents, frozen.learner.agents)
    assert not np.array_equal(first_weights(lagrangian), first_weights(plain))
    assert isinstance(plain.learner.scalers, Scaler)
