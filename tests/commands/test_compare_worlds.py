"""`evenhand compare` end to end in worlds that the exact solvers do not know, and others."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from evenhand.commands.compare import Compare, run, show
from evenhand.data.presets import fico_scores

SHORT = {"algorithms": "", "seeds": 1, "episodes": 2, "evaluation_steps": 40, "frontier_points": 2}
SMALL = ("population_per_group=20",)


def compare(tmp_path, **options):
    result = run(Compare(**({"out": str(tmp_path), "policy_class": "visit"} | SHORT | options)))
    console = Console(record=True, width=80, file=io.StringIO())
    show(result, console)
    page = Path(result["page"])
    return page.read_text(), page.parent, console.export_text()


def test_admissions_have_a_page_with_social_burden_and_no_frontier(tmp_path):
    page, folder, text = compare(tmp_path, env="Admissions-v0", policies="approve-all", set=SMALL)
    assert "no finite problem of their own" in page
    assert "would succeed" in page
    assert "Who is harmed" in page
    assert "social" in text
    assert "modify_prob" in json.loads((folder / "world.json").read_text())["assumed"]
    assert not (folder / "sensitivity.html").exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"preset": "drift-1"}, "The black line is computed exactly"),
        ({"set": (*SMALL, "conscientiousness_std=0.2")}, "unseen conscientiousness"),
        ({"set": (*SMALL, "num_groups=10")}, "group 10"),
    ],
)
@pytest.mark.slow
def test_other_lending_worlds_have_a_page_that_says_what_is_exact(tmp_path, options, says):
    page, folder, _ = compare(tmp_path, policies="max-util", **options)
    assert says in page
    assert not (folder / "sensitivity.html").exists()


@pytest.mark.long
def test_a_world_with_assumed_payoffs_links_to_its_sensitivity_page(tmp_path):
    page, folder, _ = compare(tmp_path, policies="approve-all", preset="fico", set=SMALL)
    assert 'href="sensitivity.html"' in page.partition('id="assumed"')[2]
    assert 'href="report.html"' in (folder / "sensitivity.html").read_text()
    found = json.loads((folder / "sensitivity.json").read_text())
    assert found["steps"] == 40


@pytest.mark.slow
def test_a_calibrated_file_can_be_compared(tmp_path):
    from evenhand.data.params_text import params_text

    file = tmp_path / "world.toml"
    file.write_text(params_text(fico_scores(population_per_group=20), {}, {}))
    _, folder, _ = compare(tmp_path, policies="max-util", params=str(file))
    assert (folder / "sensitivity.html").is_file()
