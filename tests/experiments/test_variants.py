"""Variants of a method: their names, their errors, and the one program that they share."""

import json
from dataclasses import replace

import equinox as eqx
import jax
import polars as pl
import pytest

from evenhand.commands.compare import Compare, names
from evenhand.commands.flags import command_line
from evenhand.core.errors import InputError
from evenhand.core.registry import ALGORITHMS, TRADE_OFFS
from evenhand.core.training import run_updates
from evenhand.experiments import training
from evenhand.experiments.config import Experiment
from evenhand.experiments.folder import part_file, state_file
from evenhand.experiments.methods import check_options, known_options, make_algorithm
from evenhand.experiments.paper.claims import read_claims
from evenhand.experiments.paper.study import read_study
from evenhand.experiments.preparation import world_of
from evenhand.experiments.progress import Gate
from evenhand.experiments.runner import run_experiment
from evenhand.experiments.variants import Curve, curves, sweep, with_sweeps
from evenhand.experiments.wording import method_meaning, method_title
from evenhand.experiments.workers import Stopped

SIZES = ("num_envs=2", "num_steps=16", "num_minibatches=1", "width=8")
TINY = Experiment(
    settings=("population_per_group=20", "episode_steps=64"),
    methods=("a-ppo:decrease_weight=0", "a-ppo:decrease_weight=16;slack=0.1", "approve-all"),
    seeds=1,
    steps=320,
    episodes=2,
    criteria=("gain-disparity",),
    frontier_points=2,
    policy_class="visit",
    options=tuple(f"a-ppo.{size}" for size in SIZES),
)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("a-ppo:decrease_weight=0.5", "A-PPO (decrease weight 0.5)"),
        ("a-ppo:decrease_weight=0.5;slack=0", "A-PPO (decrease weight 0.5, slack 0)"),
        ("bisimulator-ppo-reward:alpha=1", "Bisimulator (PPO, reward only, alpha 1)"),
        ("threshold:3", "Threshold 3"),
        ("nobody:knows=1", "nobody:knows=1"),
    ],
)
def test_a_variant_is_called_by_its_method_and_its_values(name, title):
    assert method_title(name) == title


def test_a_variant_means_what_its_method_means():
    assert method_meaning("r-ppo:gap_weight=8") == method_meaning("r-ppo")


def test_a_variants_own_value_comes_before_its_methods_option():
    options = ("r-ppo.gap_weight=1", "r-ppo.slack=0.5", "ppo.discount=0.5")
    made = make_algorithm("r-ppo:gap_weight=8;discount=0.9", options, 1024)
    found = known_options(made)
    assert (found["gap_weight"], found["slack"], found["discount"]) == (8.0, 0.5, 0.9)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("r-ppo:", "r-ppo:field=value"),
        ("r-ppo:gap_weight", "r-ppo:field=value"),
        ("r-ppo:gap_weight=1;gap_weight=2", "twice"),
        ("r-ppo:gap_wight=1", "r-ppo:gap_wight=1: .*option of r-ppo 'gap_wight'.*gap_weight"),
        ("r-ppo:gap_weight=much", "r-ppo:gap_weight=much: gap_weight takes a number.*'much'"),
        ("r-ppo:discount=2", "discount takes a number of at least 0 and at most 1, got 2"),
        ("r-ppo:width=0.5", "width takes a whole number from 1, got 0.5"),
    ],
)
def test_a_variant_that_cannot_be_is_refused_by_its_name(name, words):
    with pytest.raises(InputError, match=words):
        make_algorithm(name, (), 1024)


@pytest.mark.parametrize("other", ["ppo:clip=0.10", "ppo:clip=.1", "ppo:clip=0.1"])
def test_two_spellings_of_one_variant_are_refused(other):
    with pytest.raises(InputError, match=r"same|twice"):
        Experiment(methods=("ppo:clip=0.1", other))


def test_an_option_of_the_method_is_one_for_its_variants():
    check_options(("r-ppo.slack=0.5",), ("r-ppo:gap_weight=8",))
    with pytest.raises(InputError, match="which is not run"):
        check_options(("r-ppo.slack=0.5",), ("a-ppo:slack=0.1",))


def test_a_sweep_stands_beside_its_method_and_before_the_rules():
    found = with_sweeps(("r-ppo", "ppo", "approve-all"), ["r-ppo.gap_weight=1, 8", "a-ppo"])
    assert found[:4] == ("r-ppo", "r-ppo:gap_weight=1", "r-ppo:gap_weight=8", "ppo")
    assert found[4:-1] == sweep("a-ppo")
    assert found[-1] == "approve-all"


@pytest.mark.parametrize(
    "text", ["r-ppo.", "r-ppo.slack", "r-ppo.slack=", "r-ppo=1", "rppo", "ppo"]
)
def test_a_sweep_without_field_or_values_is_refused(text):
    with pytest.raises(InputError):
        sweep(text)


def test_variants_of_one_field_make_a_line_by_rising_value():
    names = ("r-ppo:gap_weight=8", "ppo", "r-ppo:gap_weight=.5", "r-ppo:slack=0.1", "constant:0.5")
    (line,) = curves(names)
    assert line == Curve("r-ppo", "gap_weight", (names[2], names[0]), (0.5, 8))


@pytest.mark.parametrize("method", sorted(TRADE_OFFS))
def test_every_declared_trade_off_is_a_number_that_the_method_takes(method):
    field, values = TRADE_OFFS[method]
    assert method in ALGORITHMS
    found = [known_options(make_algorithm(name, (), 100_000))[field] for name in sweep(method)]
    assert found == [float(value) for value in values]
    assert found == sorted(set(found))
    assert len(found) == 5
    assert found[0] == 0 <= known_options(make_algorithm(method, (), 100_000))[field] <= found[-1]


