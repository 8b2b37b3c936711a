import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from probe import Probe

from evenhand.algorithms.parts.gae import gae
from evenhand.algorithms.parts.samples import Batch
from evenhand.algorithms.parts.shuffle import random_orders
from evenhand.algorithms.parts.surrogate import clipped_surrogate
from evenhand.algorithms.ppo import PPO
from evenhand.core.rollout import evaluate
from evenhand.core.training import train


def random_batch(size=32, obs_size=2, num_actions=2, seed=0):
    rng = np.random.default_rng(seed)

    def numbers(*shape):
        return jnp.asarray(rng.normal(size=shape), jnp.float32)

    return Batch(
        obs=numbers(size, obs_size),
        action=jnp.asarray(rng.integers(num_actions, size=size), jnp.int32),
        log_prob=-0.7 + 0.1 * numbers(size),
        log_probs=jax.nn.log_softmax(numbers(size, num_actions)),
        value=numbers(size),
        advantage=numbers(size),
        target=numbers(size),
        weight=jnp.ones(size),
        group=jnp.zeros(size, jnp.int32),
        columns=None,
    )


def small_ppo(**changes):
    return PPO(**({"num_envs": 4, "num_steps": 8, "width": 8} | changes))


def started(algorithm, env=None):
    env = env or Probe()
    state = algorithm.init(jr.key(0), env, env.default_params())
    # The policy head starts near zero; move it so that gradients are not.
    wider = jr.normal(jr.key(1), state.learner.network.policy.out.shape)
    return eqx.tree_at(lambda s: s.learner.network.policy.out, state, wider), env


def test_gae_agrees_with_a_plain_loop():
    rng = np.random.default_rng(1)
    T, N, discount, lambda_ = 13, 3, 0.9, 0.8
    rewards, values = rng.normal(size=(2, T, N)).astype(np.float32)
    continues = (rng.random((T, N)) > 0.2).astype(np.float32)
    last = rng.normal(size=N).astype(np.float32)
    expected, following = np.zeros((T, N)), np.zeros(N)
    for t in reversed(range(T)):
        after = values[t + 1] if t + 1 < T else last
        delta = rewards[t] + discount * continues[t] * after - values[t]
        following = delta + discount * lambda_ * continues[t] * following
        expected[t] = following
    got = gae(*map(jnp.asarray, (rewards, continues, values, last)), discount, lambda_)
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_the_surrogate_at_ratio_one_is_minus_the_mean_advantage_with_the_policy_gradient_slope():
    advantage = jnp.asarray([1.0, -2.0, 0.5, 3.0])
    weight = jnp.asarray([1.0, 1.0, 0.0, 1.0])

    def loss(log_ratio):
        return clipped_surrogate(log_ratio, advantage, 0.2, weight)

    zero = jnp.zeros(4)
    np.testing.assert_allclose(loss(zero), -(1 - 2 + 3) / 3, rtol=1e-6)
    np.testing.assert_allclose(jax.grad(loss)(zero), -advantage * weight / 3, rtol=1e-6)


def test_the_surrogate_stops_pushing_a_ratio_that_left_the_clip_range_its_way():
    loss = lambda log_ratio, advantage: clipped_surrogate(  # noqa: E731
        log_ratio[None], advantage[None], 0.2, jnp.ones(1)
    )
    slope = jax.grad(loss)
    assert slope(jnp.log(1.5), jnp.float32(1)) == 0
    assert slope(jnp.log(0.5), jnp.float32(-1)) == 0
    assert slope(jnp.log(1.5), jnp.float32(-1)) > 0
    assert slope(jnp.log(0.5), jnp.float32(1)) < 0


def test_the_gradient_of_the_loss_agrees_with_finite_differences():
    algorithm = small_ppo()
    state, _ = started(algorithm)
    batch = random_batch()
    network = state.learner.network
    flat, unflatten = jax.flatten_util.ravel_pytree(network)
    loss = jax.jit(lambda x: algorithm.loss(unflatten(x), batch)[0])
    direction = jr.normal(jr.key(2), flat.shape)
    step = 1e-2 / jnp.linalg.norm(direction)
    numeric = (loss(flat + step * direction) - loss(flat - step * direction)) / (2 * step)
    np.testing.assert_allclose(jax.grad(loss)(flat) @ direction, numeric, rtol=2e-2, atol=1e-3)


def test_samples_of_weight_zero_never_matter():
    algorithm = small_ppo()
    state, _ = started(algorithm)
    batch = random_batch()
    weight = batch.weight.at[::3].set(0.0)
    batch = eqx.tree_at(lambda b: b.weight, batch, weight)
    spoiled = eqx.tree_at(
        lambda b: (b.obs, b.advantage, b.target, b.value),
        batch,
        tuple(
            jnp.where(weight.reshape(-1, *(1,) * (x.ndim - 1)) > 0, x, 7.0)
            for x in (batch.obs, batch.advantage, batch.target, batch.value)
        ),
    )
    grad = jax.jit(jax.grad(lambda n, b: algorithm.loss(n, b)[0]))
    network = state.learner.network
    for one, other in zip(
        jax.tree.leaves(grad(network, batch)),
        jax.tree.leaves(grad(network, spoiled)),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, atol=1e-6)


