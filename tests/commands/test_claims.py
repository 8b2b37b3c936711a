"""Verdicts come from records that belong to the experiment, or not at all."""

import json

import pytest

from evenhand import cli
from evenhand.core.errors import InputError
from evenhand.experiments.paper_records import experiment_digest, read_verdicts

CLAIMS = """
[[claims]]
id = "gap"
statement = "The gap shrinks."

[[claims]]
id = "profit"
statement = "Profit stays."
"""
ROWS = [
    {"id": "profit", "statistic": None, "interval": None, "verdict": "undecided"},
    {"id": "gap", "statistic": 0.1, "interval": [0.0, 0.2], "verdict": "holds"},
]


@pytest.fixture
def folder(tmp_path):
    paper = tmp_path / "papers" / "fake2024"
    (paper / "results").mkdir(parents=True)
    (paper / "claims.toml").write_text(CLAIMS)
    (paper / "experiment.toml").write_text('environment = "Lending-v0"\nseeds = 5\n')
    digest = experiment_digest(paper / "experiment.toml")
    write(paper, "manifest.json", {"experiment_digest": digest})
    write(paper, "verdicts.json", {"verdicts": ROWS})
    return paper


def write(paper, name, value):
    (paper / "results" / name).write_text(json.dumps(value))


def test_rows_come_in_the_order_of_the_claims_with_five_keys(folder, capsys):
    assert cli.main(["claims", str(folder), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["claims"]
    assert [row["id"] for row in rows] == ["gap", "profit"]
    assert rows[0] == ROWS[1] | {"statement": "The gap shrinks."}
    assert rows[1]["statistic"] is None


def test_the_table_shows_every_verdict(folder, capsys):
    assert cli.main(["claims", str(folder)]) == 0
    shown = capsys.readouterr().out
    assert "[0, 0.2]" in shown
    assert "undecided" in shown


def test_comments_and_order_keep_the_digest_and_a_value_changes_it(folder):
    file = folder / "experiment.toml"
    before = experiment_digest(file)
    file.write_text('# why\nseeds = 5\n\nenvironment = "Lending-v0"\n')
    assert experiment_digest(file) == before
    file.write_text('environment = "Lending-v0"\nseeds = 6\n')
    assert experiment_digest(file) != before


def test_records_of_another_experiment_are_refused_with_the_command_to_remake_them(folder, capsys):
    (folder / "experiment.toml").write_text("seeds = 6\n")
    assert cli.main(["claims", str(folder), "--json"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "has changed since" in err
    assert f"evenhand run {folder}" in err


@pytest.mark.parametrize("name", ["manifest.json", "verdicts.json"])
def test_absent_or_broken_records_name_the_command_to_make_them(folder, name):
    (folder / "results" / name).write_text("{")
    with pytest.raises(InputError, match=f"cannot be read .* evenhand run {folder}"):
        read_verdicts(folder)
    (folder / "results" / name).unlink()
    with pytest.raises(InputError, match=f"has no results/{name}; .* evenhand run {folder}"):
        read_verdicts(folder)


def test_a_claim_without_a_known_verdict_is_refused(folder):
    write(folder, "verdicts.json", {"verdicts": [ROWS[1] | {"verdict": "fair"}]})
    with pytest.raises(InputError, match="'gap' is 'fair', not one of holds"):
        read_verdicts(folder)
    write(folder, "verdicts.json", {"verdicts": ROWS[:1]})
    with pytest.raises(InputError, match="no verdict on claim 'gap'"):
        read_verdicts(folder)


def test_a_folder_that_is_no_paper_is_refused(folder, tmp_path):
    with pytest.raises(InputError, match="there is no folder"):
        read_verdicts(tmp_path / "papers" / "nobody")
    (folder / "claims.toml").write_text("[[claims]]\nid = 'x'\n")
    with pytest.raises(InputError, match="needs an id and a statement"):
        read_verdicts(folder)
    (folder / "claims.toml").write_text("not toml")
    with pytest.raises(InputError, match="not valid TOML"):
        read_verdicts(folder)
