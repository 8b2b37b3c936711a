import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from evenhand.algorithms.bisimulator import Bisimulator
from evenhand.algorithms.dqn import DQN
from evenhand.algorithms.parts.bisimulation import collect_samples
from evenhand.algorithms.parts.observation_search import NoSearch, ObservationSearch
from evenhand.algorithms.parts.reward_correction import RewardCorrection
from evenhand.algorithms.ppo import PPO
from evenhand.core.errors import InputError
from evenhand.core.policy import constant_policy, threshold_policy
from evenhand.core.rollout import rollout, start
from evenhand.data.admissions import college
from evenhand.data.presets import gym
from evenhand.envs.admissions import Admissions
from evenhand.envs.lending import Lending
from evenhand.experiments.methods import make_algorithm
from evenhand.testing import Probe, check_algorithm
from evenhand.testing.conformance import quick_jit

SOLVERS = {
    "ppo": PPO(num_envs=2, num_steps=8, num_minibatches=2, num_epochs=1, width=8),
    "dqn": DQN(
        num_envs=2, num_steps=10, capacity=60, batch_size=8, width=8, learning_starts=30,
        exploration_steps=100,
    ),
}  # fmt: skip
SEARCH = ObservationSearch(model_updates=3, model_batch=8, num_pairs=4)


def small(solver="ppo", search=SEARCH, alpha=1.0, **changes):
    correction = RewardCorrection(reward_updates=3, reward_width=8, alpha=alpha)
    sizes = {"period": 3 * SOLVERS[solver].update_steps, "dataset_envs": 2, "dataset_steps": 20}
    return Bisimulator(SOLVERS[solver], correction, search, **(sizes | changes))


def world(num_groups=2, people=6):
    return Lending(gym(num_groups, people))


def updated(algorithm, env, num_updates=2, state=None):
    params = env.default_params()
    update = quick_jit(lambda key, state: algorithm.update(key, env, params, state))
    state = algorithm.init(jr.key(0), env, params) if state is None else state
    for index in range(num_updates):
        state, log = update(jr.fold_in(jr.key(1), index), state)
    return state, log


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("search", [NoSearch(), eqx.tree_at(lambda s: s.first_sigma, SEARCH, 0.0)])
@pytest.mark.slow
def test_with_its_weights_at_zero_only_the_solver_remains(solver, search):
    algorithm, env = small(solver, search, alpha=0.0), world()
    plain, params = SOLVERS[solver], env.default_params()
    state, _ = updated(algorithm, env)
    alone = plain.init(jr.key(0), env, params)
    step = quick_jit(lambda key, state: plain.update(key, env, params, state))
    for index in range(2):
        solve_key = jr.split(jr.fold_in(jr.key(1), index))[1]
        for key in jr.split(solve_key, algorithm.solver_updates):
            alone, _ = step(key, alone)
            alone = eqx.tree_at(lambda s: s.update, alone, alone.update + 1)
    pairs = zip(*(jax.tree.leaves(x) for x in (state.learner.solver, alone.learner)), strict=True)
    for one, other in pairs:
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    assert int(state.learner.solver_updates) == int(alone.update)


@pytest.mark.parametrize("search", [NoSearch(), SEARCH])
@pytest.mark.slow
def test_every_step_of_data_is_counted_and_the_solver_knows_of_none(search):
    algorithm = small(search=search)
    state, log = updated(algorithm, world())
    solver = 2 * 3 * SOLVERS["ppo"].update_steps
    data = 2 * search.num_sets * 2 * 20
    assert int(state.env_steps) == solver + data == 2 * algorithm.update_steps
    assert int(state.learner.data_steps) == data
    np.testing.assert_allclose(log["data_share"], data / (solver + data), rtol=1e-6)


def test_true_scores_and_labels_never_depend_on_omega():
    env = world()
    params, search = env.default_params(), SEARCH.init(jr.key(0), world(), world().default_params())
    shown = search.omega.put(params, jnp.asarray([[0.0, 3.0], [3.0, 0.0]]))
    twins = []
    for numbers in (params, shown):
        actors = start(jr.key(1), env, numbers, 3)
        act = constant_policy(env, 0.7).act
        actors, batch = rollout(jr.key(2), env, numbers, act, actors, 60)
        people = jax.vmap(env.population, (0, None))(actors.state, numbers)
        twins.append((people, batch))
    (one, batch), (other, changed) = twins
    np.testing.assert_array_equal(one.true_score, other.true_score)
    assert not np.array_equal(one.observed_score, other.observed_score)
    for name in ("rewards", "action", "outcome"):
        pairs = zip(*(jax.tree.leaves(getattr(x, name)) for x in (batch, changed)), strict=True)
        assert all(np.array_equal(a, b) for a, b in pairs)


