"""The sentences of a page that hold numbers, computed from the records."""

from typing import Any

import numpy as np

from evenhand.experiments.estimates import Distance, Estimates
from evenhand.experiments.figures.horizon import EXACT, exact_values
from evenhand.experiments.record import Run
from evenhand.experiments.statistics import FEW_SEEDS
from evenhand.experiments.wording import criterion_words, figure_of, method_title, range_of


def answer(estimates: Estimates) -> str:
    """The page in one sentence: what the headline method earns, and how far that is from best."""
    run, method = estimates.run, estimates.headline
    steps = run.world.get("episode_steps") or run.experiment.get("evaluation_steps")
    found = estimates.interval(method, "return")
    span = f"Over {steps:,} decisions, " if steps else "Per episode, "
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
    side = "below" if found.gap.estimate >= 0 else "above"
    share = figure_of(abs(found.relative), "share")
    return f"{share} {side} the {figure_of(found.best)} that is {best} at its own {own}"


def people(estimates: Estimates) -> str:
    """What the headline method's decisions mean for each group, in one or two sentences."""
    run, method = estimates.run, estimates.headline
    told = []
    for metric, verb in (
        ("approval_rate", "approves {} of applicants"),
        ("recall", "{} of those who would repay"),
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


def frontier_caption(estimates: Estimates, criterion: str) -> str:
    """What the frontier figure shows, with its numbers."""
    line, words = estimates.line(criterion), criterion_words(criterion)
    if line is None:
        return ""
    kind = (
        "The line is the best return achievable by any policy"
        if line.best_achievable
        else ("The line is exact for policies that count visits only; other policies may exceed it")
    )
    first = figure_of(line.disparity[0], words.unit)
    text = (
        f"{kind}, for {words.meaning}: {figure_of(line.profit[0])} at {first}, rising to "
        f"{figure_of(line.profit[-1])} at {figure_of(line.disparity[-1], words.unit)}. "
    )
    points = [
        f"{method_title(m)} {figure_of(d.profit.estimate)} at "
        f"{figure_of(d.disparity.estimate, words.unit)}"
        + ("" if np.isnan(d.relative) else f" ({_side(d)})")
        for m in estimates.run.methods
        if np.isfinite((d := estimates.distance(m, criterion)).profit.estimate)
    ]
    return text + f"Methods: {'; '.join(points)}."


def ends_caption(estimates: Estimates, metric: str, what: str, unit: str) -> str:
    """Each method's last value of a series in every group."""
    told = []
    for method in estimates.run.methods:
        ends = []
        for group in estimates.run.groups:
            found = estimates.series(method, metric, group)
            if found is not None:
                ends.append(f"{group} {figure_of(found[1][0][-1], unit)}")
        if ends:
            told.append(f"{method_title(method)}: {', '.join(ends)}")
    return f"{what} at the end. {'; '.join(told)}."


def distribution_caption(estimates: Estimates) -> str:
    """Which share of each group ends in the lowest and in the highest level."""
    from evenhand.experiments.figures.distributions import moved_shares

    told = []
    for (method, group), pair in moved_shares(estimates).items():
        low, high = figure_of(pair[1][0], "share"), figure_of(pair[1][-1], "share")
        told.append(f"{method_title(method)}, {group}: {low} and {high}")
    return (
        "The outline is the start, the bars are the end of the episode. Share of people who end "
        f"in the lowest and in the highest level: {'; '.join(told)}."
    )


def curves_caption(estimates: Estimates, metric: str) -> str:
    """Where each learned method's curve starts and ends; "" where there is no curve."""
    told = []
    for method in estimates.run.methods:
        found = estimates.curve(method, metric)
        if found is not None:
            steps, band = found
            told.append(
                f"{method_title(method)} from {figure_of(band[0][0])} to {figure_of(band[0][-1])} "
                f"after {int(steps[-1]):,} steps"
            )
    if not told:
        return ""
    return f"Mean {metric} per step with a 95% band over seeds: {'; '.join(told)}."


def horizon_text(estimates: Estimates) -> str:
    """Why a discounted stream of applicants hides an applicant's own future."""
    exact, sizes = exact_values(estimates), estimates.run.world.get("population_per_group", [])
    gap = exact[EXACT[0]] - exact[EXACT[1]]
    share = figure_of(gap / abs(exact[EXACT[0]]), "share")
    return (
        f"An applicant returns only after about {sum(sizes):,} decisions on average, so a learner "
        "that discounts each decision hardly sees what a loan does to that person's own next "
        f"application. Looking that far is worth {figure_of(gap)} here: the exact optimum earns "
        f"{share} more than it would by judging every decision by itself, and a learner that "
        "stays near the myopic rule has not found this part."
    )


def horizon_caption(estimates: Estimates) -> str:
    """The values in the horizon figure."""
    parts = [f"{name} {figure_of(value)}" for name, value in exact_values(estimates).items()]
    for method in estimates.learned:
        found = estimates.interval(method, "return")
        parts.append(
            f"{method_title(method)} {figure_of(found.estimate)} {range_of(found)}".strip()
        )
    return f"Return per episode: {'; '.join(parts)}."


def listed(parts: list[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _side(found: Distance) -> str:
    side = "below" if found.gap.estimate >= 0 else "above"
    small = abs(found.relative) <= 1
    size = figure_of(abs(found.relative), "share") if small else figure_of(abs(found.gap.estimate))
    return f"{size} {side} the line"


def run_facts(run: Run) -> list[tuple[str, str]]:
    """What was run, on what, for how long, as terms and words; absent facts are left out."""
    experiment, manifest = run.experiment, run.manifest
    facts = {
        "World": join_words(experiment.get("env"), experiment.get("preset")),
        "Settings": ", ".join(map(str, experiment.get("settings") or ())),
        "Training budget": _count(experiment.get("steps"), "environment steps per seed"),
        "Evaluation": join_words(
            _count(experiment.get("episodes"), "episodes per seed"),
            _count(experiment.get("evaluation_steps"), "decisions each"),
        ),
        "Seeds": join_words(str(len(run.seeds)), manifest.get("seed_mode")),
        "Device": join_words(manifest.get("device"), _count(manifest.get("cores"), "cores")),
        "Wall time": _seconds(manifest.get("wall_seconds")),
        "Compiling": _seconds(manifest.get("compile_seconds")),
        "Finished": str(manifest.get("finished") or ""),
        "Versions": ", ".join(f"{k} {v}" for k, v in (manifest.get("versions") or {}).items()),
        "Commit": str(manifest.get("commit") or ""),
        "Digest": run.digest,
    }
    return [(name, words) for name, words in facts.items() if words]


def join_words(*words: Any) -> str:
    """The words that there are, with commas."""
    return ", ".join(str(word) for word in words if word)


def _count(number: Any, unit: str) -> str:
    return f"{number:,} {unit}" if isinstance(number, int) else ""


def _seconds(seconds: Any) -> str:
    if not isinstance(seconds, int | float):
        return ""
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"
