"""How often independent runs of a learner break a notion, beside the chance it was allowed."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from evenhand.core.errors import InputError, unknown_name
from evenhand.data.intervals import clopper_pearson
from evenhand.metrics.notions import ActionFairness

NOTIONS = ("fair", "choice", "action")


@dataclass(frozen=True)
class RunViolations:
    """What R runs say about one notion.

    A run counts as broken if any of its rounds is: the strictest reading of "with probability at
    least 1 - delta", and the one that the paper's proofs use. `upper` is the exact one-sided bound
    (Clopper & Pearson 1934) on the chance of a broken run. `round_share (R,)` is each run's share
    of broken rounds and `severity (R,)` the smallest alpha at which nothing in it is broken, which
    for `fair` is that of the alpha-choice notion.
    """

    notion: str
    num_runs: int
    num_broken: int
    upper: float
    delta: float
    round_share: Float[np.ndarray, " R"]
    severity: Float[np.ndarray, " R"]

    @property
    def rate(self) -> float:
        """Share of the runs that are broken."""
        return self.num_broken / self.num_runs

    @property
    def shown(self) -> bool:
        """Whether the runs show that a run is broken with a chance of at most `delta`."""
        return self.upper <= self.delta


def violations_over_runs(
    log: ActionFairness, notion: str, delta: float, confidence: float = 0.95
) -> RunViolations:
    """What the R runs of a log with axes (R, T) say about `notion`: fair, choice or action."""
    if notion not in NOTIONS:
        raise unknown_name("notion", notion, NOTIONS)
    for name, value in (("delta", delta), ("confidence", confidence)):
        if not 0 < value < 1:
            raise InputError(f"{name} must be between 0 and 1, got {value}")
    if log.choice.ndim != 2 or 0 in log.choice.shape:
        raise InputError(
            "a comparison of runs needs a log of states (R, T) and probabilities (R, T, A), got "
            f"states {log.choice.shape}"
        )
    kept = {"fair": log.fair, "choice": log.choice_fair, "action": log.action_fair}[notion]
    num_runs, num_broken = len(kept), int((~kept).any(1).sum())
    _, upper = clopper_pearson(np.array(num_broken), np.array(num_runs), 2 * confidence - 1)
    severity = (log.action if notion == "action" else log.choice).max(1)
    return RunViolations(
        notion, num_runs, num_broken, float(upper), delta, (~kept).mean(1), severity
    )
