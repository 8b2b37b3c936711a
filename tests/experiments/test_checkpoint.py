import equinox as eqx
import jax
import jax.random as jr
import numpy as np
import pytest

from evenhand.algorithms.dqn import DQN
from evenhand.algorithms.ppo import PPO
from evenhand.core.errors import InputError
from evenhand.core.training import train
from evenhand.data.presets import gym
from evenhand.envs.lending import Lending
from evenhand.experiments.checkpoint import load_state, read_header, save_state

ENV = Lending(gym(population_per_group=30))
PARAMS = ENV.default_params()
ALGORITHMS = {
    "ppo": PPO(num_envs=2, num_steps=8, width=8),
    "dqn": DQN(num_envs=2, capacity=100, batch_size=16, width=8, learning_starts=20),
}


def run(algorithm, num_updates, state=None):
    return train(
        jr.key(0), algorithm, ENV, PARAMS, num_updates=num_updates, evaluate_every=3,
        train_episode_steps=80, state=state,
    )[0]  # fmt: skip


def fresh(algorithm):
    return algorithm.init(jr.key(9), ENV, PARAMS)


@pytest.mark.parametrize("name", list(ALGORITHMS))
def test_a_run_saved_loaded_and_continued_is_the_uninterrupted_run_bit_for_bit(name, tmp_path):
    algorithm, file = ALGORITHMS[name], tmp_path / "run" / "state"
    whole = run(algorithm, 6)
    save_state(file, run(algorithm, 3), digest="abc")
    assert read_header(file)["update"] == 3
    shapes = eqx.filter_eval_shape(fresh, algorithm)
    resumed = run(algorithm, 6, load_state(file, shapes, digest="abc"))
    assert jax.tree.structure(resumed) == jax.tree.structure(whole)
    for a, b in zip(jax.tree.leaves(resumed), jax.tree.leaves(whole), strict=True):
        np.testing.assert_array_equal(a, b)
    assert [path.name for path in file.parent.iterdir()] == ["state"]


def test_files_that_do_not_fit_are_refused_in_one_sentence(tmp_path):
    algorithm, file = ALGORITHMS["ppo"], tmp_path / "state"
    state = fresh(algorithm)
    save_state(file, state, digest="abc")
    with pytest.raises(InputError, match="belongs to experiment abc, not to xyz"):
        load_state(file, state, digest="xyz")
    with pytest.raises(InputError, match="does not fit this run"):
        load_state(file, fresh(PPO(num_envs=2, num_steps=8, width=16)))
    with pytest.raises(InputError, match="does not fit this run"):
        load_state(file, fresh(ALGORITHMS["dqn"]))
    with pytest.raises(InputError, match="cannot be read"):
        load_state(tmp_path / "nothing", state)
    content = file.read_bytes()
    for cut in (len(content) - 5, len(content) // 2):
        file.write_bytes(content[:cut])
        with pytest.raises(InputError, match=r"damaged|not a checkpoint"):
            load_state(file, state)
    for junk in (b"", b"junk", content[:40]):
        file.write_bytes(junk)
        with pytest.raises(InputError, match="not a checkpoint"):
            load_state(file, state)


def test_a_failed_write_leaves_the_old_checkpoint_and_no_litter(tmp_path, monkeypatch):
    file = tmp_path / "state"
    state = fresh(ALGORITHMS["ppo"])
    save_state(file, state)
    before = file.read_bytes()

    def fail(descriptor):
        raise OSError("disk full")

    monkeypatch.setattr("evenhand.experiments.checkpoint.os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        save_state(file, state)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]