@pytest.mark.slow
def test_the_logged_reward_is_the_original_and_learning_uses_the_corrected():
    algorithm, env = small(alpha=5.0), world()
    state, _ = updated(algorithm, env)
    params = env.default_params()

    @quick_jit
    def once(state):
        collected, batch = algorithm.collect(jr.key(5), env, params, state)
        learned, log = algorithm.learn(jr.key(6), env, params, collected, batch)
        inner = algorithm._inner(collected)
        original, _ = algorithm.solver.learn(jr.key(6), env, params, inner, batch)
        return learned.learner.solver, original.learner, batch.rewards, log

    learned, original, rewards, log = once(state)
    np.testing.assert_allclose(log["reward"], rewards[..., 0].mean(), rtol=1e-5)
    assert abs(float(log["reward_corrected"] - log["reward"])) > 1e-4
    assert not eqx.tree_equal(learned, original)


def test_omega_in_favour_of_the_group_that_starts_lower_lowers_the_dynamics_gap():
    env = Lending(gym(population_per_group=1000))
    params, how = env.default_params(), ObservationSearch()
    memory, policy = how.init(jr.key(0), env, params), threshold_policy(env, 3)
    collect = lambda key, params: collect_samples(key, env, params, policy, 1, 4000)  # noqa: E731

    @eqx.filter_jit
    def gap(key, omega):
        given = memory.omega.put(params, omega)
        return how.examine(list(jr.split(key, 4)), env, given, memory.model, collect)[1]

    for seed in range(2):
        neutral, in_favour, against = (
            float(gap(jr.key(seed), jnp.asarray(omega)))
            for omega in ([[1.0, 1], [1, 1]], [[1.0, 2], [1, 0]], [[2.0, 1], [0, 1]])
        )
        assert in_favour < neutral < against


@pytest.mark.parametrize("env", [
    world(10, 3), Admissions(college(population_per_group=20)), Admissions(college(10, 8)),
], ids=["ten groups", "admissions", "admissions of ten groups"])  # fmt: skip
@pytest.mark.long
def test_omega_stays_within_its_bounds_in_every_world(env):
    search = eqx.tree_at(lambda s: s.first_sigma, SEARCH, 1.0)
    algorithm = small(search=search)
    state, log = updated(algorithm, env)
    assert all(np.isfinite(value) for value in log.values())
    deployed = algorithm.deployed(state, env.default_params())
    for name, (low, high) in env.adjustable.items():
        values = np.asarray(getattr(deployed, name))
        assert values.shape == (env.num_groups,)
        assert low <= values.min() <= values.max() <= high
        assert float(log[f"{name}_1"]) == values[0]


def test_worlds_shorter_than_an_iteration_are_reset_on_the_way():
    env = Lending(gym(population_per_group=6))
    object.__setattr__(env, "episode_steps", 16)
    state, _ = updated(small(period=5 * 16, search=NoSearch()), env, 1)
    assert state.actors.state.time.tolist() == [8, 8]  # 5 rollouts of 8 steps, episodes of 16


def test_a_world_with_nothing_to_adjust_is_refused():
    with pytest.raises(InputError, match="bisimulator-ppo-reward"):
        small().init(jr.key(0), Probe(), Probe().default_params())


def test_options_reach_every_part_by_their_bare_names():
    options = {"learning_rate": 0.001, "alpha": 0.3, "proposals": 2, "rounding": "sample"}
    written = tuple(f"bisimulator-ppo.{name}={value}" for name, value in options.items())
    algorithm = make_algorithm("bisimulator-ppo", written, 400_000)
    assert algorithm.solver.learning_rate == 0.001
    assert algorithm.correction.alpha == 0.3
    assert algorithm.search.proposals == 2
    assert algorithm.search.form.rounding == "sample"
    updates = -(-400_000 // algorithm.update_steps)
    assert algorithm.solver.anneal_updates == updates * algorithm.solver_updates


@pytest.mark.parametrize("name", ["bisimulator-dqn-reward", "bisimulator-ppo-reward"])
def test_reward_only_searches_nothing(name):
    assert make_algorithm(name, (), 400_000).search == NoSearch()


@pytest.mark.long
def test_bisimulator_keeps_the_contract():
    check_algorithm(small(), world())


@pytest.mark.long
def test_reward_only_keeps_the_contract():
    check_algorithm(small("dqn", NoSearch()), Probe())
