import io
import json
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
import tyro
from rich.console import Console

from evenhand.commands.calibrate import Calibrate, run, show
from evenhand.core.errors import InputError
from evenhand.data.params_file import read_params_file


@pytest.fixture
def loans(tmp_path):
    generator = np.random.default_rng(0)
    risk = generator.normal(size=1500)
    path = tmp_path / "loans.parquet"
    pl.DataFrame(
        {
            "sex": generator.choice(["f", "m"], 1500),
            "income": np.round(1000 - 200 * risk + 100 * generator.normal(size=1500)),
            "defaulted": (generator.random(1500) < 1 / (1 + np.exp(1 - risk))).astype(int),
        }
    ).write_parquet(path)
    return path


def parsed(*words):
    return tyro.cli(Calibrate, args=[str(word) for word in words])


def test_the_command_writes_a_file_and_sums_it_up_in_json(loans, tmp_path):
    out = tmp_path / "params.toml"
    options = parsed(
        loans, "--outcome", "defaulted", "--group", "sex", "--levels", 5, "-o", out, "--monotone"
    )
    result = run(options)
    json.dumps(result, allow_nan=False)
    written = read_params_file(out)
    assert written.population.num_levels == 5
    assert written.population.name == "loans"
    assert written.provenance["rows_used"] == result["rows_used"] == 1500
    assert result["assumed"] == written.population.assumed
    assert (np.diff(written.population.repay_prob, axis=1) >= 0).all()


def test_the_summary_prints_every_group_and_every_assumption(loans, tmp_path):
    options = parsed(loans, "--outcome", "defaulted", "--group", "sex", "-o", tmp_path / "p.toml")
    console = Console(record=True, width=200, file=io.StringIO())
    result = run(options)
    show(result, console)
    text = console.export_text()
    for word in ("f", "m", "AUC", *result["assumed"], *result["assumed"].values()):
        assert word in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "--outcome"),
        (("--outcome", "defaulted"), "--group"),
        (("--outcome", "default", "--group", "sex"), "did you mean 'defaulted'"),
        (("--outcome", "defaulted", "--group", "sex", "--edges", "1,x"), "--edges takes numbers"),
        (("--outcome", "defaulted", "--group", "sex", "--levels", "1"), "--levels"),
        (("--outcome", "defaulted", "--group", "sex", "--out", "/no/where/p.toml"), "no folder"),
    ],
)
def test_input_that_cannot_be_used_writes_nothing(words, message, loans, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message):
        run(parsed(loans, *words))
    assert [path.name for path in tmp_path.iterdir()] == ["loans.parquet"]


def test_the_embedded_table_has_a_short_name(tmp_path):
    options = parsed("taiwan", "-o", tmp_path / "p.toml", "--features", "age", "--resamples", 20)
    result = run(options)
    assert result["rows"] == 30_000
    assert set(result["moves"]) == {"female", "male"}


def test_importing_the_command_stays_light():
    code = (
        "import sys, evenhand.commands.calibrate; "
        "sys.exit(any(m in sys.modules for m in ('jax', 'polars', 'scipy', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
