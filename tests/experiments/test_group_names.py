"""Names of groups on pages, in figures and on a terminal: many, long, and with odd letters."""

import io
import itertools
import warnings

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from rich.console import Console

from evenhand.data.population import LendingPopulation
from evenhand.experiments.audit import figures
from evenhand.experiments.audit.as_dict import as_dict
from evenhand.experiments.audit.facts import Audit, audit
from evenhand.experiments.audit.policy import read_audited
from evenhand.experiments.audit.tables import MOST_PAIRS, decompositions, groups_table, pairs_of
from evenhand.experiments.audit.terminal import show_audit
from evenhand.experiments.figures.style import group_look, svg

NAMES = (
    *("a", "[bold]x[/bold]", "<i>Süd & Ost</i>", "東京", "g5", "g6", "g7"),
    "people over 60 who live in rented flats in the north of the city or of its suburbs",
)


@pytest.fixture(scope="module")
def eight() -> Audit:
    """An audit of eight groups of unequal size."""
    law = np.random.default_rng(0).dirichlet(np.ones(4), size=8)
    population = LendingPopulation(
        name="eight",
        groups=NAMES,
        initial=law,
        repay_prob=np.tile([0.2, 0.5, 0.8, 0.9], (8, 1)),
        population_per_group=(5, 9, 2, 7, 1, 3, 4, 6),
        up=(1,) * 8,
        down=(1,) * 8,
        episode_steps=60,
    )
    return audit(population, read_audited("threshold:2", population), ("approval-gap",))


@pytest.mark.parametrize("width", ["wide", "narrow"])
@pytest.mark.parametrize("draw", [figures.over_time, figures.levels_over_time, "causes"])
def test_no_name_is_cut_by_the_edge_of_a_figure(eight, draw, width):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        pairs = tuple(pairs_of(eight)[:MOST_PAIRS])
        figure: Figure = (
            figures.causes(eight, pairs, width) if draw == "causes" else draw(eight, width)
        )
        for text in figure.findobj(Text):
            if text.get_text().strip() and text.get_visible():
                box = text.get_window_extent()
                assert box.x1 <= figure.bbox.x1 + 2, text.get_text()


def test_every_group_is_in_the_key_of_the_figure(eight):
    [key] = figures.over_time(eight, "narrow").legends
    shown = [text.get_text() for text in key.get_texts()]
    assert len(shown) == 8
    assert shown[:7] == list(NAMES[:7])
    assert NAMES[7].startswith(shown[7].rstrip("…"))


def test_letters_that_our_font_lacks_stay_text_without_a_warning(eight):
    # Warnings are errors here.
    assert "東京" in svg(figures.over_time(eight), "course")


def test_eight_groups_look_different():
    looks = [tuple(map(str, group_look(index).values())) for index in range(8)]
    assert all(one != other for one, other in itertools.combinations(looks, 2))


def test_pairs_are_told_the_widest_apart_first_and_not_all_of_many(eight):
    _, *others = pairs_of(eight)
    sizes = [abs(eight.own.effects[pair].C) for pair in others]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) == 27
    told = str(decompositions(eight))
    assert told.count("<li>") == MOST_PAIRS + 1
    assert "all 28 pairs" in told


def test_a_long_name_may_break_in_a_table_and_a_short_one_may_not(eight):
    page = str(groups_table(eight))
    assert f'<span class="long">{NAMES[7]}</span>' in page
    assert page.count('class="long"') == 1
    assert "&lt;i&gt;Süd &amp; Ost&lt;/i&gt;" in page


def test_a_terminal_shows_brackets_in_names_and_cuts_no_row_of_eight_groups(eight):
    page = io.StringIO()
    show_audit(as_dict(eight) | {"page": None}, Console(file=page, width=80, highlight=False))
    table = page.getvalue().partition("Beside the exact frontier")[0]
    assert "[bold]x[/bold]" in table
    assert "default rate of the approved" in table
    assert all(name in table for name in NAMES[:7])
    assert table.count("approval rate") > 1
