"""The sentences of an audit, computed from its numbers."""

import numpy as np

from evenhand.experiments.audit.assumption_words import held
from evenhand.experiments.audit.conclusions import ALIKE, STILL
from evenhand.experiments.audit.facts import Audit
from evenhand.experiments.audit.frontier_words import frontier_sentence, on_frontier
from evenhand.experiments.audit.under import Effects, Pair
from evenhand.experiments.lists import listed
from evenhand.experiments.wording import criterion_words, figure_of


def title(audit: Audit) -> str:
    """What the page is about, in one line."""
    groups = ", ".join(audit.groups)
    return (
        f"Audit of {audit.policy.title} on {audit.population.name}, groups {groups}, "
        f"{audit.steps:,} decisions"
    )


def answer(audit: Audit) -> str:
    """The audit in one sentence: who is behind, how much of it is caused, what is better."""
    found, (ahead, behind) = _ordered(audit, audit.pair)
    first, second = audit.groups[ahead], audit.groups[behind]
    if abs(found.C) < STILL:
        text = f"Under {audit.policy.title}, {first} and {second} gain alike in qualification"
    else:
        size = figure_of(abs(found.C))
        less = f"gains {size} less" if not _both_lose(audit) else f"loses {size} more"
        text = (
            f"Under {audit.policy.title}, {second} {less} in qualification per person than {first}"
        )
    return f"{text}, {_source(found)}; {better(audit)}."


def _both_lose(audit: Audit) -> bool:
    return bool((audit.own.numbers.gain_per_person[list(audit.pair)] < 0).all())


def _source(found: Effects) -> str:
    """How much of a difference the policy causes."""
    size, anyway = abs(found.C), figure_of(abs(found.SPE))
    if abs(found.SPE) < STILL:
        return "as they would without it" if size < STILL else "all of it caused by the policy"
    if size < STILL:
        return f"while without it they would differ by {anyway}"
    if found.SPE * found.C < 0:
        return f"while without it the difference would be {anyway} the other way round"
    if abs(found.DPE + found.IPE) < STILL:
        return "as much as without the policy"
    if abs(found.SPE) > size:
        return f"while without it the difference would be larger, {anyway}"
    return f"of which {anyway} would be there without the policy"


def better(audit: Audit) -> str:
    """What the frontier of the first criterion offers, as the end of a sentence."""
    if not audit.distances:
        return "no criterion is defined here"
    found = audit.distances[0]
    name = criterion_words(found.criterion).title.lower()
    if on_frontier(found):
        return f"nothing earns more with no more {name}"
    if found.richer is None:
        return f"by {name} the solver settled on no other policy"
    if not found.profit > 0:
        more = figure_of(found.gap) + " more"
    else:
        more = figure_of(found.gap / found.profit, "share") + " more"
    return f"another policy earns {more} with no more {name}"


def _ordered(audit: Audit, pair: Pair) -> tuple[Effects, Pair]:
    """The pair's effects, and the pair with the group that gains more first."""
    found = audit.own.effects[pair]
    return found, pair if found.C >= 0 else (pair[1], pair[0])


def people(audit: Audit) -> str:
    """Approvals and recall of every group."""
    own = audit.own.numbers
    rates = _by_group(audit, own.approval_rate)
    text = f"It approves {rates} of applications"
    if np.isfinite(own.recall).all():
        text += f", and {_by_group(audit, own.recall)} of those who would repay"
    return f"{text}."


def _by_group(audit: Audit, values: np.ndarray, unit: str = "share") -> str:
    return listed(
        [f"{figure_of(v, unit)} ({g})" for g, v in zip(audit.groups, values, strict=True)]
    )


