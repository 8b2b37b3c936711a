import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from probe import Probe

from evenhand.algorithms.dqn import DQN
from evenhand.algorithms.parts.buffers import empty_buffer
from evenhand.algorithms.parts.epsilon_greedy import EpsilonGreedy
from evenhand.core.rollout import evaluate
from evenhand.core.training import train


@given(st.lists(st.sampled_from([1, 3, 8]), max_size=8))
def test_a_ring_buffer_holds_the_newest_rows_and_no_others(sizes):
    buffer, everything = empty_buffer({"x": jnp.float32(0)}, 8), []
    for size in sizes:
        new = np.arange(len(everything), len(everything) + size, dtype=np.float32)
        buffer = buffer.add({"x": jnp.asarray(new)})
        everything += new.tolist()
    assert int(buffer.size) == min(8, len(everything))
    held = np.asarray(buffer.rows["x"])[: int(buffer.size)]
    assert sorted(held.tolist()) == everything[-8:]


def test_a_ring_buffer_draws_only_rows_that_were_written():
    buffer = empty_buffer(jnp.float32(0), 8).add(jnp.arange(1.0, 4.0))
    rows = buffer.take(buffer.sample(jr.key(0), (500,)))
    assert set(np.asarray(rows).tolist()) == {1.0, 2.0, 3.0}


def test_a_batch_larger_than_the_buffer_is_refused():
    with pytest.raises(ValueError, match="raise its capacity"):
        empty_buffer(jnp.float32(0), 8).add(jnp.zeros(9))


def small_dqn(**changes):
    sizes = {"num_envs": 2, "num_steps": 10, "capacity": 400, "batch_size": 32, "width": 16}
    steps = {"learning_starts": 100, "exploration_steps": 1000, "target_every": 50}
    return DQN(**(sizes | steps | {"train_every": 2, "learning_rate": 5e-3} | changes))


def collected(algorithm, env=None):
    env = env or Probe()
    state = algorithm.init(jr.key(0), env, env.default_params())
    return (*algorithm.collect(jr.key(1), env, env.default_params(), state), env)


def test_the_stored_next_state_is_the_next_row_of_the_same_world():
    algorithm = small_dqn()
    state, batch, env = collected(algorithm)
    rows = algorithm.rows(jr.key(0), env, state, batch)
    next_obs = np.asarray(rows.next_obs).reshape(10, 2, -1)
    np.testing.assert_array_equal(next_obs[:-1], batch.obs[1:])
    np.testing.assert_array_equal(next_obs[-1], state.actors.obs)


def test_the_target_of_a_terminated_row_is_its_reward_alone():
    algorithm = small_dqn()
    state, batch, env = collected(algorithm)
    rows = algorithm.rows(jr.key(0), env, state, batch)
    ended = eqx.tree_at(lambda r: r.continues, rows, jnp.zeros_like(rows.continues))
    network = state.learner.network
    value = np.take_along_axis(np.asarray(network(rows.obs)), np.asarray(rows.action)[:, None], 1)
    expected = np.mean((value[:, 0] - np.asarray(rows.reward)) ** 2)
    np.testing.assert_allclose(algorithm.loss(network, network, ended)[0], expected, rtol=1e-5)


def test_rows_of_weight_zero_never_matter():
    algorithm = small_dqn()
    state, batch, env = collected(algorithm)
    rows = algorithm.rows(jr.key(0), env, state, batch)
    rows = eqx.tree_at(lambda r: r.weight, rows, rows.weight.at[::2].set(0.0))
    spoiled = eqx.tree_at(lambda r: r.reward, rows, jnp.where(rows.weight > 0, rows.reward, 99.0))
    grad = jax.grad(lambda n, r: algorithm.loss(n, n, r)[0])
    network = state.learner.network
    one, other = grad(network, rows), grad(network, spoiled)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_array_equal(a, b)


def test_exploration_falls_linearly_and_then_stays():
    algorithm = small_dqn(exploration_steps=1000)
    at = [float(algorithm.epsilon(jnp.int32(steps))) for steps in (0, 500, 1000, 5000)]
    np.testing.assert_allclose(at, [1.0, 0.525, 0.05, 0.05], atol=1e-6)


def test_epsilon_greedy_acts_as_its_log_probabilities_say():
    policy = EpsilonGreedy(lambda obs: jnp.asarray([0.0, 2.0, 1.0]), jnp.float32(0.3))
    obs = jnp.zeros(2)
    actions = jax.vmap(policy.act, (0, None))(jr.split(jr.key(0), 20_000), obs)
    shares = np.bincount(np.asarray(actions), minlength=3) / 20_000
    probs = [float(jnp.exp(policy.log_prob(obs, jnp.int32(a)))) for a in range(3)]
    np.testing.assert_allclose(probs, [0.1, 0.8, 0.1], atol=1e-6)
    np.testing.assert_allclose(shares, probs, atol=0.012)


@pytest.mark.slow
def test_nothing_is_learned_before_learning_starts_and_the_target_waits_for_its_turn():
    algorithm = small_dqn(learning_starts=60, target_every=100)
    env = Probe()
    states = [
        train(jr.key(0), algorithm, env, None, num_updates=n, train_episode_steps=80)[0].learner
        for n in (1, 2, 4, 5)
    ]
    start = algorithm.init(jr.split(jr.key(0))[0], env, None).learner
    same = lambda a, b: bool(eqx.tree_equal(a, b))  # noqa: E731
    assert same(states[1].network, start.network)
    assert not same(states[2].network, start.network)
    assert same(states[2].target, start.network)
    assert same(states[3].target, states[3].network)


@pytest.mark.parametrize("delayed", [False, True])
def test_dqn_solves_a_probe(delayed):
    env = Probe(delayed)
    algorithm = small_dqn(num_envs=8)
    state, _ = train(jr.key(0), algorithm, env, None, num_updates=60, train_episode_steps=80)
    J = evaluate(jr.key(1), env, None, algorithm.policy(state), num_episodes=16).J
    assert float(J.sum((1, 2)).mean()) > 0.97 * env.episode_steps


def test_settings_that_do_not_divide_are_refused():
    with pytest.raises(ValueError, match="train_every"):
        DQN(num_envs=1, num_steps=7)
    with pytest.raises(ValueError, match="capacity"):
        DQN(num_envs=1, num_steps=100, capacity=50)
