"""The sentences of a page that hold numbers, computed from the records."""

import numpy as np

from evenhand.experiments.estimates import Estimates
from evenhand.experiments.figures.horizon import EXACT, exact_values
from evenhand.experiments.lists import listed
from evenhand.experiments.statistics import FEW_SEEDS
from evenhand.experiments.wording import (
    criterion_words,
    figure_of,
    is_admissions,
    method_title,
    range_of,
)


def answer(estimates: Estimates) -> str:
    """The page in one sentence: what the headline method earns, and how far that is from best."""
    run, method = estimates.run, estimates.headline
    steps = run.world.get("episode_steps") or run.experiment.get("evaluation_steps")
    found = estimates.interval(method, "return")
    span = f"Over {steps:,} decisions, " if steps else "Per episode, "
    if not found.num:
        return f"The records hold no return of {method_title(method)}."
    earned = f"{span}{method_title(method)} earns {figure_of(found.estimate, 'reward')}"
    earned += f" {range_of(found, 'reward')}".rstrip()
    if not estimates.criteria:
        return f"{earned}."
    return f"{earned}, {below(estimates, method, estimates.criteria[0])}."


def below(estimates: Estimates, method: str, criterion: str) -> str:
    """How far a method is from the exact line, as the end of a sentence."""
    found, line = estimates.distance(method, criterion), estimates.line(criterion)
    words = criterion_words(criterion)
    if line is None or np.isnan(found.gap.estimate):
        return "and its distance to the exact line is not known"
    best = "best achievable" if line.best_achievable else "best of the policies that were solved"
    own = f"{words.title.lower()} of {figure_of(found.disparity.estimate, words.unit)}"
    if found.gap.bounded and not found.gap.excludes_zero:
        return (
            f"not distinguishable from the {figure_of(found.best)} that is {best} at its own {own}"
        )
    share = figure_of(abs(found.relative), "share")
    if found.gap.estimate >= 0:
        return f"{share} below the {figure_of(found.best)} that is {best} at its own {own}"
    # Beyond chance this cannot be; the reader must not take it for a discovery.
    why = (
        ": too few episodes, or records that do not belong together" if line.best_achievable else ""
    )
    return f"{share} above the {figure_of(found.best)} that is {best} at its own {own}{why}"


def people(estimates: Estimates) -> str:
    """What the headline method's decisions mean for each group, in one or two sentences."""
    run, method = estimates.run, estimates.headline
    told = []
    admits = is_admissions(run.experiment)
    for metric, verb in (
        ("approval_rate", f"{'admits' if admits else 'approves'} {{}} of applicants"),
        ("recall", f"{{}} of those who would {'succeed' if admits else 'repay'}"),
    ):
        parts = [
            f"{figure_of(estimates.interval(method, metric, group).estimate, 'share')} ({group})"
            for group in run.groups
            if estimates.has(metric, group)
        ]
        if parts:
            told.append(verb.format(listed(parts)))
    if not told:
        return ""
    return f"It {told[0]}" + (f", and {told[1]}." if len(told) > 1 else ".")


def parity(estimates: Estimates) -> str:
    """What the least disparity would cost the best policy."""
    told = []
    for criterion in estimates.criteria[:1]:
        line = estimates.line(criterion)
        if line is None:
            continue
        words, first = criterion_words(criterion), line.disparity[0]
        share = figure_of(line.price_of_parity / abs(line.profit[-1]), "share")
        least = "no" if first < 1e-6 else "the least possible"
        told.append(
            f"A policy with {least} {words.title.lower()} can earn at most "
            f"{figure_of(line.profit[0])}: {share} less than the unconstrained optimum of "
            f"{figure_of(line.profit[-1])}."
            if line.best_achievable
            else f"The solved policy with {least} {words.title.lower()} earns "
            f"{figure_of(line.profit[0])}."
        )
    return " ".join(told)


def seeds_note(estimates: Estimates) -> str:
    """What the intervals rest on, and a warning where that is little."""
    count = len(estimates.run.seeds)
    episodes = estimates.run.experiment.get("episodes")
    each = f", each the mean of {episodes} episodes" if episodes else ""
    if count == 1:
        return f"One seed{each}: there are no intervals, and chance alone may explain differences."
    text = (
        f"Numbers are means over {count} seeds{each}. Brackets hold 95% bootstrap intervals over "
        "seeds; episodes of one seed share its policy and do not count as independent."
    )
    few = " With so few seeds the intervals are narrower than they should be."
    return text + (few if count < FEW_SEEDS else "")


def horizon_text(estimates: Estimates) -> str:
    """Why a discounted stream of applicants hides an applicant's own future."""
    exact, sizes = exact_values(estimates), estimates.run.world.get("population_per_group", [])
    gap = exact[EXACT[0]] - exact[EXACT[1]]
    share = figure_of(gap / abs(exact[EXACT[0]]), "share")
    return (
        f"An applicant returns only after about {sum(sizes):,} decisions on average, so a learner "
        "that discounts each decision hardly sees what a loan does to that person's own next "
        f"application. Looking that far is worth {figure_of(gap)} here, {share} of what the "
        "exact optimum earns: so much is lost by the rule that judges every decision by itself, "
        "and a learner that earns no more than that rule has not looked ahead."
    )
