"""An audit's numbers against independent ones, and what its conclusions may say."""

import io
import json
import re
from dataclasses import fields, replace

import numpy as np
import pytest
from rich.console import Console

from evenhand.core.errors import InputError
from evenhand.core.plain import to_json
from evenhand.data.population import DEFAULTED, DENIED, REPAID
from evenhand.data.presets import drift_1, drift_3, fico_scores, gym
from evenhand.experiments.audit.as_dict import as_dict
from evenhand.experiments.audit.conclusions import conclusions
from evenhand.experiments.audit.facts import audit
from evenhand.experiments.audit.least import earns_as_much
from evenhand.experiments.audit.nearest import approvals_by_level, distance
from evenhand.experiments.audit.numbers import course, group_numbers
from evenhand.experiments.audit.page import audit_page
from evenhand.experiments.audit.policy import AuditedPolicy, read_audited
from evenhand.experiments.audit.terminal import show_audit
from evenhand.experiments.audit.under import under
from evenhand.experiments.audit.words import sentences
from evenhand.experiments.audit.worlds import World, alternatives, assumes_moves
from evenhand.tabular.evaluation import final_law, occupancy
from evenhand.tabular.frontier import Frontier
from evenhand.tabular.lending import criterion_values, threshold_policy

SMALL = replace(fico_scores(population_per_group=50), episode_steps=200)
LINEAR = ("gain-disparity", "approval-gap", "score-w1")
MDP = SMALL.person()


@pytest.fixture(scope="module")
def found():
    return audit(SMALL, read_audited("threshold:3", SMALL), LINEAR)


def test_groups_add_up_to_the_whole(found):
    numbers, visits = found.own.numbers, occupancy(MDP, found.policy.table)
    assert numbers.profit.sum() == pytest.approx(numbers.total_profit)
    assert numbers.decisions.sum() == pytest.approx(SMALL.episode_steps)
    assert found.decisions.sum() == pytest.approx(SMALL.episode_steps)
    approvals = (visits[..., 1].sum((1, 2)) * MDP.group_size).tolist()
    assert numbers.approvals.tolist() == pytest.approx(approvals)
    values = criterion_values(MDP, found.policy.table)
    assert numbers.criteria | {"profit": numbers.total_profit} == pytest.approx(values)


def test_default_rate_and_recall_share_their_repaid_loans(found):
    numbers = found.own.numbers
    visits = occupancy(MDP, found.policy.table).sum(1) * MDP.group_size[:, None, None]
    repaid = (visits[..., 1] * SMALL.repay_prob).sum(1)
    would = (visits.sum(-1) * SMALL.repay_prob).sum(1)
    assert numbers.recall.tolist() == pytest.approx((repaid / would).tolist())
    assert (1 - numbers.default_rate).tolist() == pytest.approx(
        (repaid / numbers.approvals).tolist()
    )


@pytest.mark.parametrize("make", [gym, drift_1, drift_3])
def test_the_course_ends_at_the_final_law_and_starts_at_the_initial_one(make):
    world = replace(make(), population_per_group=(30, 30), episode_steps=100)
    mdp = world.person()
    policy = threshold_policy(mdp, 3)
    over = course(mdp, policy, 100)
    np.testing.assert_allclose(over.laws[-1], final_law(mdp, policy), atol=1e-12)
    np.testing.assert_allclose(over.laws[0], mdp.initial, atol=1e-12)
    np.testing.assert_allclose(over.approvals[-1], group_numbers(mdp, policy).approvals)
    half = replace(world, episode_steps=50).person()
    np.testing.assert_allclose(over.laws[2], final_law(half, policy), atol=1e-12)


def test_the_parts_add_up_to_the_difference_of_the_gains_in_the_table(found):
    gain = found.own.numbers.gain_per_person
    for (first, second), effects in found.own.effects.items():
        parts = effects.DPE + effects.IPE + effects.SPE
        assert parts == pytest.approx(effects.C)
        assert pytest.approx(gain[first] - gain[second]) == effects.C
    untouched = audit(SMALL, read_audited("deny-all", SMALL), ()).own.numbers.gain_per_person
    np.testing.assert_allclose(found.own.caused, gain - untouched)


