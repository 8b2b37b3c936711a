"""The page of an audit: one file, no script, no network."""

from functools import partial

from evenhand.experiments.audit import figures, frontier_figures, tables, words
from evenhand.experiments.audit.assumed import assumed
from evenhand.experiments.audit.assumption_words import held
from evenhand.experiments.audit.facts import Audit
from evenhand.experiments.audit.least import SEARCH_TOL
from evenhand.experiments.audit.nearer import nearer
from evenhand.experiments.audit.similar import EXACT_RADIUS
from evenhand.experiments.document import document
from evenhand.experiments.lists import listed
from evenhand.experiments.markup import Markup, join, tag
from evenhand.experiments.page import definitions, figure
from evenhand.experiments.wording import figure_of


def audit_page(audit: Audit, command: str) -> Markup:
    """The text of the page; `command` is the line that makes it again."""
    lead = [
        tag("p", words.answer(audit), class_="answer"),
        tag("p", f"{words.people(audit)} {words.effect_on_each(audit)}", class_="lead"),
        tag("p", held(audit), class_="lead"),
    ]
    made = [
        ("groups", "What happens to each group", _groups(audit)),
        ("causes", "What the policy causes, and what would be there anyway", _causes(audit)),
        ("benefit", "Who is approved, given what an approval does", _benefit(audit)),
        ("frontier", "How far from the exact frontier", _frontier(audit)),
        ("nearest", "What better policies do differently", nearer(audit)),
        ("assumed", "What is assumed, and what hangs on it", assumed(audit)),
        ("meaning", "What each measure means, and whom a bad value harms", _meaning(audit)),
        ("how", "How it was made, and what it does not say", _how(audit, command)),
    ]
    kept = [section for section in made if section[2]]
    foot = tag("p", "Made by evenhand. Exact expectations; no script, no network.")
    return document(words.title(audit), lead, kept, foot)


def _groups(audit: Audit) -> Markup:
    own, meaning = audit.own.numbers, audit.policy.meaning
    text = (
        f"Expected over an episode of {audit.steps:,} decisions, exactly; in all the lender earns "
        f"{figure_of(own.total_profit)}. Recall is the share approved of those who would repay."
    )
    what = f"{audit.policy.title} {meaning}. " if meaning else ""
    moved = [
        f"{group} {figure_of(start, 'levels')} to {figure_of(end, 'levels')}"
        for group, start, end in zip(audit.groups, own.start_score, own.end_score, strict=True)
    ]
    over = f"Mean score from start to end: {', '.join(moved)}."
    law = (
        "Share of people at each level at moments of the episode. Outline: at the start. "
        f"Lowest level at the end: {_ends(audit, 0)}; highest: {_ends(audit, -1)}."
    )
    return join(
        tag("p", what + text),
        tables.groups_table(audit),
        figure("course", partial(figures.over_time, audit), "Over the episode.", over),
        figure("levels", partial(figures.levels_over_time, audit), "Where people stand.", law),
    )


def _ends(audit: Audit, level: int) -> str:
    last = audit.course.laws[-1]
    return listed(
        [f"{figure_of(last[g, level], 'share')} ({name})" for g, name in enumerate(audit.groups)]
    )


def _causes(audit: Audit) -> Markup:
    pairs = tables.pairs_of(audit)
    text = (
        "The difference between two groups' gains is split exactly into three parts (Lear & Zhang "
        "2025). Direct: gained or lost at the policy's own decisions. Set in motion: how people "
        "fare without an approval at the levels to which earlier decisions led them. There "
        "anyway: what would be if nobody were approved. A positive part adds to the "
        "difference."
    )
    drawing = figure(
        "parts",
        partial(figures.causes, audit, tuple(pairs[: tables.MOST_PAIRS])),
        "Parts of the difference.",
        "The dashed line is their sum.",
        words.decomposition(audit, audit.pair),
    )
    paper = audit.own.effects[audit.pair].paper
    note = (
        "Gains count everybody, also people never decided about. The paper counts only those who "
        f"are: there the difference of the first pair is {figure_of(abs(paper.C))}. " + _unit(audit)
    )
    return join(
        tag("p", text),
        tables.decompositions(audit),
        tag("p", words.harm(audit)),
        drawing,
        tables.causes_table(audit, pairs),
        tag("p", note, class_="note"),
    )


def _unit(audit: Audit) -> str:
    if audit.population.gain is not None:
        return "Qualification is measured by the potential that the population states."
    return (
        "Qualification rises with the cube of the level; 1 is the step from the second highest "
        "level to the highest."
    )


def _benefit(audit: Audit) -> Markup:
    text = (
        "Benefit is what an approval now is expected to do to a person's qualification, compared "
        "with a refusal. Where it is equal, a policy that is even-handed by this definition "
        f"approves people of different groups equally often. {words.lowered(audit)}"
    )
    caption = f"{words.benefit_sentence(audit)} Larger marks: more decisions there."
    warning = (
        f"Read Lambda with care: at the paper's own radius of {EXACT_RADIUS:g} only exactly equal "
        "benefits count. Where two groups never have equal benefits it is practically 0 whatever "
        "is decided, as the column At most shows. Pairs further apart than the radius count less, "
        "but do count. A small Lambda says nothing about the size of the difference above."
    )
    return join(
        tag("p", text),
        figure("benefits", partial(frontier_figures.benefits, audit), "Benefit.", caption),
        tables.benefit_table(audit),
        tag("p", warning, class_="note"),
    )


def _frontier(audit: Audit) -> Markup | None:
    if not audit.distances:
        return None
    from evenhand.experiments.audit.frontier_words import frontier_sentence

    text = (
        "The black line is the best profit for every tolerated disparity, by linear programming "
        "over all policies that see group, level and how often a person came before. Policies "
        "may treat groups differently at the same level; where the law forbids that, the line is "
        "still a bound, but no recommendation."
    )
    told = [frontier_sentence(audit, found) for found in audit.distances]
    draw = partial(frontier_figures.distances, audit)
    label = "The policy and its neighbours on the frontier."
    caption = f"Arrows lead to the two nearest policies on the line. {told[0]}"
    return join(
        tag("p", text),
        figure("distance", draw, label, caption, " ".join(told[1:])),
        tables.frontier_table(audit),
    )


def _meaning(audit: Audit) -> Markup:
    text = (
        f"The groups are {listed(list(audit.groups))}, as recorded in the data. Each number "
        "assesses one definition; definitions can contradict each other, and a small gap by one "
        "of them does not make a policy fair. An en dash means that there was no data."
    )
    return join(tag("p", text), tables.measures_table(audit))


def _how(audit: Audit, command: str) -> Markup:
    items = [
        "All numbers are expectations in the model of this world, computed by dynamic and linear "
        "programming: nothing was sampled, and one episode will differ from them.",
        "Linear programs are solved to a relative 1e-8; the least recall gap at the policy's "
        f"profit is searched to within {SEARCH_TOL:g}.",
        "The model has no applicants who leave, no bankruptcy of the lender, and no other lender. "
        "Groups and levels are those of the population; harm within a group is not shown.",
        "A frontier policy shows what is possible in this model, not what anybody should do.",
        *(f"{note}." for note in audit.policy.notes),
    ]
    pairs = [
        ("Policy", audit.policy.text),
        ("People", f"{audit.population.num_people:,}"),
        ("Data", audit.population.source or "not recorded"),
    ]
    return join(
        tag("pre", tag("code", command)),
        definitions(pairs, "facts"),
        tag("ul", *(tag("li", item) for item in items)),
    )
