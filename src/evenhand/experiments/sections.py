"""The sections of the page, in their order."""

from functools import partial
from typing import Any

from evenhand.experiments import assumptions, captions, facts, meanings, page, sentences
from evenhand.experiments.estimates import Estimates
from evenhand.experiments.figures.horizon import EXACT, exact_values
from evenhand.experiments.markup import Markup, join, tag
from evenhand.experiments.wording import is_admissions, method_title

LICENCES = {
    "Federal Reserve": "published by the US Federal Reserve in a public report to Congress",
    "ml-fairness-gym": "published with ml-fairness-gym under the Apache License 2.0",
}


def sections(estimates: Estimates) -> list[tuple[str, str, Markup]]:
    """(id, title, content) of every section."""
    made = [
        ("numbers", "The key numbers", numbers(estimates)),
        ("frontier", "How far from the exact frontier", exact_frontier(estimates)),
        ("people", "What happens to people over time", people(estimates)),
        ("horizon", "What looking ahead is worth", horizon(estimates)),
        ("training", "How the learned methods got there", training(estimates)),
        ("assumed", "What is assumed", assumptions.assumed(estimates)),
        ("meaning", "What each measure means, and whom a bad value harms", meaning(estimates)),
        ("how", "How it was run", how(estimates)),
    ]
    return [(name, title, content) for name, title, content in made if content]


def numbers(estimates: Estimates) -> Markup:
    """The key table, what the methods are, and which differences hold up."""
    parts: list[Any] = [
        tag("p", sentences.seeds_note(estimates), class_="note"),
        tag("h3", "What the decision-maker earns"),
        page.earnings_table(estimates),
        tag("h3", "What the decisions mean for each group"),
        page.people_table(estimates),
        tag("h3", "The methods"),
        meanings.methods_list(estimates),
    ]
    if len(estimates.run.methods) > 1:
        ours = method_title(estimates.headline)
        text = (
            f"A shared seed means the same start and the same arrivals, so {ours} and another "
            "method are compared seed by seed. An interval that holds 0 shows no clear difference."
        )
        parts += [tag("h3", "Which differences hold up"), tag("p", text)]
        parts.append(page.comparison_table(estimates))
    return join(*parts)


def exact_frontier(estimates: Estimates) -> Markup:
    """One picture per criterion."""
    if why := estimates.run.world.get("not_exact"):
        return tag("p", str(why), class_="note")
    if not estimates.criteria:
        command = f"evenhand frontier --preset {estimates.run.experiment.get('preset') or 'NAME'}"
        return page.missing("There are no exact frontiers", command)
    line = estimates.line(estimates.criteria[0])
    binds = line is not None and line.best_achievable
    text = (
        "The black line is computed exactly by linear programming, not learned"
        + (": no policy of any kind has an expected value above it." if binds else ".")
        + " A method on it wastes nothing at its level of disparity; a method below it could earn "
        "more with the same disparity, or treat the groups more alike at the same return. The "
        "line holds for expectations: a mean over few episodes can lie above it by chance, and "
        "chance also keeps a sampled disparity away from 0. Between solved points the line is "
        "straight."
    )
    if binds and len(estimates.lines(estimates.criteria[0])) > 1:
        text += (
            " The dashed line is the best of policies that know how often an applicant came "
            "before, but not the date."
        )
    return join(tag("p", text), *page.frontier_figures(estimates))


def people(estimates: Estimates) -> Markup:
    """Approvals, recall and scores over an episode."""
    from evenhand.experiments.figures.approvals import approvals
    from evenhand.experiments.figures.distributions import distributions
    from evenhand.experiments.figures.looks import ends_of_sweeps
    from evenhand.experiments.figures.panels import methods_with
    from evenhand.experiments.figures.recall import recall

    parts: list[Any] = []
    for metric, draw, label, what, unit in (
        ("approvals", approvals, "Approvals so far.", "Approvals per group", "number"),
        ("recall", recall, "Recall so far.", "Recall per group", "share"),
    ):
        if methods_with(estimates, metric):
            words = captions.ends_caption(estimates, metric, what, unit)
            parts.append(page.figure(metric, partial(draw, estimates), label, *words))
    if len(ends_of_sweeps(estimates.run.methods)) < len(estimates.run.methods):
        text = "Of variants that differ in one number, the least and the greatest have a picture."
        parts.append(tag("p", text, class_="note"))
    if not parts:
        parts.append(page.missing("There are no series over time", estimates.run.command))
    if is_admissions(estimates.run.experiment):
        text = (
            "True scores never move here: no decision changes them, only observed ones are bought."
        )
        return join(*parts, tag("p", text, class_="note"))
    if estimates.run.distributions is None:
        return join(*parts, page.missing("There are no distributions", estimates.run.command))
    label = "True scores, before and after."
    words = captions.distribution_caption(estimates)
    drawing = page.figure("scores", partial(distributions, estimates), label, *words)
    return join(*parts, drawing)


def horizon(estimates: Estimates) -> Markup | None:
    """The gap between looking ahead and not, where both exact values are known."""
    from evenhand.experiments.figures.horizon import horizon as draw

    if not set(EXACT) <= exact_values(estimates).keys():
        return None
    caption = captions.horizon_caption(estimates)
    drawing = page.figure("gap", partial(draw, estimates), "Looking ahead.", caption)
    return join(tag("p", sentences.horizon_text(estimates)), drawing)


def training(estimates: Estimates) -> Markup | None:
    """Training curves of the first quantity that was recorded."""
    from evenhand.experiments.figures.curves import curves

    frame = estimates.run.curves
    if frame is None:
        return page.missing("There are no training curves", estimates.run.command)
    metrics = frame["metric"].unique(maintain_order=True).to_list()
    metric = "reward" if "reward" in metrics else metrics[0]
    caption = captions.curves_caption(estimates, metric)
    if not caption:
        return None
    return page.figure("curves", partial(curves, estimates, metric), "Training.", caption)


def meaning(estimates: Estimates) -> Markup:
    """Definitions, groups and harms."""
    groups = sentences.listed(list(estimates.run.groups))
    text = (
        f"The groups are {groups}, as recorded in the data. Each number assesses one definition; "
        "definitions can contradict each other, and a small gap by one of them does not make a "
        "policy fair. An en dash means that there was no data, which is not the same as zero."
    )
    return join(tag("p", text), meanings.measures_table(estimates))


def how(estimates: Estimates) -> Markup:
    """Budget, versions, digest, the command that makes it again, data source and licence."""
    run = estimates.run
    source = str(run.world.get("source") or "not recorded")
    licence = run.world.get("licence") or next(
        (words for name, words in LICENCES.items() if name in source), "see the source"
    )
    tuning = run.experiment.get("tuning") or (
        "every method ran with the settings in experiment.json; the records do not say how these "
        "were chosen"
    )
    pairs = [*facts.run_facts(run), ("Tuning", tuning), ("Data", source), ("Licence", licence)]
    return join(
        tag(
            "p",
            "This command makes the run again; device and versions as below give the same numbers.",
        ),
        tag("pre", tag("code", run.command)),
        page.definitions(pairs, "facts"),
    )