def reference_update(algorithm, key, network, batch):
    """Clipped surrogate, clipped value loss, entropy and Adam, written out."""
    size = batch.action.shape[0]
    weights = {
        f"{head}.{name}": np.asarray(getattr(getattr(network, head), name), np.float64)
        for head in ("policy", "value")
        for name in ("hidden_in", "hidden_bias", "out", "out_bias")
    }
    first = {k: np.zeros_like(v) for k, v in weights.items()}
    second = {k: np.zeros_like(v) for k, v in weights.items()}

    def head_of(w, head, obs):
        hidden = jnp.tanh(obs @ w[f"{head}.hidden_in"] + w[f"{head}.hidden_bias"][None])
        return hidden @ w[f"{head}.out"] + w[f"{head}.out_bias"][None]

    def loss(w, indices):
        logits = head_of(w, "policy", batch.obs[indices])
        value = head_of(w, "value", batch.obs[indices])[:, 0]
        log_p = logits - jnp.log(jnp.exp(logits).sum(-1, keepdims=True))
        chosen = log_p[jnp.arange(len(indices)), batch.action[indices]]
        ratio = jnp.exp(chosen - batch.log_prob[indices])
        advantage = batch.advantage[indices]
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
        bounded = jnp.clip(ratio, 1 - algorithm.clip, 1 + algorithm.clip)
        policy_loss = -jnp.minimum(ratio * advantage, bounded * advantage).mean()
        old, target = batch.value[indices], batch.target[indices]
        near = old + jnp.clip(value - old, -algorithm.clip, algorithm.clip)
        value_loss = 0.5 * jnp.maximum((value - target) ** 2, (near - target) ** 2).mean()
        entropy = -(jnp.exp(log_p) * log_p).sum(-1).mean()
        return (
            policy_loss - algorithm.entropy_weight * entropy + algorithm.value_weight * value_loss
        )

    grad = jax.jit(jax.grad(loss))
    orders = random_orders(key, algorithm.num_epochs, size).reshape(
        -1, size // algorithm.num_minibatches
    )
    for count, order in enumerate(orders, 1):
        slopes = grad({k: jnp.asarray(v, jnp.float32) for k, v in weights.items()}, order)
        slopes = {k: np.asarray(v, np.float64) for k, v in slopes.items()}
        norm = np.sqrt(sum((v**2).sum() for v in slopes.values()))
        scale = min(1.0, algorithm.max_grad_norm / norm)
        for k, slope in slopes.items():
            first[k] = 0.9 * first[k] + 0.1 * scale * slope
            second[k] = 0.999 * second[k] + 0.001 * (scale * slope) ** 2
            mean, square = first[k] / (1 - 0.9**count), second[k] / (1 - 0.999**count)
            weights[k] -= algorithm.learning_rate * mean / (np.sqrt(square) + 1e-5)
    return weights


def test_one_update_equals_a_straightforward_reimplementation():
    algorithm = small_ppo(num_epochs=3, num_minibatches=4, learning_rate=1e-2)
    state, _ = started(algorithm)
    batch = random_batch()
    key = jr.key(5)
    learner, _ = jax.jit(algorithm.optimise)(key, state.learner, batch, jnp.float32(1e-2))
    expected = reference_update(algorithm, key, state.learner.network, batch)
    for name, value in expected.items():
        head, part = name.split(".")
        got = getattr(getattr(learner.network, head), part)
        np.testing.assert_allclose(got, value, atol=2e-4, err_msg=name)


@pytest.mark.parametrize("size", [1, 2, 32, 100])
def test_every_order_holds_every_sample_once(size):
    orders = np.asarray(random_orders(jr.key(0), 3, size))
    np.testing.assert_array_equal(np.sort(orders, -1), np.tile(np.arange(size), (3, 1)))
    assert size < 32 or (orders[0] != orders[1]).any()


def test_all_orders_are_about_equally_frequent():
    orders = np.asarray(random_orders(jr.key(0), 12_000, 4))
    _, counts = np.unique(orders, axis=0, return_counts=True)
    # Chi-square with 23 degrees of freedom: 49.7 is exceeded once in a thousand.
    assert len(counts) == 24
    assert ((counts - 500) ** 2 / 500).sum() < 49.7


def test_schedules_fall_linearly_to_zero_over_anneal_updates():
    algorithm = small_ppo(anneal_updates=4)
    state, _ = started(algorithm)
    left = [
        float(algorithm._share_left(eqx.tree_at(lambda s: s.update, state, jnp.int32(i))))
        for i in range(6)
    ]
    np.testing.assert_allclose(left, [1, 0.75, 0.5, 0.25, 0, 0], atol=1e-7)


def test_nothing_is_learned_once_the_schedule_has_ended():
    algorithm = small_ppo(anneal_updates=1)
    state, env = started(algorithm)
    ended = eqx.tree_at(lambda s: s.update, state, jnp.int32(1))
    ended, batch = algorithm.collect(jr.key(4), env, env.default_params(), ended)
    after, _ = algorithm.learn(jr.key(5), env, env.default_params(), ended, batch)
    before = jax.tree.leaves(state.learner.network)
    for old, new in zip(before, jax.tree.leaves(after.learner.network), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("delayed", [False, True])
@pytest.mark.slow
def test_ppo_solves_a_probe(delayed):
    env = Probe(delayed)
    algorithm = PPO(num_envs=8, num_steps=16, width=16, learning_rate=1e-2)
    state, _ = train(jr.key(0), algorithm, env, None, num_updates=60, train_episode_steps=80)
    J = evaluate(jr.key(1), env, None, algorithm.policy(state), num_episodes=16).J
    assert float(J.sum((1, 2)).mean()) > 0.93 * env.episode_steps