def test_nobody_below_the_frontier_and_both_neighbours_keep_their_promise(found):
    for one in found.distances:
        assert one.gap >= 0
        assert one.richer.profit >= one.profit - 1e-6
        assert one.richer.disparity <= one.disparity + 1e-6
        assert one.closer.disparity <= one.disparity + 1e-6
        assert earns_as_much(one.closer.profit, one.profit - 1e-6)
        best = Frontier(SMALL, one.criterion).point(one.least_disparity + 1e-6)
        assert best.profit == pytest.approx(one.profit, rel=1e-3)


@pytest.mark.parametrize("criterion", LINEAR)
def test_a_policy_of_the_frontier_is_at_distance_0(criterion):
    exact = Frontier(SMALL, criterion)
    policy = exact.point(0.9 * exact.unconstrained.disparity).policy
    own = group_numbers(MDP, policy)
    found = distance(exact, MDP, policy, own, points=3)
    assert found.gap <= 1e-6 * abs(found.profit)
    assert found.least_disparity == pytest.approx(found.disparity, rel=1e-4, abs=1e-6)


def test_the_search_for_recall_finds_the_tolerance_at_which_the_profit_is_just_reached():
    own = group_numbers(MDP, threshold_policy(MDP, 3))
    exact = Frontier(SMALL, "recall-gap")
    found = distance(exact, MDP, threshold_policy(MDP, 3), own, points=3)
    assert found.closer.profit >= found.profit - 1e-6
    assert exact.point(found.least_disparity - 2e-4).profit < found.profit


def test_shifts_tell_who_is_approved_differently_and_where(found):
    before, met = approvals_by_level(MDP, found.policy.table)
    for one in found.distances:
        for shift in one.richer.shifts:
            part = slice(shift.first, shift.last + 1)
            after = one.richer.approve[shift.group, part]
            assert (
                np.sign(after - before[shift.group, part]) == np.sign(shift.after - shift.before)
            ).all()
            assert shift.decisions <= 2 * met.sum()
        sizes = [shift.decisions for shift in one.richer.shifts]
        assert sizes == sorted(sizes, reverse=True)


def test_under_unchanged_assumptions_every_conclusion_holds(found):
    again = [found.own, replace(found.own, name="Again")]
    made = conclusions(again, found.groups, found.pair)
    assert len(made) == len(found.conclusions)
    assert all(c.holds and not c.changes_in and not c.turns for c in made)


def test_a_conclusion_changes_exactly_where_its_verdict_does(found):
    assert not all(c.holds for c in found.conclusions)
    for c in found.conclusions:
        other = {n for n, v in zip(c.names, c.verdicts, strict=True) if v != c.verdicts[0]}
        assert set(c.changes_in) == other
        assert set(c.vanishes_in) <= other
    least = found.conclusions[0]
    assert "black gains least" in least.statement
    assert least.changes_in == least.vanishes_in == ("No moves",)


def test_where_moves_are_assumed_at_least_three_other_dynamics_are_run():
    for names in (("up", "down", "drift"), ("drift",), ("up",), ("down",)):
        world = replace(SMALL, assumed=dict.fromkeys(names, "a reason"))
        assert assumes_moves(world)
        assert sum(w.about == "moves" for w in alternatives(world)) >= 3
    for world in (gym(), drift_1()):
        assert not assumes_moves(world)
        assert alternatives(world) == []


