import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

gymnasium = pytest.importorskip("gymnasium", reason="needs gymnasium (evenhand[gym])")

from gymnasium.utils.env_checker import check_env  # noqa: E402

import evenhand.envs.adapters  # noqa: E402, F401
from evenhand.algorithms.bisimulator import Bisimulator  # noqa: E402
from evenhand.algorithms.bisimulator_wrapper import (  # noqa: E402
    BisimulatorVectorWrapper,
    BisimulatorWrapper,
)
from evenhand.algorithms.parts.bisimulation import action_probs  # noqa: E402
from evenhand.algorithms.parts.host_policy import HostPolicy, certain  # noqa: E402
from evenhand.algorithms.parts.observation_search import (  # noqa: E402
    NoSearch,
    ObservationSearch,
)
from evenhand.algorithms.parts.reward_correction import RewardCorrection  # noqa: E402
from evenhand.algorithms.ppo import PPO  # noqa: E402
from evenhand.core.errors import InputError  # noqa: E402
from evenhand.core.policy import CategoricalPolicy, constant_policy, threshold_policy  # noqa: E402

# The second compiles programs of its own.
WORLDS = ["Lending", pytest.param("Admissions", marks=pytest.mark.slow)]
SIZES = {"episode_steps": 40, "population_per_group": 8}
# Steps as large as this reach every bound.
SEARCH = ObservationSearch(
    model_updates=3, model_batch=8, num_pairs=4, first_sigma=1.0, largest_sigma=1.0
)
DATA = {"dataset_envs": 2, "dataset_steps": 40}


def make(name="Lending", **options):
    sizes = SIZES if name == "Lending" else {"population_per_group": 30}
    return gymnasium.make(f"evenhand/{name}-v0", **(sizes | options))


def correction(alpha=0.7):
    return RewardCorrection(reward_updates=5, reward_width=8, alpha=alpha, reward_rate=1e-2)


def wrapped(env=None, alpha=0.7, search=SEARCH, **options):
    env = make() if env is None else env
    return BisimulatorWrapper(env, correction(alpha), search, **(DATA | options))


def moved(world):
    """The wrapper after adaptations until one of them moved omega."""
    process = world.process
    for _ in range(40):
        process.adapt(constant_policy(process.env, 0.7))
        if not eqx.tree_equal(process.params, process.original):
            return world
    raise AssertionError("every proposal was declined")


def steps(world, num=100, seed=3):
    """What a seed and a row of actions bring, across resets."""
    actions = np.random.default_rng(0).integers(2, size=num)
    found, obs = [], world.reset(seed=seed)[0]
    for action in actions:
        before = obs
        obs, reward, terminated, truncated, info = world.step(action)
        found.append((before, action, obs, reward, info))
        if terminated or truncated:
            obs, _ = world.reset()
    return found


def true_scores(world):
    """Everybody's true score in a world in the middle of an episode."""
    inner = world.unwrapped
    key, params = jr.key(0), inner.params
    tree = jax.tree.structure(jax.eval_shape(inner.env.reset, key, params))
    state = jax.tree.unflatten(tree, inner._world[: tree.num_leaves])
    return np.asarray(inner.env.population(state, params).true_score)


@pytest.mark.filterwarnings("ignore:.*different from the unwrapped version")
@pytest.mark.filterwarnings("ignore:.*not having a spec")
@pytest.mark.long
def test_gymnasium_s_own_checker_finds_nothing_to_say():
    world = wrapped(make().unwrapped)
    world.unwrapped.spec = None
    check_env(moved(world))


@pytest.mark.parametrize("name", WORLDS)
def test_without_a_weight_and_a_search_the_world_is_the_unwrapped_one(name):
    world = wrapped(make(name), alpha=0.0, search=NoSearch())
    for _ in range(2):
        world.adapt(constant_policy(world.unwrapped.env, 0.7))
    for one, other in zip(steps(world), steps(make(name)), strict=True):
        np.testing.assert_array_equal(one[2], other[2])
        assert one[3] == other[3]
        assert {k: v for k, v in one[4].items() if k != "reward_original"} == other[4]


