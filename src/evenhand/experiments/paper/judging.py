"""From the records of a study's runs to verdicts on the claims."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evenhand.experiments import statistics
from evenhand.experiments.estimates import Estimates
from evenhand.experiments.paper.claims import Claim, Comparison
from evenhand.experiments.paper.quantities import Quantity
from evenhand.experiments.statistics import Interval

HOLDS, FAILS, UNDECIDED = "holds", "does not hold", "undecided"


@dataclass(frozen=True)
class Judged:
    """A test with its statistic, the mean difference a - b over seeds, and what follows."""

    test: Comparison
    a: float
    b: float
    difference: Interval
    margin: float
    verdict: str

    @property
    def slack(self) -> float:
        """How far the interval's nearest edge is inside what is claimed; below 0 outside."""
        low, high, margin = self.difference.low, self.difference.high, self.margin
        if not self.difference.bounded:
            return -np.inf
        if self.test.relation == "greater":
            return low - margin
        return -margin - high if self.test.relation == "less" else min(margin - high, low + margin)


@dataclass(frozen=True)
class Verdict:
    """A claim with its tests; `deciding` is the one nearest to failing, or that failed most."""

    claim: Claim
    verdict: str
    tests: tuple[Judged, ...]
    missing: tuple[str, ...] = ()

    @property
    def deciding(self) -> Judged | None:
        last = [_last(group) for group in _alternatives(self.tests)]
        with_data = [judged for judged in last if judged.difference.num]
        same = [judged for judged in with_data if judged.verdict == self.verdict]
        return min(same or with_data, key=lambda judged: judged.slack, default=None)


def judge(claim: Claim, runs: Mapping[str, Estimates]) -> Verdict:
    """The verdict on a claim: it holds where all tests hold, and fails where one fails.

    Of alternatives one is enough. Tests on scenarios that are not among `runs` are left out, and
    the claim is then undecided unless another test fails.
    """
    missing = tuple(sorted(claim.scenarios - runs.keys()))
    tests = tuple(judge_test(t, runs) for t in claim.tests if t.scenarios <= runs.keys())
    found = {_last(group).verdict for group in _alternatives(tests)}
    if FAILS in found:
        return Verdict(claim, FAILS, tests, missing)
    decided = found == {HOLDS} and not missing
    return Verdict(claim, HOLDS if decided else UNDECIDED, tests, missing)


def _alternatives(tests: Sequence[Judged]) -> list[list[Judged]]:
    """The tests in groups of which one has to hold; most tests are alone in theirs."""
    groups: dict[Any, list[Judged]] = {}
    for number, judged in enumerate(tests):
        test = judged.test
        key = (test.any, test.a.method, test.a.scenario) if test.any else number
        groups.setdefault(key, []).append(judged)
    return list(groups.values())


def _last(group: Sequence[Judged]) -> Judged:
    """The alternative that comes nearest to holding."""
    rank = {HOLDS: 2, UNDECIDED: 1, FAILS: 0}
    return max(group, key=lambda judged: (rank[judged.verdict], judged.slack))


def judge_test(test: Comparison, runs: Mapping[str, Estimates]) -> Judged:
    """The verdict on one comparison.

    The statistic is the mean over shared seeds of a - b with a 95% bootstrap interval, or the
    exact one where the test asks for it. A test
    holds where the whole interval is on the claimed side of the margin, fails where the whole of
    it is on the other side, and is undecided in between or without an interval.
    """
    a, b = (_by_seed(side, runs) for side in (test.a, test.b))
    seeds = sorted(a.keys() & b.keys() if isinstance(b, dict) else a.keys())
    left = np.array([a[seed] for seed in seeds])
    right = np.array([b[seed] if isinstance(b, dict) else b for seed in seeds], float)
    both = np.isfinite(left) & np.isfinite(right)
    left, right = left[both], right[both]
    found = _difference(test, left, right)
    mean_a, mean_b = (float(side.mean()) if side.size else float("nan") for side in (left, right))
    margin = test.margin + test.relative * abs(mean_b)
    return Judged(test, mean_a, mean_b, found, margin, _verdict(test.relation, found, margin))


def _difference(test: Comparison, left: np.ndarray, right: np.ndarray) -> Interval:
    if not test.exact:
        return statistics.paired_difference(left, right, np.random.default_rng(0))
    share, b = statistics.share_interval(left), float(right.mean()) if right.size else np.nan
    return Interval(share.estimate - b, share.low - b, share.high - b, share.num)


def _verdict(relation: str, found: Interval, margin: float) -> str:
    if not found.bounded:
        return UNDECIDED
    low, high = found.low, found.high
    if relation == "close":
        inside, outside = -margin <= low and high <= margin, low > margin or high < -margin
    elif relation == "greater":
        inside, outside = low > margin, high <= margin
    else:
        inside, outside = high < -margin, low >= -margin
    return HOLDS if inside else FAILS if outside else UNDECIDED


def _by_seed(side: Quantity | float, runs: Mapping[str, Estimates]) -> Any:
    if not isinstance(side, Quantity):
        return side
    estimates = runs[side.scenario]
    return dict(zip(estimates.run.seeds, side.values(estimates), strict=True))


def verdict_row(found: Verdict) -> dict[str, Any]:
    """A verdict as `results/verdicts.json` keeps it."""
    deciding = found.deciding
    row = {"id": found.claim.id, "statistic": None, "interval": None, "verdict": found.verdict}
    if deciding is not None:
        row |= {"statistic": deciding.difference.estimate, "interval": _ends(deciding.difference)}
    if found.missing:
        row["not_run"] = list(found.missing)
    return row | {"tests": [comparison_row(judged) for judged in found.tests]}


def comparison_row(judged: Judged) -> dict[str, Any]:
    """A judged test as plain values."""
    from evenhand.core.plain import plain

    test = judged.test
    return plain(
        {
            "a": _named(test.a),
            "b": _named(test.b),
            "relation": test.relation,
            "margin": judged.margin,
            "mean_a": judged.a,
            "mean_b": judged.b,
            "statistic": judged.difference.estimate,
            "interval": _ends(judged.difference),
            "seeds": judged.difference.num,
            "verdict": judged.verdict,
        }
    )


def _named(side: Quantity | float) -> dict[str, Any] | float:
    """A quantity without the parts that it does not use."""
    if not isinstance(side, Quantity):
        return side
    return {key: value for key, value in vars(side).items() if value not in ("", 1.0, False)}


def _ends(found: Interval) -> list[float] | None:
    return [found.low, found.high] if found.bounded else None
