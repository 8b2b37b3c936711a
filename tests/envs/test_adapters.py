import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest

gymnasium = pytest.importorskip("gymnasium", reason="needs gymnasium (evenhand[gym])")

from gymnasium.utils.env_checker import check_env  # noqa: E402

from evenhand.core.errors import InputError  # noqa: E402
from evenhand.envs.adapters import (  # noqa: E402
    register,
    to_gymnasium,
    to_gymnasium_vector,
)
from evenhand.envs.from_gymnasium import from_gymnasium  # noqa: E402
from evenhand.envs.lending import Lending  # noqa: E402

SIZES = {"episode_steps": 30, "population_per_group": 20}


def make(**options):
    return gymnasium.make("evenhand/Lending-v0", **(SIZES | options))


def make_vec(num_envs, **options):
    return gymnasium.make_vec(
        "evenhand/Lending-v0",
        num_envs=num_envs,
        vectorization_mode="vector_entry_point",
        **(SIZES | options),
    )


def test_gymnasium_s_own_checker_finds_nothing_to_say():
    check_env(make(preset="fico").unwrapped)


def test_the_step_reports_the_decision_as_plain_numbers():
    env = make()
    env.reset(seed=0)
    obs, reward, terminated, truncated, info = env.step(np.int64(1))
    assert obs.dtype == np.float32
    assert obs.flags.writeable
    assert (type(reward), type(terminated), type(truncated)) == (float, bool, bool)
    assert {name: type(value) for name, value in info.items()} == {
        "profit": float,
        "qualification_gain": float,
        "qualification": float,
        "baseline_gain": float,
        "benefit": float,
        "weight": float,
        "group": int,
        "person": int,
        "decision": int,
        "label": int,
    }
    assert info["decision"] == 1
    assert info["group"] == info["person"] // 20
    assert reward == info["profit"] == (1.0 if info["label"] else -1.0)


def test_an_episode_is_truncated_at_episode_steps_and_not_terminated():
    env = make()
    env.reset(seed=0)
    ends = [env.step(0)[2:4] for _ in range(30)]
    assert ends == [(False, False)] * 29 + [(False, True)]


def test_an_episode_terminates_when_the_cash_is_below_a_loan():
    env = make(cash=3.0)
    env.reset(seed=0)
    cash, terminated = 3.0, False
    while not terminated:
        _, reward, terminated, truncated, _ = env.step(1)
        cash += reward
        assert terminated == (cash < 1)
        if truncated:
            cash = 3.0
            env.reset()


def test_options_read_as_on_the_command_line():
    env = make(preset="fico", groups="white,black", features=("score-scaled", "group"))
    assert env.observation_space.shape == (3,)
    with pytest.raises(InputError, match="fico"):
        make(preset="fyco")
    with pytest.raises(InputError, match="episode_steps"):
        make(episode_step=3)


def test_one_world_and_many_worlds_with_the_same_seeds_are_the_same():
    envs, actions = make_vec(3), np.random.default_rng(0).integers(2, size=(70, 3))
    singles = [make().unwrapped for _ in range(3)]
    many = [envs.reset(seed=5)[0]]
    for row in actions:
        many.append(envs.step(row)[0])
    for i, env in enumerate(singles):
        alone, over = [env.reset(seed=5 + i)[0]], False
        for action in actions[:, i]:
            obs, over = (env.reset()[0], False) if over else env.step(action)[:4:3]
            alone.append(obs)
        np.testing.assert_array_equal(np.stack(many)[:, i], np.stack(alone))


def test_worlds_that_end_alone_are_reset_alone_on_the_next_step():
    envs = make_vec(4, cash=3.0)
    envs.reset(seed=0)
    over, seen = np.zeros(4, bool), 0
    for _ in range(29):
        obs, rewards, terminated, truncated, info = envs.step(np.ones(4, int))
        assert not np.any([rewards[over], terminated[over], truncated[over]])
        np.testing.assert_array_equal(info["_group"], ~over)
        assert (np.abs(rewards[~over]) == 1).all()
        assert obs in envs.observation_space
        seen += (terminated & ~terminated.all()).sum()
        over = terminated | truncated
    assert seen


def test_equal_worlds_share_compiled_code():
    one, other = to_gymnasium(Lending()), to_gymnasium(Lending())
    assert one._programs is other._programs
    assert (
        to_gymnasium_vector(Lending(), 2)._programs is to_gymnasium_vector(Lending(), 3)._programs
    )


def test_registering_twice_is_quiet():
    register()
    register()


def test_the_module_prefix_of_gymnasium_registers_the_worlds():
    code = (
        "import gymnasium; e = gymnasium.make('evenhand.envs.adapters:evenhand/Lending-v0');"
        "print(e.spec.id)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "evenhand/Lending-v0"


def test_a_gymnasium_environment_fills_the_same_records():
    host = from_gymnasium(
        make, 3, signals=("profit", "qualification_gain"), num_groups=2, episode_steps=30
    )
    first = host.reset(4)
    env = make()
    np.testing.assert_array_equal(first[1], env.reset(seed=5)[0])
    obs, step = host.step(np.array([1, 1, 0]))
    single, reward, _, _, info = env.step(1)
    np.testing.assert_array_equal(obs[1], single)
    np.testing.assert_allclose(step.rewards[1], [reward, info["qualification_gain"]], rtol=1e-6)
    assert int(step.outcome.group[1]) == info["group"]
    assert int(step.outcome.person[1]) == info["person"]
    np.testing.assert_array_equal(step.outcome.decision, [1, 1, 0])
    for _ in range(29):
        _, step = host.step(np.zeros(3, np.int32))
    assert (step.outcome.weight == 1).all()
    again, step = host.step(np.zeros(3, np.int32))
    assert (step.outcome.weight == 0).all()
    np.testing.assert_array_equal(again, step.successor)


def test_a_foreign_environment_has_one_group_and_one_person_a_world():
    host = from_gymnasium(lambda: gymnasium.make("CartPole-v1"), 2)
    assert (host.obs_size, host.episode_steps, host.signals) == (4, 500, ("reward",))
    host.reset(0)
    _, step = host.step(np.array([0, 1]))
    np.testing.assert_array_equal(step.outcome.person, [0, 1])
    np.testing.assert_array_equal(step.rewards, jnp.ones((2, 1)))
    with pytest.raises(InputError, match="Box observations"):
        from_gymnasium(lambda: gymnasium.make("Pendulum-v1"))


def test_the_stream_of_people_is_uniform_and_differs_between_seeds():
    envs = make_vec(64)
    envs.reset(seed=0)
    people = np.stack([envs.step(np.zeros(64, int))[4]["person"] for _ in range(30)])
    counts = np.bincount(people.ravel(), minlength=40)
    assert len(counts) == 40
    # Chi-square with 39 degrees of freedom: 72 is exceeded once in a thousand.
    assert ((counts - 48) ** 2 / 48).sum() < 72
    assert len(np.unique(people[0])) > 20