def test_every_method_that_mitigates_a_gap_declares_its_trade_off():
    without = {"ppo", "dqn", "f-ppo-s", "group-ppo"}
    assert TRADE_OFFS.keys() >= ALGORITHMS.keys() - without


def test_variants_have_files_of_their_own(tmp_path):
    names = [*sweep("elbert-po"), *sweep("r-ppo"), "r-ppo:gap_weight=.5", "r-ppo:gap_weight=5"]
    files = {part_file(tmp_path, name, seed) for name in names for seed in (0, 1)}
    assert len(files) == 2 * len(names)


@pytest.mark.slow
def test_a_run_of_variants_keeps_each_under_its_name(tmp_path):
    folder = run_experiment(TINY, tmp_path)
    final = pl.read_parquet(folder / "final.parquet")
    assert list(final["algorithm"].unique(maintain_order=True)) == list(TINY.methods)
    curve = pl.read_parquet(folder / "curves.parquet")
    assert set(curve["algorithm"].unique()) == set(TINY.methods[:2])
    written = json.loads((folder / "experiment.json").read_text())
    assert tuple(written["methods"]) == TINY.methods
    stamp = (folder / "manifest.json").stat().st_mtime_ns
    assert run_experiment(TINY, tmp_path) == folder
    assert (folder / "manifest.json").stat().st_mtime_ns == stamp
    assert replace(TINY, methods=TINY.methods[:1]).digest() != TINY.digest()


def _train(method, folder, advance=lambda amount: None):
    world = world_of(TINY)[:2]
    [(_, trained)] = training.trainer(TINY, method, world, folder, Gate(), advance).train([0])
    return trained


def test_variants_by_numbers_share_one_program_and_learn_differently(tmp_path):
    first, second = TINY.methods[:2]
    one = _train(first, tmp_path)
    before = run_updates._cached._cache_size()
    other = _train(second, tmp_path)
    assert run_updates._cached._cache_size() == before
    assert not eqx.tree_equal(one.policy, other.policy)
    assert before > 0


def test_variants_by_numbers_wait_for_one_compilation_only(tmp_path):
    world = world_of(TINY)[:2]

    def key(method):
        made = training.trainer(TINY, method, world, tmp_path, Gate(), print)
        return made._program(1)

    first, second = TINY.methods[:2]
    assert key(first) == key(second) != key("a-ppo:width=4")


def test_an_interrupted_variant_goes_on_from_its_own_state(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    first, second = TINY.methods[:2]
    calls = []

    def interrupt(amount):
        calls.append(amount)
        if len(calls) == 5:
            raise Stopped

    with pytest.raises(Stopped):
        _train(second, tmp_path, interrupt)
    assert state_file(tmp_path, second, 0).is_file()
    assert not state_file(tmp_path, first, 0).is_file()
    resumed, through = _train(second, tmp_path), _train(second, tmp_path / "other")
    assert eqx.tree_equal(resumed.policy, through.policy)
    assert resumed.curves == through.curves
    jax.clear_caches()


EXPERIMENT = """
[defaults]
methods = ["r-ppo", "approve-all"]
settings = { population_per_group = 5, episode_steps = 16 }
seeds = 1
steps = 32
sweep = ["r-ppo.gap_weight=1,8"]
[defaults.options."*"]
width = 8
[scenarios.one]
[scenarios.two]
methods = ["approve-all"]
sweep = ["a-ppo"]
"""


def test_an_experiment_file_sweeps_as_the_command_line_does(tmp_path):
    (tmp_path / "experiment.toml").write_text(EXPERIMENT)
    study = read_study(tmp_path)
    one, two = (study.scenario(name).experiment for name in ("one", "two"))
    swept = ("r-ppo", "r-ppo:gap_weight=1", "r-ppo:gap_weight=8")
    assert one.methods == (*swept, "approve-all")
    assert one.options == ("r-ppo.width=8",)
    assert two.methods == (*sweep("a-ppo"), "approve-all")
    assert known_options(make_algorithm(swept[2], one.options, 32))["width"] == 8


def test_a_claim_and_a_table_name_a_variant(tmp_path):
    (tmp_path / "experiment.toml").write_text(EXPERIMENT)
    claim = '[[claims]]\nid = "c"\nstatement = "s"\n[[claims.tests]]\nscenario = "one"\n'
    test = 'metric = "return"\na = "r-ppo:gap_weight={}"\nrelation = "less"\nb = "r-ppo"\n'
    (tmp_path / "claims.toml").write_text(claim + test.format(8))
    [found] = read_claims(read_study(tmp_path))
    assert found.tests[0].a.method == "r-ppo:gap_weight=8"
    (tmp_path / "claims.toml").write_text(claim + test.format(9))
    with pytest.raises(InputError, match="r-ppo:gap_weight=9"):
        read_claims(read_study(tmp_path))


def test_compare_expands_a_sweep_and_repeats_it_in_its_command():
    options = Compare(algorithms="ppo", sweep=("r-ppo.gap_weight=1,8",))
    assert "--sweep r-ppo.gap_weight=1,8" in command_line("compare", options)
    assert names("ppo,r-ppo:gap_weight=1;slack=0.5,threshold:3,2") == (
        "ppo",
        "r-ppo:gap_weight=1;slack=0.5",
        "threshold:3,2",
    )
