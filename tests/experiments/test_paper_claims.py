"""A verdict follows from the interval and the margin, and from nothing else."""

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.stats

from evenhand.core.errors import InputError
from evenhand.experiments.config import Experiment
from evenhand.experiments.estimates import Estimates
from evenhand.experiments.paper.claims import Claim, Comparison, read_claims
from evenhand.experiments.paper.judging import judge, verdict_row
from evenhand.experiments.paper.quantities import Quantity
from evenhand.experiments.paper.study import Scenario, Study
from evenhand.experiments.paper.words import answer, comparison_words

SEEDS = tuple(range(8))
SPREAD = np.linspace(-0.02, 0.02, len(SEEDS))


class Records(Estimates):
    """Estimates whose values are given by method, metric and group."""

    def __init__(self, cells, seeds=SEEDS):
        self.__dict__["run"] = SimpleNamespace(seeds=seeds, groups=("a", "b"))
        self.__dict__["cells"] = cells

    def values(self, method, metric, group=""):
        found = self.cells.get((method, metric, group), np.nan)
        return np.broadcast_to(found, (len(self.run.seeds),)).astype(float)


def claim(*tests):
    return Claim("X", "A statement.", "", "", "", tests)


def returns(method, **more):
    return Quantity("s", "return", method, **more)


def verdict(difference, relation, margin=0.0, **more):
    records = Records({("x", "return", ""): 1 + difference + SPREAD, ("y", "return", ""): 1.0})
    test = Comparison(returns("x"), returns("y"), relation, margin, **more)
    return judge(claim(test), {"s": records}).verdict


@pytest.mark.parametrize(
    ("difference", "relation", "margin", "expected"),
    [
        (0.5, "greater", 0.0, "holds"),
        (0.0, "greater", 0.0, "undecided"),
        (-0.5, "greater", 0.0, "does not hold"),
        (0.5, "greater", 1.0, "does not hold"),
        (-0.5, "greater", -1.0, "holds"),
        (-0.5, "less", 0.2, "holds"),
        (-0.2, "less", 0.2, "undecided"),
        (-0.1, "less", 0.2, "does not hold"),
        (0.1, "close", 0.2, "holds"),
        (-0.2, "close", 0.2, "undecided"),
        (-0.3, "close", 0.2, "does not hold"),
    ],
)
def test_a_comparison_is_decided_only_by_an_interval_wholly_on_one_side_of_the_margin(
    difference, relation, margin, expected
):
    assert verdict(difference, relation, margin) == expected


def test_a_relative_margin_is_a_share_of_the_mean_of_the_second_side():
    assert verdict(0.03, "close", relative=0.05) == "holds"
    assert verdict(-0.1, "greater", relative=-0.05) == "does not hold"


def test_no_difference_at_all_is_not_greater():
    same = Records({("x", "return", ""): SPREAD})
    test = Comparison(returns("x"), returns("x"), "greater")
    assert judge(claim(test), {"s": same}).verdict == "does not hold"


def test_without_data_or_with_one_seed_nothing_is_decided():
    test = Comparison(returns("x"), 0.0, "greater")
    assert judge(claim(test), {"s": Records({})}).verdict == "undecided"
    alone = Records({("x", "return", ""): 5.0}, seeds=(0,))
    assert judge(claim(test), {"s": alone}).verdict == "undecided"
    assert verdict_row(judge(claim(test), {"s": Records({})}))["statistic"] is None


def test_seeds_without_data_on_one_side_are_left_out_of_both():
    left = np.where(np.arange(8) < 2, np.nan, 1.0)
    right = np.where(np.arange(8) > 5, np.nan, SPREAD)
    records = Records({("x", "return", ""): left, ("y", "return", ""): right})
    test = Comparison(returns("x"), returns("y"), "greater")
    (found,) = judge(claim(test), {"s": records}).tests
    assert found.difference.num == 4
    assert found.difference.estimate == pytest.approx(1 - SPREAD[2:6].mean())


def test_a_claim_fails_with_one_comparison_and_holds_only_with_all():
    records = {"s": Records({("x", "return", ""): 1 + SPREAD})}
    sure, false, open_ = (Comparison(returns("x"), b, "greater") for b in (0.0, 2.0, 1.0))
    assert judge(claim(sure), records).verdict == "holds"
    assert judge(claim(sure, open_), records).verdict == "undecided"
    assert judge(claim(sure, open_, false), records).verdict == "does not hold"
    assert judge(claim(sure, open_, false), records).deciding.test is false
    assert judge(claim(sure, open_), records).deciding.test is open_


def test_of_alternatives_one_is_enough_for_each_method():
    records = {"s": Records({("x", "return", ""): 1 + SPREAD, ("y", "return", ""): 3 + SPREAD})}

    def either(method):
        return [
            Comparison(returns(method), 2.0, "less", any="or"),
            Comparison(returns(method), 4.0, "greater", any="or"),
        ]

    assert judge(claim(*either("x")), records).verdict == "holds"
    assert judge(claim(*either("x"), *either("y")), records).verdict == "does not hold"


@pytest.mark.parametrize(
    ("broken", "expected"), [(0, "holds"), (1, "undecided"), (20, "does not hold")]
)
def test_an_exact_interval_of_runs_has_a_width_even_where_no_run_differs(broken, expected):
    share = np.array([1.0] * broken + [0.0] * (40 - broken))
    records = {"s": Records({("x", "return", ""): share}, tuple(range(40)))}
    found = judge(claim(Comparison(returns("x"), 0.1, "less", exact=True)), records)
    assert found.verdict == expected
    # By definition: the bound is the chance at which so few broken runs have 2.5%.
    high = found.tests[0].difference.high + 0.1
    assert scipy.stats.binom.cdf(broken, 40, high) == pytest.approx(0.025)
    loose = judge(claim(Comparison(returns("x"), 0.1, "less")), records).tests[0].difference
    assert broken or loose.high == loose.low


