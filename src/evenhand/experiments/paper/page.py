"""The page of a study: verdicts, tables, figures, the exact frontier, and how it was run."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from evenhand.experiments import captions, facts, meanings, page, sentences
from evenhand.experiments.document import document
from evenhand.experiments.estimates import Estimates
from evenhand.experiments.markup import Markup, join, tag
from evenhand.experiments.paper import figures, table, verdicts, words
from evenhand.experiments.paper.judging import Verdict
from evenhand.experiments.paper.overview import overview_html, read_overview
from evenhand.experiments.paper.results import LEFT_OUT
from evenhand.experiments.paper.study import Study
from evenhand.experiments.paper.wanted import read_columns
from evenhand.experiments.trials.trial import trial_class
from evenhand.experiments.wording import criterion_words, is_admissions

Runs = Mapping[str, Estimates]


def study_page(study: Study, runs: Runs, found: list[Verdict], command: str, note: str) -> Markup:
    """The text of the page; `note` says what is preliminary about it, "" where nothing is."""
    title = study.about.get("title") or study.key
    scenarios = "one scenario" if len(runs) == 1 else f"{len(runs)} scenarios"
    answer = words.answer(found) if found else f"{title}: {scenarios}."
    summary = study.about.get("summary")
    head = [
        tag("p", answer, class_="answer"),
        tag("p", note, class_="marked") if note else None,
        tag("p", summary, class_="lead") if summary else None,
    ]
    made: list[tuple[str, str, Any]] = [
        ("claims", "What was claimed, and what came out", _claims(study, found)),
        ("tables", "Tables", _tables(study, runs)),
        ("figures", "Figures", _figures(study, runs)),
        ("frontier", "Where the methods are, relative to the exact frontier", _exact(study, runs)),
        ("observed", "What the methods learned to show", _learned(study, runs)),
        ("meaning", "What each measure means, and whom a bad value harms", _meaning(study, runs)),
        ("how", "How it was run", _how(study, runs, command)),
    ]
    foot = tag("p", f"Made by evenhand from the study {study.digest[:12]}. No script, no network.")
    kept = [(name, heading, content) for name, heading, content in made if content]
    return document(f"Reproduction: {title}", head, kept, foot)


def _claims(study: Study, found: list[Verdict]) -> Markup | None:
    if not found:
        return None
    text = (
        "Every claim was turned into comparisons with margins before the runs that are judged. "
        "The statistic is the mean difference over shared seeds, in brackets its 95% bootstrap "
        "interval, or for shares of runs an exact one where the claim asks for it. A comparison "
        "holds where the whole interval is on the claimed side of the margin, fails where the "
        "whole interval is on the other side, and is undecided in between; a claim holds where "
        "all of its comparisons do, and fails where one fails. The number shown is that of the "
        "comparison that decided. Verdicts are about this reproduction: where the paper gives no "
        "numbers for its worlds, other numbers could decide otherwise."
    )
    return join(tag("p", text), verdicts.claims_table(found, study))


def _tables(study: Study, runs: Runs) -> Markup:
    asked = read_columns(study)
    exact = f" {table.EXACT}" if any(column.exact for column in asked) else ""
    parts: list[Any] = [tag("p", table.NOTE + exact, class_="note")]
    if over := read_overview(study):
        parts += [tag("h3", over.title), overview_html(over, study, runs)]
    for name, estimates in runs.items():
        title = study.scenario(name).title
        parts.append(tag("h3", title))
        for more, columns in table.by_table(asked).items():
            parts += [tag("h4", more)] if more else []
            parts.append(table.as_html(estimates, f"{title} {more}".strip(), columns))
    return join(*parts)


def _figures(study: Study, runs: Runs) -> Markup | None:
    made = [
        page.figure(wanted.name, draw, wanted.title, wanted.caption)
        for wanted, draw in figures.drawings(study, runs)
    ]
    if not made:
        return None
    text = (
        "Means over seeds; bands are 95% bootstrap intervals, nothing is smoothed. Dotted lines "
        "are rules, which do not train; grey ones are what chance alone makes. Where a curve "
        "starts far off, its start is cut."
    )
    return join(tag("p", text, class_="note"), *made)


def _exact(study: Study, runs: Runs) -> Markup | None:
    if study.kind:
        return None
    parts: list[Any] = []
    for name, estimates in runs.items():
        parts.append(tag("h3", study.scenario(name).title))
        if why := estimates.run.world.get("not_exact"):
            parts.append(tag("p", str(why), class_="note"))
            continue
        for criterion in estimates.criteria[:1]:
            told = [
                f"{page.method_title(method)} is {sentences.below(estimates, method, criterion)}."
                for method in estimates.run.methods
            ]
            title = criterion_words(criterion).title.lower()
            parts.append(tag("p", f"Measured by {title}:"))
            parts.append(tag("ul", *(tag("li", sentence) for sentence in told)))
        parts += _frontiers(name, estimates)
    text = (
        "The black line is computed exactly by linear programming, not learned. Where it is called "
        "best achievable, no policy of any kind has an expected value above it; a method that "
        "changes what is observed cannot pass it either, for it changes nothing that is true. A "
        "mean over few episodes can lie above the line by chance."
    )
    return join(tag("p", text), *parts)


def _frontiers(name: str, estimates: Estimates) -> list[Markup]:
    from evenhand.experiments.figures.frontier import frontier

    made, many = [], len(estimates.run.methods) > 8
    for index, criterion in enumerate(estimates.criteria):
        widths = ("wide", "narrow") if many or not index else ("narrow",)
        draw = partial(frontier, estimates, criterion)
        title = f"{criterion_words(criterion).title}."
        said = captions.frontier_caption(estimates, criterion)
        made.append(page.figure(f"frontier-{name}-{criterion}", draw, title, *said, widths=widths))
    if many or not made[1:]:
        return made
    return [*made[:1], tag("div", *made[1:], class_="row")]


def _learned(study: Study, runs: Runs) -> Markup | None:
    parts: list[Any] = []
    for name, estimates in runs.items():
        told = words.learned(estimates)
        if told:
            parts += [tag("h3", study.scenario(name).title)]
            parts += [tag("ul", *(tag("li", sentence) for sentence in told))]
    if not parts:
        return None
    text = (
        "Some methods change what the decision-maker sees of each group, never what is true: true "
        "scores, outcomes and the reward stay those of the world. Numbers are means over seeds."
    )
    return join(tag("p", text), *parts)


def _meaning(study: Study, runs: Runs) -> Markup:
    """Definitions and harms, once for each kind of world."""
    if study.kind:
        return meanings.words_table(trial_class(study.kind).measures.values())
    kinds = {is_admissions(e.run.experiment): e for e in runs.values()}
    parts: list[Any] = []
    for admits, estimates in sorted(kinds.items()):
        if len(kinds) > 1:
            parts.append(tag("h3", "Admissions" if admits else "Lending"))
        parts.append(meanings.measures_table(estimates))
    text = (
        "Each number assesses one definition; definitions can contradict each other, and a small "
        "gap by one of them does not make a policy fair."
    )
    return join(tag("p", text), *parts)


def _how(study: Study, runs: Runs, command: str) -> Markup:
    parts: list[Any] = [tag("pre", tag("code", command))]
    about = [(title, study.about.get(key)) for key, title in _ABOUT]
    pairs = [(title, text) for title, text in about if text] + [("Left out", LEFT_OUT)]
    parts.append(page.definitions(pairs))
    for name, estimates in runs.items():
        run = estimates.run
        more = [
            ("Methods", ", ".join(page.method_title(m) for m in run.methods)),
            ("Options", ", ".join(run.experiment.get("options") or ()) or "library defaults"),
            ("First seed", str(run.experiment.get("first_seed", 0))),
        ]
        parts += [tag("h3", study.scenario(name).title)]
        parts.append(page.definitions([*facts.run_facts(run), *more], "facts"))
    return join(*parts)


_ABOUT = (("reference", "Paper"), ("url", "Address"), ("tuning", "Tuning"),
          ("deviations", "Known deviations"))  # fmt: skip
