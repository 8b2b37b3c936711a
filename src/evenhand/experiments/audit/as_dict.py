"""An audit as plain data with stable keys, for `--json`."""

from dataclasses import fields
from typing import Any

from evenhand.experiments.audit import words
from evenhand.experiments.audit.conclusions import Conclusion
from evenhand.experiments.audit.facts import Audit
from evenhand.experiments.audit.frontier_words import frontier_sentence
from evenhand.experiments.audit.nearest import Distance, Rival
from evenhand.experiments.audit.numbers import GroupNumbers
from evenhand.experiments.audit.similar import Similar
from evenhand.experiments.audit.under import Effects, WorldFacts

_WHOLE = ("total_profit", "criteria", "totals")


def as_dict(audit: Audit) -> dict[str, Any]:
    """Every number of the audit; arrays by group or level become lists in the order of `groups`."""
    own = audit.own
    return {
        "population": audit.population.name,
        "groups": list(audit.groups),
        "level_labels": list(audit.population.labels),
        "steps": audit.steps,
        "policy": {
            "text": audit.policy.text,
            "title": audit.policy.title,
            "approve": audit.policy.approve.tolist(),
        },
        "sentences": words.sentences(audit),
        "profit": own.numbers.total_profit,
        "by_group": _by_group(audit),
        "criteria": dict(own.numbers.criteria),
        "decomposition": [_effects(audit, d) for d in own.effects.values()],
        "benefit_disparity": [_similar(audit, found) for found in audit.similar],
        "policy_class": "visit",
        "frontier": [_distance(audit, found) for found in audit.distances],
        "assumed": dict(audit.population.assumed),
        "assumptions": [_world(audit, world) for world in audit.worlds],
        "conclusions": [_conclusion(found) for found in audit.conclusions],
        "notes": list(audit.policy.notes),
    }


def _similar(audit: Audit, found: Similar) -> dict[str, Any]:
    return {
        "groups": [audit.groups[g] for g in found.pair],
        "radius": found.radius,
        "value": found.value,
        "most": found.most,
        "mean_difference": found.share,
        "mean_signed_difference": found.ahead,
    }


def _conclusion(found: Conclusion) -> dict[str, Any]:
    return {
        "question": found.question,
        "statement": found.statement,
        "holds_everywhere": found.holds,
        "changes_in": list(found.changes_in),
        "vanishes_in": list(found.vanishes_in),
        "verdicts": dict(zip(found.names, found.verdicts, strict=True)),
    }


def _by_group(audit: Audit) -> dict[str, Any]:
    """Numbers of each group, with its levels over the episode."""
    found, over = _numbers(audit, audit.own.numbers), audit.course
    for g, group in enumerate(audit.groups):
        found[group] |= {
            "gain_caused_per_person": float(audit.own.caused[g]),
            "benefit": audit.benefit[g].tolist(),
            "decisions_by_level": audit.decisions[g].tolist(),
            "levels": [
                {"decisions": int(at), "law": law[g].tolist()}
                for at, law in zip(over.moments, over.laws, strict=True)
            ],
            "mean_score": [
                {"decisions": int(at), "level": float(score[g])}
                for at, score in zip(over.steps, over.mean_score, strict=True)
            ],
        }
    return found


def _numbers(audit: Audit, numbers: GroupNumbers) -> dict[str, Any]:
    names = [f.name for f in fields(numbers) if f.name not in _WHOLE]
    return {
        group: {name: float(getattr(numbers, name)[g]) for name in names}
        for g, group in enumerate(audit.groups)
    }


def _effects(audit: Audit, found: Effects) -> dict[str, Any]:
    return {
        "groups": [audit.groups[g] for g in found.pair],
        "C": found.C,
        "DPE": found.DPE,
        "IPE": found.IPE,
        "SPE": found.SPE,
        "per_person_decided_about": {
            name: getattr(found.paper, name) for name in ("C", "DPE", "IPE", "SPE")
        },
        "printed": dict(found.paper.printed),
        "sentence": words.decomposition(audit, found.pair),
    }


def _distance(audit: Audit, found: Distance) -> dict[str, Any]:
    return {
        "criterion": found.criterion,
        "disparity": found.disparity,
        "profit": found.profit,
        "best_profit": found.best_profit,
        "gap": found.gap,
        "least_disparity": found.least_disparity,
        "sentence": frontier_sentence(audit, found),
        "changes": {
            name: _rival(audit, rival)
            for name, rival in (("more_profit", found.richer), ("less_disparity", found.closer))
        },
        "line": found.line.tolist(),
    }


def _rival(audit: Audit, rival: Rival | None) -> dict[str, Any] | None:
    if rival is None:
        return None
    return {
        "profit": rival.profit,
        "disparity": rival.disparity,
        "by_group": _numbers(audit, rival.numbers),
        "approve": rival.approve.tolist(),
        "shifts": [
            {
                "group": audit.groups[s.group],
                "levels": [s.first, s.last],
                "before": s.before,
                "after": s.after,
                "decisions": s.decisions,
            }
            for s in rival.shifts
        ],
    }


def _world(audit: Audit, world: WorldFacts) -> dict[str, Any]:
    found = world.effects[audit.pair]
    return {
        "name": world.name,
        "why": world.why,
        "about": world.about,
        "profit": world.numbers.total_profit,
        "by_group": _numbers(audit, world.numbers),
        "criteria": dict(world.numbers.criteria),
        "effects": {name: getattr(found, name) for name in ("C", "DPE", "IPE", "SPE")},
        "best_profit": dict(world.best_profit),
    }
