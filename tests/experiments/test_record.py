import json

import polars as pl
import pytest
from runs import MadeUp

from evenhand.core.errors import InputError
from evenhand.experiments.folder import read_part, write_part
from evenhand.experiments.record import SCHEMA, read_run, write_table


@pytest.fixture
def folder(tmp_path):
    return MadeUp().write(tmp_path / "made-up-0123")


def test_a_run_reads_back_what_was_written(folder):
    run = read_run(folder)
    assert run.methods == ("ppo", "max-util", "threshold:3")
    assert run.seeds == (0, 1, 2, 3)
    assert dict(run.final.schema) == SCHEMA["final"]
    assert run.final.height == len(MadeUp().final())
    assert run.frontier is not None


def test_a_part_of_an_earlier_version_is_whole_and_one_that_lacks_more_is_not(tmp_path):
    (tmp_path / "parts").mkdir()
    tables = {"final": [], "curves": [], "series": [], "distributions": []}
    for seed, rows in enumerate((tables, tables | {"levels": []}, {"final": [], "levels": []})):
        write_part(tmp_path, ("ppo", seed), rows)
    assert read_part(tmp_path, ("ppo", 0)) == tables
    assert read_part(tmp_path, ("ppo", 1)) == tables | {"levels": []}
    assert read_part(tmp_path, ("ppo", 2)) is None


def test_a_missing_optional_table_is_none(tmp_path):
    run = read_run(MadeUp(without=("curves", "frontier")).write(tmp_path))
    assert run.curves is None
    assert run.frontier is None


@pytest.mark.parametrize("name", ["nowhere", "."])
def test_what_is_not_a_run_folder_is_said(tmp_path, name):
    with pytest.raises(InputError, match=r"no folder|not the folder of a run"):
        read_run(tmp_path / name)


def test_an_unfinished_run_counts_its_parts_and_names_the_command(folder):
    frame = pl.read_parquet(folder / "final.parquet")
    rest = frame.filter((pl.col("algorithm") != "ppo") | (pl.col("seed") < 1))
    write_table(folder / "final.parquet", rest, SCHEMA["final"])
    with pytest.raises(InputError, match=r"9 of 12 parts .* continue it with: run_experiment"):
        read_run(folder)


def test_a_run_without_results_counts_the_parts_it_has(folder):
    (folder / "final.parquet").unlink()
    (folder / "parts").mkdir()
    (folder / "parts" / "ppo-seed-0000.json").touch()
    with pytest.raises(InputError, match="1 of 12 parts"):
        read_run(folder)


def test_the_experiments_own_command_is_the_one_that_is_named(folder):
    experiment = json.loads((folder / "experiment.json").read_text())
    experiment["command"] = "evenhand compare --preset fico"
    (folder / "experiment.json").write_text(json.dumps(experiment))
    assert read_run(folder).command == "evenhand compare --preset fico"


def test_damaged_files_are_named(folder):
    (folder / "manifest.json").write_text("{")
    with pytest.raises(InputError, match=r"manifest\.json"):
        read_run(folder)
    (folder / "final.parquet").write_text("not parquet")
    with pytest.raises(InputError, match=r"final\.parquet"):
        read_run(folder)


def test_a_table_with_other_columns_is_refused(tmp_path):
    rows = [{"name": "x", "criterion": "y", "profit": 1.0, "extra": 2}]
    with pytest.raises(InputError, match="missing: disparity, unknown: extra"):
        write_table(tmp_path / "reference.parquet", rows, SCHEMA["reference"])
    assert list(tmp_path.iterdir()) == []


def test_a_table_without_rows_keeps_its_columns(tmp_path):
    write_table(tmp_path / "curves.parquet", [], SCHEMA["curves"])
    assert dict(pl.read_parquet_schema(tmp_path / "curves.parquet")) == SCHEMA["curves"]


def test_a_failed_write_leaves_the_old_table_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "curves.parquet"
    write_table(path, MadeUp().curves(), SCHEMA["curves"])
    before = path.read_bytes()

    def fails(self, target):
        target.write_text("half a file")
        raise OSError("disk full")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", fails)
    with pytest.raises(InputError, match="disk full"):
        write_table(path, [], SCHEMA["curves"])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