def test_the_reward_is_the_original_plus_the_action_s_correction():
    world = moved(wrapped())
    head, num_groups = world.process.adapted.correction.network, world.unwrapped.env.num_groups
    hidden_in, hidden_bias, out, out_bias = map(np.asarray, jax.tree.leaves(head))
    changes = []
    for before, action, _, reward, info in steps(world):
        seen = np.concatenate([before, np.eye(num_groups)[info["group"]]])
        values = np.tanh(np.tanh(seen @ hidden_in + hidden_bias) @ out + out_bias)
        assert reward == pytest.approx(info["profit"] + 0.7 * values[action], abs=1e-5)
        assert info["reward_original"] == info["profit"]
        changes.append(reward - info["profit"])
    assert max(map(abs, changes)) > 1e-3


def test_before_the_first_adaptation_nothing_is_changed():
    for one, other in zip(steps(wrapped()), steps(make()), strict=True):
        np.testing.assert_array_equal(one[2], other[2])
        assert one[3] == other[3]


def test_adapting_lowers_the_reward_gap_of_its_data():
    world = wrapped(search=NoSearch(), dataset_steps=400)
    for _ in range(3):
        log = world.adapt(constant_policy(world.unwrapped.env, 0.7))
        assert log["J_rew_after"] < log["J_rew_before"]


@pytest.mark.parametrize("name", WORLDS)
def test_omega_stays_within_its_bounds_and_is_readable_by_name(name):
    world = wrapped(make(name))
    env = world.unwrapped.env
    assert world.adjusted.keys() == env.adjustable.keys()
    for _ in range(4):
        log = world.adapt(constant_policy(env, 0.7))
        for field, (low, high) in env.adjustable.items():
            values = world.adjusted[field]
            assert values.shape == (env.num_groups,)
            assert low <= values.min() <= values.max() <= high
            assert log[f"{field}_1"] == pytest.approx(float(values[0]))


@pytest.mark.parametrize("name", WORLDS)
def test_omega_changes_only_what_is_observed(name):
    world, plain = wrapped(make(name)), make(name)
    adapted = world.process.adapted
    low = jnp.broadcast_to(adapted.search.omega.low, adapted.search.search.point.shape)
    world.process._install(eqx.tree_at(lambda a: a.search.search.point, adapted, low))
    looked = [steps(world), steps(plain)]
    # What an applicant pays for a point of score is what omega sets.
    apart = {"reward_original", "cost_paid"}
    for one, other in zip(*looked, strict=True):
        told, expected = ({k: v for k, v in x[4].items() if k not in apart} for x in (one, other))
        assert told == expected
        assert one[4]["reward_original"] == other[3]
    assert any(not np.array_equal(one[2], other[2]) for one, other in zip(*looked, strict=True))
    np.testing.assert_array_equal(true_scores(world), true_scores(plain))


def test_an_episode_goes_on_across_an_adaptation_and_shows_the_new_omega():
    world = wrapped()
    world.reset(seed=0)
    for _ in range(5):
        world.step(1)
    moved(world)
    world.step(1)
    assert world.unwrapped.params is world.params
    ends = [world.step(1)[3] for _ in range(34)]
    assert ends == [False] * 33 + [True]


@pytest.mark.parametrize("search", [NoSearch(), SEARCH])
def test_every_step_of_data_is_counted(search):
    world = wrapped(search=search)
    assert world.data_steps == 0
    for _ in range(3):
        world.adapt(threshold_policy(world.unwrapped.env, 3))
    assert world.data_steps == 3 * search.num_sets * 2 * 40


