"""The table of metrics: a statistic per group and episode, then a reducer over groups.

Every value is one number per episode. Averaging them over episodes afterwards is ex post (ESR):
the mean of `difference` is the expected gap, which is above 0 by chance alone; the gap of the
means of `by_group` is the ex-ante (SER) one.
"""

from collections.abc import Iterable
from functools import partial
from typing import Any

import equinox as eqx
import numpy as np

from evenhand.core.errors import unknown_name
from evenhand.core.rollout import Evaluation
from evenhand.metrics import metric, reducers, statistics
from evenhand.metrics.metric import Measurement, Metric

_RETURN = partial(statistics.signal_sum, None)
_GAP = (
    "Wasserstein-1 distance between the groups' laws of the {} score at the end of the episode, "
    "in levels; with more than two groups the largest over pairs. By group: the mean score; its "
    "difference is at most the distance, and equals it where one group's law lies above the "
    "other's throughout. Averaged over episodes, an expected distance (ESR)."
)

METRICS: dict[str, Metric] = {
    entry.id: entry
    for entry in (
        Metric(
            "return",
            "Return",
            "Undiscounted sum of the world's first reward signal over the episode, all groups "
            "together; by group: the part earned on decisions about it.",
            "reward",
            "higher",
            _RETURN,
            metric.total,
        ),
        Metric(
            "return_by_group",
            "Difference of group returns",
            "Demographic parity in the sense of returns: the largest minus the smallest group's "
            "return, groups being those of the people decided about. Averaged over episodes, an "
            "expected gap (ESR).",
            "reward",
            "lower",
            _RETURN,
            metric.difference,
        ),
        Metric(
            "profit_rate",
            "Profit per decision",
            "Return divided by the number of decisions, approvals and denials alike; by group: "
            "over the decisions about it.",
            "reward per decision",
            "higher",
            statistics.reward_rate,
            metric.pooled,
        ),
        Metric(
            "approval_rate",
            "Approval rate",
            "Share of decisions that are approvals (selection rate); its difference between the "
            "applicants' groups is the demographic parity difference. Averaged over episodes, an "
            "expected gap (ESR).",
            "share",
            None,
            statistics.approval_rate,
            metric.pooled,
        ),
        Metric(
            "recall",
            "Recall",
            "True positive rate over the whole episode: share of approvals among the applicants "
            "who would repay or succeed, the denied included, whose outcome the simulator knows; "
            "its difference between the applicants' groups is the equal opportunity difference "
            "(recall gap). Averaged over episodes, an expected gap (ESR).",
            "share",
            "higher",
            statistics.recall,
            metric.pooled,
        ),
        Metric(
            "credit_gap_true",
            "Credit gap, true scores",
            _GAP.format("true"),
            "levels",
            "lower",
            partial(statistics.final_score, "true_score"),
            metric.largest_pair,
        ),
        Metric(
            "credit_gap_observed",
            "Credit gap, observed scores",
            _GAP.format("observed"),
            "levels",
            "lower",
            partial(statistics.final_score, "observed_score"),
            metric.largest_pair,
        ),
        Metric(
            "qualification_gain",
            "Qualification gain",
            "Sum over the episode of the change in the applicants' qualification potential; its "
            "difference between the applicants' groups is the qualification gain disparity. "
            "Averaged over episodes, an expected gap (ESR), above 0 by chance alone: read it "
            "beside the signed difference.",
            "potential",
            "higher",
            partial(statistics.signal_sum, "qualification_gain"),
            metric.total,
        ),
        Metric(
            "social_burden",
            "Social burden",
            "Mean total cost that the admitted paid over the episode to be admitted; by group: "
            "the admitted of that group. Averaged over episodes, an expected burden (ESR).",
            "cost per admitted person",
            "lower",
            statistics.admitted_cost,
            metric.pooled,
        ),
    )
}


@eqx.filter_jit
def _measure(evaluation: Evaluation, env: Any, params: Any, ids: tuple[str, ...]) -> dict:
    found = {}
    for name in ids:
        statistic = METRICS[name].statistic(evaluation, env, params)
        found[name] = {
            "by_group": statistic.by_group,
            "count": statistic.count,
            "value": METRICS[name].reducer(statistic),
            "difference": reducers.difference(statistic.by_group),
            "signed_difference": reducers.signed_difference(statistic.by_group),
            "pairs": statistic.pairs,
        }
    return found


def measure(
    evaluation: Evaluation, env: Any, params: Any, ids: Iterable[str] | None = None
) -> dict[str, Measurement]:
    """Metrics of an evaluation by id; all of the catalogue's unless `ids` names some."""
    ids = tuple(METRICS) if ids is None else tuple(ids)
    for name in ids:
        if name not in METRICS:
            raise unknown_name("metric", name, METRICS)
    found = _measure(evaluation, env, params, ids)
    return {name: _on_host(**found[name]) for name in ids}


def _on_host(pairs: Any, **fields: Any) -> Measurement:
    arrays = {key: np.asarray(leaf) for key, leaf in fields.items()}
    return Measurement(**arrays, pairs=None if pairs is None else np.asarray(pairs))
