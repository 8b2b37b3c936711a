"""What a run promises: the same numbers however it is cut, and nothing lost or half done."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from evenhand.core.errors import InputError
from evenhand.core.rollout import evaluate
from evenhand.core.training import train
from evenhand.experiments import training
from evenhand.experiments.choose_policy import parse_policy
from evenhand.experiments.config import Experiment
from evenhand.experiments.folder import locked, part_file, parts, read_part, run_folder, state_file
from evenhand.experiments.methods import evaluation_key, make_algorithm, train_key, training_episode
from evenhand.experiments.preparation import world_of
from evenhand.experiments.progress import Gate, Progress, program_key
from evenhand.experiments.runner import run_experiment
from evenhand.experiments.workers import Stopped, run_jobs

TINY = Experiment(
    settings=("population_per_group=20", "episode_steps=64"),
    methods=("ppo", "approve-all", "constant:0.5"),
    seeds=2,
    steps=640,
    episodes=2,
    criteria=("gain-disparity",),
    frontier_points=2,
    policy_class="visit",
    options=("ppo.num_envs=2", "ppo.num_steps=16", "ppo.num_minibatches=1", "ppo.width=8"),
)
# The same through a process of its own; checkpoints as often as possible.
PROGRAM = """
import sys
from evenhand.experiments.compilation import configure_compilation
configure_compilation()
from pathlib import Path
from evenhand.experiments import training
from evenhand.experiments.config import Experiment
from evenhand.experiments.runner import run_experiment
training.CHECKPOINT_SECONDS = 0
run_experiment({experiment!r}, Path(sys.argv[1]))
"""
TINY_WORDS = (
    *("--set", "population_per_group=20", "--episodes", "2"),
    *("--seeds", "1", "--frontier-points", "2", "--policies", "approve-all"),
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """The folder of a run that went through undisturbed."""
    return run_experiment(TINY, tmp_path_factory.mktemp("whole"))


def final(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "final.parquet")


@contextmanager
def program(*words: str, code: str | None = None, **options):
    start = ("-m", "evenhand") if code is None else ("-c", code)
    command = [sys.executable, *start, *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(condition, seconds: float = 90.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def test_a_killed_run_is_continued_to_the_same_table(whole, tmp_path):
    code = PROGRAM.format(experiment=TINY)
    with program(str(tmp_path), code=code) as first:
        wait_for(lambda: list(tmp_path.glob("*/parts/*-seed-*.json")) or first.poll() is not None)
        first.kill()
        assert first.wait() == -signal.SIGKILL, first.stderr.read().decode()
    folder = run_folder(TINY, tmp_path)
    assert not (folder / "manifest.json").exists()
    (folder / "parts" / ".left.json.1.part").write_text("{")
    assert run_experiment(TINY, tmp_path) == folder
    assert final(folder).equals(final(whole), null_equal=True)
    left = {p.name for p in (folder / "parts").iterdir()}
    assert left == {part_file(folder, *part).name for part in parts(TINY)}


@pytest.mark.parametrize("mode", ["map", "vmap"])
def test_how_seeds_share_the_machine_does_not_enter_the_result(mode, whole, tmp_path):
    folder = run_experiment(TINY, tmp_path, seed_mode=mode)
    assert folder.name == whole.name
    assert json.loads((folder / "manifest.json").read_text())["seed_mode"] == mode
    mine, theirs = final(folder), final(whole)
    if mode == "map":
        assert mine.equals(theirs, null_equal=True)
    else:
        keys = ["algorithm", "seed", "metric", "group"]
        assert mine.select(keys).equals(theirs.select(keys))


@pytest.mark.slow
def test_seeds_under_vmap_learn_what_they_learn_alone():
    env, params, _ = world_of(TINY)
    algorithm = make_algorithm("ppo", TINY.options, TINY.steps)
    options = {"num_updates": 2, "train_episode_steps": training_episode(env, algorithm)}
    together, logs = train(
        jnp.stack([train_key(0), train_key(1)]), algorithm, env, params, **options
    )
    for seed in (0, 1):
        alone, log = train(train_key(seed), algorithm, env, params, **options)
        learned = training.pick(together, seed, True)
        for a, b in zip(jax.tree.leaves(alone.learner), jax.tree.leaves(learned.learner)):  # noqa: B905
            np.testing.assert_allclose(a, b, atol=1e-4)
        assert logs["reward"].shape == (2, 2)
        np.testing.assert_allclose(logs["reward"][seed], log["reward"], atol=1e-4)


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_training_goes_on_from_its_checkpoint_to_the_same_end(seeds, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    world, calls = world_of(TINY)[:2], []

    def interrupt(amount):
        calls.append(amount)
        if len(calls) == 6:
            raise Stopped

    def learner(folder, advance=lambda amount: None):
        return training.trainer(TINY, "ppo", world, folder, Gate(), advance)

    with pytest.raises(Stopped):
        list(learner(tmp_path, interrupt).train(seeds))
    assert all(state_file(tmp_path, "ppo", seed).is_file() for seed in seeds)
    resumed = dict(learner(tmp_path, calls.append).train(seeds))
    through = dict(learner(tmp_path / "other").train(seeds))
    assert sum(calls[6:]) == 640 * len(seeds)
    for seed in seeds:
        assert resumed[seed].curves == through[seed].curves
        assert len({row["update"] for row in resumed[seed].curves}) == 20
        assert eqx.tree_equal(resumed[seed].policy, through[seed].policy)


def test_a_damaged_checkpoint_only_costs_time(tmp_path):
    file = state_file(tmp_path, "ppo", 0)
    file.parent.mkdir()
    file.write_bytes(b"evenhand checkpoint 1\n{")
    learner = training.trainer(TINY, "ppo", world_of(TINY)[:2], tmp_path, Gate(), lambda n: None)
    [(_, trained)] = learner.train([0])
    assert trained.env_steps == 640
    assert not file.exists()


@pytest.mark.parametrize("when", ["compiling", "exact"])
@pytest.mark.slow
def test_ctrl_c_ends_at_once_with_130_and_keeps_what_is_done(when, tmp_path):
    algorithms = ("--algorithms", "ppo", "--steps", "100000000")
    exact = ("--algorithms", "", "--policy-class", "time")
    words = (*TINY_WORDS, *(algorithms if when == "compiling" else exact))
    own = os.environ | {"EVENHAND_CACHE_DIR": str(tmp_path / "cache")}
    with program("compare", *words, "--out", str(tmp_path / "runs"), env=own) as run:
        wait_for(lambda: list(tmp_path.glob("runs/*/world.json")) or run.poll() is not None)
        time.sleep(1.0)
        run.send_signal(signal.SIGINT)
        began = time.monotonic()
        assert run.wait(30) == 130
        assert time.monotonic() - began < 6.0
        assert b"the same command continues" in run.stderr.read()
    assert not list(tmp_path.glob("runs/*/manifest.json"))
    for file in tmp_path.glob("runs/*/parts/*.json"):
        assert isinstance(json.loads(file.read_text()), dict)


@pytest.mark.parametrize("content", ["", '{"final": [', "[]", "{}", '{"final": 3}', "\0" * 40])
def test_a_part_that_is_not_whole_is_not_done(content, tmp_path):
    file = part_file(tmp_path, "ppo", 0)
    file.parent.mkdir()
    file.write_text(content)
    assert read_part(tmp_path, ("ppo", 0)) is None


def test_a_truncated_part_is_done_again(whole):
    file = part_file(whole, "approve-all", 1)
    text, before = file.read_text(), final(whole)
    file.write_text(text[: len(text) // 2])
    run_experiment(TINY, whole.parent)
    assert file.read_text() == text
    assert final(whole).equals(before, null_equal=True)


def test_a_second_process_is_told_to_wait(whole, tmp_path):
    with (
        locked(run_folder(TINY, tmp_path)),
        pytest.raises(InputError, match=f"is being made by process {os.getpid()}; wait"),
    ):
        run_experiment(TINY, tmp_path)
    with locked(run_folder(TINY, tmp_path)):
        pass


def test_a_finished_run_is_not_run_again(whole):
    before = {p: p.stat().st_mtime_ns for p in whole.rglob("*") if p.is_file()}
    began = time.monotonic()
    assert run_experiment(TINY, whole.parent) == whole
    assert time.monotonic() - began < 1.0
    assert {p: p.stat().st_mtime_ns for p in whole.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize(
    "change", [{"seeds": 3}, {"steps": 641}, {"options": ()}, {"name": "b"}, {"first_seed": 1}]
)
def test_another_option_is_another_folder(change):
    assert run_folder(TINY, Path()) != run_folder(replace(TINY, **change), Path())


@pytest.mark.parametrize("field", ["params", "methods"])
def test_files_count_by_their_content_and_not_by_their_path(field, tmp_path):
    def digest(name, content):
        (tmp_path / name).write_text(content)
        path = str(tmp_path / name)
        return replace(TINY, **{field: path if field == "params" else (path,)}).digest()

    assert digest("a.csv", "1") == digest("b.csv", "1") != digest("b.csv", "2")


def test_a_digest_is_the_same_in_every_process():
    code = f"from evenhand.experiments.config import Experiment; print({TINY!r}.digest())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONHASHSEED": "7"},
    )
    assert done.stdout.strip() == TINY.digest()
    backwards = Experiment(**dict(reversed(vars(TINY).items())))
    assert backwards.digest() == TINY.digest()


def test_policies_of_a_seed_meet_the_same_arrivals():
    env, params, _ = world_of(TINY)
    people = []
    for name in ("approve-all", "constant:0.5"):
        policy, shown = parse_policy(name, env, params, train_key(0))
        found = evaluate(evaluation_key(0), shown, params, policy, num_episodes=2, steps=64)
        people.append(found.outcomes.person)
    assert (people[0] == people[1]).all()


def test_rules_of_one_kind_share_a_program_and_others_do_not():
    env, params, _ = world_of(TINY)
    key = {
        name: program_key("evaluate", parse_policy(name, env, params, train_key(0)))
        for name in ("approve-all", "threshold:3", "max-util")
    }
    assert key["approve-all"] == key["threshold:3"] != key["max-util"]
    assert len(set(key.values())) == 2


def test_an_error_in_a_part_ends_the_run_with_that_error():
    def work(job):
        if job == 1:
            raise InputError("one")
        time.sleep(0.1)

    with pytest.raises(InputError, match="one"):
        run_jobs(range(50), work, 2, threading.Event())


def test_without_a_terminal_progress_is_lines_on_standard_error(capsys):
    with Progress(100, 2) as progress:
        progress.advance(50)
        progress.part_done()
        progress.tick(0.0)
        progress.part_done()
    out, err = capsys.readouterr()
    assert out == ""
    assert "evenhand: 1/2 parts, 50% of the work, about 0:00 left\n" in err
    assert err.endswith("evenhand: 2/2 parts, done in 0:00\n")