@pytest.mark.slow
@pytest.mark.parametrize("search", [NoSearch(), SEARCH])
def test_adapting_does_what_the_learner_class_does(search):
    solver = PPO(num_envs=2, num_steps=8, num_minibatches=2, num_epochs=1, width=8)
    algorithm = Bisimulator(solver, correction(), search, period=16, **DATA)
    world = wrapped(search=search, seed=5)
    env, params = world.unwrapped.env, world.params
    state = algorithm.init(jr.key(5), env, params)
    prepare = eqx.filter_jit(lambda key, state: algorithm.prepare(key, env, params, state))
    for index in range(3):
        key = jr.fold_in(jr.key(1), index)
        ours = world.adapt(algorithm.behaviour(state), key)
        state, theirs = prepare(key, state)
        for name, value in ours.items():
            np.testing.assert_allclose(value, theirs[name], rtol=1e-4, atol=1e-6)
    learner = state.learner
    pairs = (
        (world.process.adapted.correction, learner.correction),
        (world.params, algorithm.deployed(state, params)),
    )
    for pair in pairs:
        for one, other in zip(*map(jax.tree.leaves, pair), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    assert world.data_steps == int(learner.data_steps)


@pytest.mark.slow
def test_a_function_on_the_host_is_followed_like_the_policy_it_computes():
    one, other = wrapped(search=NoSearch()), wrapped(search=NoSearch())
    weights = np.random.default_rng(0).normal(size=(one.unwrapped.env.obs_size, 2))
    weights = weights.astype(np.float32)

    def probabilities(rows):
        values = np.exp(rows @ weights)
        return values / values.sum(-1, keepdims=True)

    policy = CategoricalPolicy(lambda obs: obs @ jnp.asarray(weights))
    for _ in range(2):
        theirs = one.adapt(policy)
        ours = other.adapt(lambda rows: probabilities(rows))
        for name, value in theirs.items():
            assert ours[name] == pytest.approx(value, rel=1e-3, abs=1e-5)


def test_a_new_function_is_asked_and_not_the_last():
    world = wrapped(search=NoSearch())
    approving = {}
    for share in (0.0, 1.0):
        world.adapt(lambda rows, p=share: np.tile([1 - p, p], (len(rows), 1)), jr.key(0))
        approving[share] = world.process._ask(np.zeros((1, 11)))[0, 1]
    assert approving == {0.0: 0.0, 1.0: 1.0}


@pytest.mark.parametrize("answer", [np.ones((2, 2)), np.full((2, 3), 1 / 3), np.full(2, 0.5)])
def test_an_answer_that_is_no_row_of_probabilities_is_refused(answer):
    with pytest.raises(InputError, match="probabilities of 2 actions"):
        wrapped().adapt(lambda rows: answer)


def test_a_greedy_policy_is_certain_of_what_it_does():
    env = make().unwrapped.env
    greedy = certain(CategoricalPolicy(lambda obs: obs[:2], greedy=True))
    obs = jnp.asarray([[0.2, 0.1], [0.1, 0.2]])
    np.testing.assert_array_equal(action_probs(greedy, obs, env.num_actions), np.eye(2))
    stochastic = CategoricalPolicy(lambda obs: obs[:2])
    assert certain(stochastic) is stochastic
    assert not isinstance(certain(HostPolicy(len, 2)), CategoricalPolicy)


def test_wrappers_that_share_follow_one_omega():
    first = wrapped()
    second = wrapped(sharing=first)
    moved(first)
    assert second.params is first.params
    for one, other in zip(steps(first), steps(second), strict=True):
        np.testing.assert_array_equal(one[2], other[2])
        assert one[3] == other[3]
    with pytest.raises(InputError, match="equal worlds"):
        wrapped(make(population_per_group=9), sharing=first)


def test_worlds_stepped_together_are_the_worlds_stepped_alone():
    first = moved(wrapped())
    envs = gymnasium.make_vec("evenhand/Lending-v0", num_envs=3, **SIZES)
    many = BisimulatorVectorWrapper(envs, correction(), SEARCH, **DATA)
    assert eqx.tree_equal(moved(many).process.params, first.params)
    actions = np.random.default_rng(0).integers(2, size=(90, 3))
    obs, _ = many.reset(seed=5)
    seen = [(obs, *many.step(row)) for row in actions]
    for i in range(3):
        alone, over = wrapped(sharing=first), False
        alone.reset(seed=5 + i)
        for row, (_, obs, rewards, *_, info) in zip(actions, seen, strict=True):
            if over:
                (expected, _), reward, over = alone.reset(), 0.0, False
                assert not info["_reward_original"][i]
            else:
                expected, reward, terminated, truncated, told = alone.step(row[i])
                over = terminated or truncated
                assert info["reward_original"][i] == told["reward_original"]
            np.testing.assert_allclose(obs[i], expected, atol=1e-6)
            assert rewards[i] == pytest.approx(reward, abs=1e-5)


def test_what_is_no_world_of_ours_is_refused():
    with pytest.raises(InputError, match="no world of ours"):
        BisimulatorWrapper(gymnasium.make("CartPole-v1"))
    with pytest.raises(InputError, match="observation"):
        wrapped(gymnasium.wrappers.RescaleObservation(make(), np.float32(0), np.float32(2)))