def effect_on_each(audit: Audit) -> str:
    """What approvals do to each group, compared with approving nobody."""
    caused, parts = audit.own.caused, []
    for way, values in (("raises", caused), ("lowers", -caused)):
        told = [
            f"{figure_of(value)} ({group})"
            for group, value in zip(audit.groups, values, strict=True)
            if value >= STILL
        ]
        if told:
            parts.append(f"{way} qualification per person by {listed(told)}")
    still = [g for g, v in zip(audit.groups, caused, strict=True) if abs(v) < STILL]
    if still:
        parts.append(f"leaves {listed(still)} where they are")
    text = f"Compared with approving nobody, the policy {listed(parts)}."
    if (caused < -STILL).any():
        harmed = listed([g for g, v in zip(audit.groups, caused, strict=True) if v < -STILL])
        text += (
            " Loans that default push people down further than the repaid ones lift them: for "
            f"{harmed} the approvals themselves do the harm."
        )
    return text


def decomposition(audit: Audit, pair: Pair) -> str:
    """Where the difference between two groups comes from, in plain words."""
    found, (ahead, behind) = _ordered(audit, pair)
    first, second = audit.groups[ahead], audit.groups[behind]
    if abs(found.C) < STILL:
        start = f"{first} and {second} gain alike in expectation"
    else:
        start = f"Per person, {second} gains {figure_of(abs(found.C))} less than {first}"
    sign = 1 if found.C >= 0 else -1
    told = (
        (sign * found.DPE, "directly, by whom it approves"),
        (sign * found.IPE, "through the levels that its earlier decisions set in motion"),
        (sign * found.SPE, "that would be there with nobody approved"),
    )
    kept = [_part(value, how) for value, how in told if abs(value) >= STILL]
    return f"{start}: {'; '.join(kept)}." if kept else f"{start}, with and without the policy."


def _part(value: float, how: str) -> str:
    return f"{figure_of(abs(value))} {how}" if value > 0 else f"less {figure_of(-value)} {how}"


def harm(audit: Audit) -> str:
    """Whom the difference of the first pair harms, and how."""
    found, (_, behind) = _ordered(audit, audit.pair)
    if abs(found.C) < STILL:
        return "By this definition neither of the two groups is left behind."
    return (
        f"The harm is to members of {audit.groups[behind]}: they end lower than equal gains would "
        "leave them, and their next applications, here or elsewhere, start from there."
    )


def lowered(audit: Audit) -> str:
    """Which share of approvals goes to people whom an approval is expected to lower."""
    approved = audit.decisions * audit.policy.approve
    total = approved.sum(1)
    if not (total > 1e-9).any():
        return "It approves nobody."
    share = np.where(audit.benefit < -1e-9, approved, 0.0).sum(1) / np.maximum(total, 1e-12)
    if share.max() < 5e-4:
        return "No approval goes to people whom it is expected to lower."
    return (
        f"Of its approvals {_by_group(audit, share)} go to people whom an approval is expected to "
        "lower: a default would cost them more than a repayment can give."
    )


def benefit_sentence(audit: Audit) -> str:
    """How differently two groups' people with about equal benefit are decided about."""
    found = next(s for s in audit.similar if s.pair == audit.pair)
    names = f"{audit.groups[audit.pair[0]]} and {audit.groups[audit.pair[1]]}"
    if not np.isfinite(found.share):
        return f"No people of {names} have benefits within {found.radius:g} of each other."
    text = (
        f"Between people of {names} whose benefits lie within {found.radius:g} of each other, the "
        f"chance of approval differs by {figure_of(found.share, 'share')} on average"
    )
    if abs(found.ahead) < ALIKE:
        return f"{text}, and on balance neither group is approved more often."
    more = audit.groups[audit.pair[0 if found.ahead > 0 else 1]]
    points = figure_of(100 * abs(found.ahead))
    return f"{text}; on balance {more} is approved more often, by {points} percentage points."


def sentences(audit: Audit) -> list[str]:
    """Five sentences that say it all, for the terminal and the head of the page."""
    told = [answer(audit), people(audit), effect_on_each(audit)]
    if audit.distances:
        told.append(frontier_sentence(audit, audit.distances[0]))
    return [*told, held(audit)]