def test_an_exact_interval_of_what_is_no_share_of_seeds_is_refused():
    records = {"s": Records({("x", "return", ""): 0.3})}
    with pytest.raises(InputError, match="values 0 and 1"):
        judge(claim(Comparison(returns("x"), 0.1, "less", exact=True)), records)


def test_a_scenario_that_was_not_run_leaves_a_claim_open_unless_another_part_fails():
    records = {"s": Records({("x", "return", ""): 1 + SPREAD})}
    elsewhere = Comparison(Quantity("t", "return", "x"), 0.0, "greater")
    sure, false = (Comparison(returns("x"), b, "greater") for b in (0.0, 2.0))
    assert judge(claim(sure, elsewhere), records).verdict == "undecided"
    assert verdict_row(judge(claim(sure, elsewhere), records))["not_run"] == ["t"]
    assert judge(claim(false, elsewhere), records).verdict == "does not hold"


def test_quantities_of_groups_and_other_methods():
    cells = {("x", "recall", "a"): 0.8, ("x", "recall", "b"): 0.5, ("y", "recall", "b"): 0.25}
    records = Records(cells)

    def value(**more):
        return Quantity("s", "recall", "x", **more).values(records)[0]

    assert value(group="a") == 0.8
    assert value(group="a", minus_group="b") == pytest.approx(0.3)
    assert value(reduce="gap") == pytest.approx(0.3)
    assert (value(reduce="min"), value(reduce="max")) == (0.5, 0.8)
    assert value(group="b", per="y") == 2
    assert value(group="b", times=0.5) == 0.25
    assert value(group="b", minus="y") == 0.25
    assert value(group="b", minus_group="a", absolute=True) == pytest.approx(0.3)
    assert np.isnan(value())


CLAIMS = """
[[claims]]
id = "A"
statement = "It is higher everywhere."
[[claims.tests]]
scenario = ["one", "two"]
metric = "recall"
group = ["a", "b"]
a = "ppo"
relation = "greater"
b = ["dqn", { method = "max-util", group = "a", times = 0.9 }]
"""


@pytest.fixture
def study(tmp_path):
    methods = ("ppo", "dqn", "max-util")
    scenarios = [Scenario(n, n, Experiment(name=n, methods=methods)) for n in ("one", "two")]
    (tmp_path / "claims.toml").write_text(CLAIMS)
    return Study(tmp_path, "experiment", {}, tuple(scenarios))


def test_alternatives_and_exact_intervals_are_read_from_the_file(study):
    more = 'b = 0.5\nany = "either"\nexact = true\n'
    (study.folder / "claims.toml").write_text(CLAIMS[: CLAIMS.index("b = [")] + more)
    (found,) = read_claims(study)
    assert {(test.any, test.exact) for test in found.tests} == {("either", True)}
    (study.folder / "claims.toml").write_text(CLAIMS + "exact = true\n")
    with pytest.raises(InputError, match="let b be a number"):
        read_claims(study)


def test_lists_stand_for_a_comparison_of_each(study):
    (found,) = read_claims(study)
    assert len(found.tests) == 2 * 2 * 2
    assert found.scenarios == {"one", "two"}
    assert {test.b.group for test in found.tests if test.b.method == "max-util"} == {"a"}


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('metric = "recall"', 'metric = "benefit_disparity_difference"', "there is no metric"),
        ('metric = "recall"', 'metric = "recal"', "claim 'A': there is no metric 'recal'; did you"),
        ('a = "ppo"', 'a = "pppo"', "no method in scenario one 'pppo'; did you mean 'ppo'"),
        ('["one", "two"]', '"thre"', "there is no scenario 'thre'"),
        ('"greater"', '"grater"', "there is no relation 'grater'; did you mean 'greater'"),
        ('relation = "greater"', 'relation = "close"', "close needs a margin"),
        ("times = 0.9", "tims = 0.9", "there is no key of a quantity 'tims'; did you mean 'times'"),
        ('id = "A"', 'ids = "A"', "there is no key of .*'ids'; did you mean 'id'"),
        ('group = ["a", "b"]', 'group = "a"\nreduce = "max"', "give one of them"),
    ],
)
def test_a_claim_that_cannot_be_checked_is_refused_with_its_name(study, old, new, sentence):
    (study.folder / "claims.toml").write_text(CLAIMS.replace(old, new))
    with pytest.raises(InputError, match=sentence):
        read_claims(study)


def test_words_name_both_sides_and_what_is_asked(study):
    (found,) = read_claims(study)
    cells = {("ppo", "recall", "a"): 0.9 + SPREAD, ("max-util", "recall", "a"): 0.5}
    judged = judge(found, {"one": Records(cells), "two": Records(cells)})
    (shown,) = [
        t for t in judged.tests
        if t.test.b.method == "max-util" and t.test.a.group == "a" and t.test.a.scenario == "one"
    ]  # fmt: skip
    what, asked = comparison_words(shown, study)
    assert what == "Recall, a (one): PPO 90.0%, 0.9 \N{MULTIPLICATION SIGN} Max-util 45.0%"
    assert asked == "above 0.9 \N{MULTIPLICATION SIGN} Max-util"
    assert answer([judged]) == "Of 1 claim of the paper, 1 is undecided in this reproduction."
