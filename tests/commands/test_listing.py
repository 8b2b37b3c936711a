"""`evenhand list` answers with every name, and a line about each preset."""

import json

from evenhand import cli
from evenhand.core import registry


def test_list_holds_the_five_kinds_of_names(capsys):
    assert cli.main(["list", "--json"]) == 0
    names = json.loads(capsys.readouterr().out)
    kinds = ["environments", "presets", "algorithms", "policies", "metrics"]
    assert list(names) == [*kinds, "trade_offs", "matrix"]
    assert {"Lending-v0", "Admissions-v0"} <= set(names["environments"])
    assert {"ppo", "dqn"} <= set(names["algorithms"])
    assert {"return", "recall", "social_burden"} <= set(names["metrics"])
    assert names["presets"]["fico"]["environment"] == "Lending-v0"
    assert all(preset["summary"] for preset in names["presets"].values())


def test_list_is_readable_too(capsys):
    assert cli.main(["list"]) == 0
    shown = capsys.readouterr().out
    assert "Lending-v0" in shown
    assert "TransRisk" in shown


def test_every_algorithm_has_a_title_and_a_line_and_lists_what_it_reads(capsys):
    assert cli.main(["list", "--details", "--json"]) == 0
    names = json.loads(capsys.readouterr().out)
    assert list(names["details"]) == names["algorithms"]
    assert names["details"]["a-ppo"]["reads"] == ["running-rates"]
    assert names["details"]["ppo"]["reads"] == []
    titles = [row["title"] for row in names["details"].values()]
    assert len(set(titles)) == len(titles)
    assert not set(titles) & set(names["algorithms"])
    assert all(row["summary"] for row in names["details"].values())


def test_list_says_what_runs_where(capsys):
    assert cli.main(["list", "--json"]) == 0
    names = json.loads(capsys.readouterr().out)
    found = names["matrix"]
    assert list(found["worlds"]) == list(names["presets"])
    assert list(found["algorithms"]) == names["algorithms"]
    assert len(found["policies"]) == len(names["policies"])
    for rows in (found["algorithms"], found["policies"]):
        for method, row in rows.items():
            assert list(row) == list(found["worlds"])
            for cell in row.values():
                assert cell["runs"] or cell["why"].endswith("."), method
    assert found["worlds"]["drift-1"]["exact_frontier"]
    assert not found["worlds"]["college"]["exact_frontier"]
    assert names["trade_offs"]["r-ppo"]["values"] == sorted(names["trade_offs"]["r-ppo"]["values"])


def test_list_shows_what_runs_where(capsys):
    assert cli.main(["list"]) == 0
    shown = capsys.readouterr().out
    rules = len(registry.POLICIES)
    assert f"{rules - 1} of {rules}, not score" in shown
    assert "sweeps gap_weight 0, 0.5, 2, 8, 32" in shown