@pytest.mark.parametrize("make", [fico_scores, drift_3])
def test_every_other_dynamics_does_to_the_moves_what_it_says(make):
    world = replace(make(), assumed=dict.fromkeys(("up", "down", "drift"), "a reason"))
    law, level = world.move_law(), np.arange(world.num_levels, dtype=float)
    other = {w.name: w.population.move_law() for w in alternatives(world)}
    assert all(np.allclose(moves.sum(-1), 1) for moves in other.values())
    np.testing.assert_allclose(other["No moves"][REPAID], law[DENIED])
    np.testing.assert_allclose(other["No moves"][DEFAULTED], law[DENIED])
    inner = slice(4, world.num_levels - 3)
    mean = {name: (moves @ level - level)[:, :, inner] for name, moves in other.items()}
    own = (law @ level - level)[:, :, inner]
    np.testing.assert_allclose(mean["Recovery after refusal"][DENIED], own[DENIED] + 0.25)
    np.testing.assert_allclose(mean["Decline after refusal"][DENIED], own[DENIED] - 0.25)
    np.testing.assert_allclose(mean["Recovery after refusal"][REPAID], own[REPAID])
    if make is fico_scores:
        np.testing.assert_allclose(mean["Slower moves"][REPAID], 0.5 * own[REPAID])
        np.testing.assert_allclose(mean["A milder fall"][DEFAULTED], -1.0)
    else:
        np.testing.assert_allclose(mean["Slower moves"][REPAID], own[REPAID] - 0.5)


def test_max_util_is_a_table_where_its_threshold_cannot_move_and_refused_elsewhere():
    assert (read_audited("max-util", SMALL).approve == threshold_policy(MDP, 3)[..., 1]).all()
    other = np.array(SMALL.repay_prob)
    other[0, 2] = 0.9
    with pytest.raises(InputError, match="chooses anew at every decision"):
        read_audited("max-util", replace(SMALL, repay_prob=other))
    with pytest.raises(InputError, match="evenhand evaluate --policy equal-opportunity"):
        read_audited("equal-opportunity", SMALL)


def test_denying_everybody_harms_and_approves_nobody():
    found = audit(drift_3(), read_audited("deny-all", drift_3()), ("gain-disparity",))
    effects = found.own.effects[0, 1]
    assert pytest.approx(effects.SPE) == effects.C
    assert pytest.approx((0, 0)) == (effects.DPE, effects.IPE)
    assert pytest.approx(0.2594, abs=1e-4) == effects.paper.C  # Lear & Zhang 2025, setting 3
    assert np.isnan(found.own.numbers.default_rate).all()
    assert "as much as without the policy" in sentences(found)[0]
    text = audit_page(found, "evenhand audit")
    assert "nan" not in re.sub(r"<[^>]*>", "", text.partition("<body>")[2]).lower()


def test_equal_benefit_compares_only_people_within_the_radius():
    same = np.tile(threshold_policy(MDP, 3)[:1], (2, 1, 1))
    alike = replace(
        SMALL,
        initial=np.tile(SMALL.initial[:1], (2, 1)),
        repay_prob=np.tile(SMALL.repay_prob[:1], (2, 1)),
    )
    policy = AuditedPolicy("x", "x", "", same)
    for one in audit(alike, policy, ()).similar:
        assert one.ahead == pytest.approx(0, abs=1e-12)
        assert 0 <= one.value <= one.most
    exact = audit(alike, policy, ()).similar[1]
    assert exact.share == pytest.approx(0, abs=1e-12)


def test_where_refusing_everybody_is_best_a_policy_that_loses_is_not_close_to_the_best():
    losing = replace(SMALL, reward_repaid=-0.1, assumed={})
    for text, verdict in (("approve-all", "no"), ("threshold:6", "no"), ("deny-all", "yes")):
        made = audit(losing, read_audited(text, losing), ("gain-disparity",)).conclusions
        close = next(c for c in made if c.question.startswith("Close to the frontier"))
        assert close.verdicts == (verdict,), text


def test_of_three_groups_those_within_the_rounding_share_the_verdict(found):
    names = ("a {odd} name", "b", "c")
    numbers = replace(found.own.numbers, gain_per_person=np.array([0.1, 0.5, 0.101]))
    rates = {name: np.array([0.4, 0.2, 0.3]) for name in ("approval_rate", "recall", "profit")}
    effects = {(0, 2): found.own.effects[0, 1]}
    world = replace(found.own, numbers=replace(numbers, **rates), effects=effects)
    world = replace(world, untouched=np.zeros(3))
    made = conclusions([world], names, (0, 2))
    assert made[0].statement == "a {odd} name or c gains least in qualification."
    approved = next(c for c in made if c.question == "Who is approved least")
    assert approved.verdicts == ("b",)
    assert any("the qualification of a {odd} name" in c.statement for c in made)


