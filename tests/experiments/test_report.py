import json
import re
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pytest
from runs import CRITERIA, OPTIONAL, MadeUp

from evenhand.experiments.estimates import Estimates
from evenhand.experiments.record import read_run
from evenhand.experiments.report import summary, summary_table, write_figures, write_page

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Reader(HTMLParser):
    """Fails on tags that do not close in order; collects what the tests ask about."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self.words = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "svg"} & set(self.open):
            self.words.append(data)

    @property
    def text(self):
        return " ".join("".join(self.words).split())


def page_of(made, folder):
    return write_page(made.write(folder)).read_text()


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return page_of(MadeUp(), tmp_path_factory.mktemp("runs") / "made-up")


def test_the_page_is_balanced_and_loads_nothing(page):
    reader = Reader(page)
    for tag, attributes in reader.elements:
        assert tag not in {"script", "link", "iframe"}
        for name in ("src", "href", "xlink:href"):
            assert attributes.get(name, "#").startswith("#")
    bare = re.sub(r'xmlns(:\w+)?="[^"]*"', "", page)
    assert "http" not in bare
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)


def test_every_picture_says_what_it_shows_with_numbers(page):
    pictures = [a for tag, a in Reader(page).elements if tag in {"svg", "img"}]
    assert len(pictures) >= 12
    for attributes in pictures:
        assert attributes["role"] == "img"
        assert re.search(r"\d", attributes["aria-label"])


def test_ids_are_unique_and_every_reference_has_its_target(page):
    elements = Reader(page).elements
    ids = [a["id"] for _, a in elements if "id" in a]
    assert len(ids) == len(set(ids))
    used = set(re.findall(r'(?:href="|url\()#([\w-]+)', page))
    assert used <= set(ids)


def test_the_first_sentence_is_computed_from_the_records(page):
    returns = [
        row["value"]
        for row in MadeUp().final()
        if row["algorithm"] == "ppo" and row["metric"] == "return"
    ]
    text = Reader(page).text
    assert f"Over 10,000 decisions, PPO earns {np.mean(returns):,.0f}" in text
    assert "best achievable at its own gain disparity" in text


def test_text_from_records_is_escaped(page):
    assert "a default costs &lt;four&gt; repayments &amp; more" in page
    assert "<four>" not in page


def test_headings_go_down_one_level_at_a_time(page):
    levels = [int(tag[1]) for tag, _ in Reader(page).elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_tables_can_be_reached_and_scrolled_by_keyboard(page):
    frames = [a for _, a in Reader(page).elements if a.get("class") == "scroll"]
    assert frames
    assert all(a["tabindex"] == "0" and a["aria-label"] for a in frames)


def test_no_method_is_called_fair(page):
    text = Reader(page).text.lower()
    assert "does not make a policy fair" in text
    assert not re.search(r"\b(is|are) (un)?(fair|biased|debiased)\b", text)


def test_the_same_records_give_the_same_page(page, tmp_path):
    again = page_of(MadeUp(), tmp_path / "made-up")
    assert again.replace(str(tmp_path), "") == re.sub(r"/\S*?(?=/made-up/exp)", "", page)


def test_without_optional_tables_the_page_says_which_command_makes_them(tmp_path):
    text = Reader(page_of(MadeUp(without=OPTIONAL), tmp_path)).text
    assert "There are no exact frontiers in this run; evenhand frontier --preset fico" in text
    assert "There are no series over time in this run" in text
    assert "best achievable at" not in text


def test_one_seed_has_no_intervals_and_the_page_says_so(tmp_path):
    text = Reader(page_of(MadeUp(seeds=1), tmp_path)).text
    assert "One seed, each the mean of 5 episodes: there are no intervals" in text
    assert "[" not in text.partition("What is assumed")[0]


def test_few_seeds_are_called_few(page):
    assert "narrower than they should be" in Reader(page).text


def test_four_groups_each_have_their_columns(tmp_path):
    groups = ("white", "black", "hispanic", "asian")
    text = Reader(page_of(MadeUp(groups=groups), tmp_path)).text
    assert "white, black, hispanic and asian" in text
    assert text.count("asian") > 5


def test_metrics_without_data_are_an_en_dash(tmp_path):
    made = MadeUp(no_data=("recall", "recall_difference", "criterion:recall-gap"))
    text = Reader(page_of(made, tmp_path)).text
    assert "\N{EN DASH}" in text
    assert "nan" not in text.lower().replace("finance", "")


def test_a_headline_method_without_returns_does_not_break_the_page(tmp_path):
    text = Reader(page_of(MadeUp(no_data=("return",)), tmp_path)).text
    assert "The records hold no return of PPO." in text


def test_best_achievable_is_said_of_time_policies_only(tmp_path):
    import polars as pl

    folder = MadeUp().write(tmp_path)
    frame = pl.read_parquet(folder / "frontier.parquet")
    frame.filter(pl.col("policy_class") == "visit").write_parquet(folder / "frontier.parquet")
    page = write_page(folder).read_text()
    assert "best achievable" not in page.lower()


def test_method_names_with_a_colon_are_said_in_words(page):
    assert "Threshold 3" in Reader(page).text
    assert "approves from level 3 (score 75-100) on, in every group" in Reader(page).text


def test_the_exact_line_is_linear_between_points_and_unknown_below_them(tmp_path):
    line = Estimates(read_run(MadeUp().write(tmp_path))).line("gain-disparity")
    assert line is not None
    assert line.at(0.025) == pytest.approx((line.profit[0] + line.profit[1]) / 2)
    assert line.at(9.0) == 2050
    assert np.isnan(line.at(-0.1))


def test_distance_is_best_minus_earned_at_the_methods_own_disparity(tmp_path):
    estimates = Estimates(read_run(MadeUp().write(tmp_path)))
    found = estimates.distance("max-util", "score-w1")
    line = estimates.line("score-w1")
    assert line is not None
    best = line.at(found.disparity.estimate)
    assert found.gap.estimate == pytest.approx(best - found.profit.estimate)
    assert found.gap.low < found.gap.estimate < found.gap.high


def test_the_summary_is_strict_json_and_agrees_with_the_page(page, tmp_path):
    found = summary(read_run(MadeUp(no_data=("recall",)).write(tmp_path)))
    text = json.dumps(found, allow_nan=False)
    assert json.loads(text) == found
    assert found["answer"] in Reader(page).text
    assert set(found["distance"]) == set(CRITERIA)


def test_the_terminal_tables_have_a_row_per_method(tmp_path):
    tables = summary_table(read_run(MadeUp().write(tmp_path)))
    assert tables.earnings().row_count == tables.people().row_count == 3


def test_figures_are_written_for_papers_and_repeat_to_the_byte(tmp_path):
    folder = MadeUp(without=("series", "distributions", "frontier"), seeds=2).write(tmp_path)
    first = {path.name: path.read_bytes() for path in write_figures(folder, tmp_path / "a")}
    again = {path.name: path.read_bytes() for path in write_figures(folder, tmp_path / "b")}
    assert {name.rpartition(".")[2] for name in first} == {"pdf", "png", "svg"}
    assert first == again
    assert b"<text" in first["horizon.svg"]
