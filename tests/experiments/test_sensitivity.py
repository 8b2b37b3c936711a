"""What a world's assumed payoffs and moves change, exactly."""

import json
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from evenhand.commands.sensitivity import Sensitivity, run
from evenhand.core.errors import InputError
from evenhand.data.presets import drift_1, fico_scores, gym
from evenhand.experiments.conclusions import answer, conclusions
from evenhand.experiments.sensitivity import applies, sensitivity
from evenhand.experiments.sensitivity_page import sensitivity_page
from evenhand.experiments.sensitivity_words import prices, steady, told
from evenhand.experiments.settings import settings_of

SMALL = replace(fico_scores(population_per_group=50), episode_steps=200)
LINEAR = ("gain-disparity", "approval-gap", "score-w1")


@pytest.fixture(scope="module")
def found():
    return sensitivity(SMALL, definitions=LINEAR, points=3)


def test_each_setting_changes_one_assumed_number_and_the_first_none():
    settings = settings_of(SMALL)
    assert len(settings) == 4
    assert settings[0].population is SMALL
    for setting in settings[1:]:
        names = ("reward_repaid", "reward_default", "up", "down")
        changed = [n for n in names if getattr(setting.population, n) != getattr(SMALL, n)]
        assert len(changed) == 1
        assert changed[0] in SMALL.assumed


@pytest.mark.parametrize("names", [("reward_default",), ("up", "down"), ("down",)])
def test_only_what_is_marked_as_assumed_varies(names):
    world = replace(SMALL, assumed=dict.fromkeys(names, "a reason"))
    settings = settings_of(world)
    assert len(settings) == 4
    if "reward_default" not in names:
        assert {s.population.reward_default for s in settings} == {-4.0}
    else:
        assert {s.population.down for s in settings} == {(2, 2)}
    if names == ("down",):
        assert {s.population.up for s in settings} == {(1, 1)}


def test_worlds_without_assumptions_or_without_a_finite_person_have_no_sensitivity():
    assert not any(map(applies, (gym(), drift_1(), None)))
    assert not applies(replace(SMALL, conscientiousness_std=0.1))
    with pytest.raises(InputError, match="nothing to vary"):
        sensitivity(gym())


def test_no_rule_and_no_parity_earns_more_than_the_optimum(found):
    for setting in found["settings"]:
        best = setting["rules"]["optimum"]["profit"]
        for rule in setting["rules"].values():
            assert rule["profit"] <= best + 1e-6
            assert sum(rule["return"]) == pytest.approx(rule["profit"])
        for line in setting["frontier"].values():
            assert line["price"] >= -1e-6
            assert line["parity"]["profit"] == pytest.approx(best - line["price"])


def test_parity_holds_its_criterion_at_the_least_value_there_is(found):
    for setting in found["settings"]:
        for name, line in setting["frontier"].items():
            assert line["parity"][name] == pytest.approx(line["least"], abs=1e-5)


def test_a_conclusion_holds_only_if_every_setting_agrees(found):
    same = {**found, "settings": [found["settings"][0]] * 4}
    assert all(c.holds for c in conclusions(same))
    assert len(conclusions(found)) == len(conclusions(same))
    assert not steady([0.1, 0.2])
    assert steady([0.1, 0.15])
    assert steady([0.0, 0.02])


def test_the_answer_is_computed_from_the_numbers(found):
    held = sum(c.holds for c in conclusions(found))
    assert f"{held} of {len(conclusions(found))} conclusions hold in all four" in answer(found)
    low = min(prices(found, told(found)[0]))
    assert f"{100 * low:.0f}%" in answer(found)


def test_the_page_is_whole_says_the_rule_and_calls_nothing_fair(found):
    page = sensitivity_page(json.loads(json.dumps(found)), "report.html")
    assert 'href="report.html"' in page
    assert "one and a half times its smallest" in page
    assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", page)
    assert not re.search(r"\b(is|are) (un)?fair\b", page)
    assert "nan" not in re.sub(r"<[^>]*>", "", page.partition("<body>")[2]).lower()
    ids = re.findall(r'\bid="([^"]*)"', page)
    assert len(ids) == len(set(ids))


def test_more_groups_and_an_undefined_criterion_still_make_a_page():
    three = replace(
        fico_scores(("white", "black", "asian"), population_per_group=40),
        episode_steps=120,
        repay_prob=np.vstack([np.zeros(7), *[np.linspace(0.1, 0.9, 7)] * 2]),
    )
    found = sensitivity(three, definitions=("approval-gap", "recall-gap"), points=3)
    assert told(found) == ["approval-gap"]
    assert "asian" in sensitivity_page(found)


def test_the_command_writes_its_page_and_says_every_conclusion(tmp_path):
    settings = ("population_per_group=20", "episode_steps=60")
    result = run(Sensitivity(set=settings, points=2, out=str(tmp_path / "page.html")))
    assert (tmp_path / "page.html").read_text().startswith("<!DOCTYPE html>")
    assert len(result["settings"]) == 4
    assert all(c["text"].endswith(".") for c in result["conclusions"])


def test_importing_the_command_loads_neither_plots_nor_jax():
    program = (
        "import sys, evenhand.commands.sensitivity;"
        "sys.exit(any(m in sys.modules for m in ('matplotlib', 'polars', 'jax')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