def test_a_solver_that_settles_on_nothing_is_said_in_words(found):
    none = replace(found.distances[0], richer=None, closer=None)
    told = replace(found, distances=(none, *found.distances[1:]))
    for text in sentences(told):
        assert "\N{EN DASH}" not in text
        assert "nan" not in text
    assert "the solver settled on no" in " ".join(sentences(told))


def test_a_criterion_whose_programme_fails_in_a_world_has_no_verdict_there(found, monkeypatch):
    solved = Frontier.point
    failed = lambda exact, at: replace(solved(exact, at), profit=np.nan)  # noqa: E731
    monkeypatch.setattr(Frontier, "point", failed)
    world = under(World("Failed", "", "", SMALL), 200, found.policy.table, ("gain-disparity",))
    made = conclusions([found.own, world], found.groups, found.pair)
    close = next(c for c in made if c.question.startswith("Close to the frontier"))
    assert close.verdicts[1] == "not defined"


@pytest.mark.parametrize("name", ["[red]", "[/]", "[18,25)"])
def test_names_in_brackets_stand_on_the_terminal_as_they_are(found, name):
    text = to_json(as_dict(found)).replace('"white"', f'"{name}"').replace("white", name)
    data = json.loads(text) | {"page": None}
    data["policy"]["title"] = "card[/old].csv"
    console = Console(width=160, record=True, file=io.StringIO())
    show_audit(data, console)
    shown = console.export_text()
    assert name in shown.split("it earns")[0]
    assert "card[/old].csv" in shown


def test_the_json_is_strict_and_complete(found):
    data = json.loads(to_json(as_dict(found)))
    assert list(data["by_group"]) == list(SMALL.groups)
    assert {
        "criterion",
        "disparity",
        "profit",
        "best_profit",
        "gap",
        "least_disparity",
        "changes",
    } <= set(data["frontier"][0])
    assert {"question", "statement", "holds_everywhere", "changes_in"} <= set(
        data["conclusions"][0]
    )
    assert data["assumptions"][0]["name"] == "As stated"
    assert sum(row["profit"] for row in data["by_group"].values()) == pytest.approx(data["profit"])
    assert data["decomposition"][0]["groups"] == ["white", "black"]
    assert len(data["sentences"]) == 5


@pytest.fixture(scope="module")
def page(found):
    return audit_page(found, "evenhand audit --policy threshold:3")


def test_the_page_loads_nothing_names_groups_and_harm_and_calls_nothing_fair(page):
    assert "<script" not in page
    assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", page)
    ids = re.findall(r'\bid="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    text = re.sub(r"<[^>]*>", " ", page.partition("<body>")[2])
    assert "The harm is to members of black" in text
    assert "does not make a policy fair" in text
    assert not re.search(r"\b(is|are) (un)?fair\b", text)
    assert "nan" not in text.lower()


def test_the_same_audit_gives_the_same_page(found, page):
    assert audit_page(found, "evenhand audit --policy threshold:3") == page


def test_three_groups_and_an_undefined_criterion_still_make_a_page():
    three = replace(
        fico_scores(("white", "black", "asian"), population_per_group=40),
        episode_steps=120,
        assumed={},
        repay_prob=np.vstack([np.zeros(7), *[np.linspace(0.1, 0.9, 7)] * 2]),
    )
    found = audit(three, read_audited("threshold:3", three), ("approval-gap", "recall-gap"))
    assert [one.criterion for one in found.distances] == ["approval-gap"]
    assert len(found.own.effects) == 3
    text = audit_page(found, "evenhand audit")
    assert "asian" in text
    assert "audited as published" in text


def test_a_world_keeps_its_own_numbers_when_only_the_name_changes(found):
    same = under(World("Copy", "", "", SMALL), SMALL.episode_steps, found.policy.table, LINEAR)
    for field in fields(same.numbers):
        ours, own = getattr(same.numbers, field.name), getattr(found.own.numbers, field.name)
        if isinstance(own, np.ndarray):
            np.testing.assert_array_equal(ours, own)
    assert same.best_profit == pytest.approx(found.own.best_profit)
