"""Two tables from the records of the study: the sweep of m_Q, and which notion each learner kept.

    python papers/fair_e3/notions.py

Reads `results/final.parquet`, writes `results/notions.md`. Bounds on the chance of a run with a
violation are the exact ones (Clopper and Pearson, 95%); those of means are bootstrap intervals.
"""

from pathlib import Path

import numpy as np
import polars as pl

from evenhand.core.files import write_text
from evenhand.experiments.statistics import Interval, mean_interval, share_interval
from evenhand.experiments.variants import base_method
from evenhand.experiments.wording import method_title

RESULTS = Path(__file__).parent / "results"
TITLES = {"trap": "trap", "random": "random, 6", "random-larger": "random, 10", "chain": "chain"}
SWEPT = tuple(f"fair-e3:m_q={m}" for m in (1, 2, 5, 10, 30, 100))
NOTIONS = {"fair": "fair", "choice": "alpha-choice fair", "action": "alpha-action fair"}
# What is proved of each learner, at any length of a run.
PROVED = {
    "fair-e3": "alpha-action, at the theorem's m_Q only",
    "fair-e3:m_q=2;estimator=oracle": "alpha-action (Obs. 3, 4), if the truth is known",
    "interval-certified": "none: its bounds are a tenth of those that hold",
    "interval-certified:scale=1": "alpha-action, with probability 1 - delta",
    "uniform-play": "all three (Obs. 3)",
}


def values(records: pl.DataFrame, scenario: str, method: str, metric: str) -> np.ndarray:
    """The measure of every seed."""
    rows = records.filter(scenario=scenario, algorithm=method, metric=metric)
    return rows["value"].to_numpy()


def sweep(records: pl.DataFrame) -> list[str]:
    """Runs and audits with a violation, and reward, for every m_Q in every problem."""
    lines = ["| problem | m_Q | runs violating | rounds | audits of all states | reward |",
             "|---|---:|---:|---:|---:|---:|"]  # fmt: skip
    for scenario, title in TITLES.items():
        for method in SWEPT:
            runs = share_interval(values(records, scenario, method, "violating_run:action"))
            means = [
                mean_interval(values(records, scenario, method, metric), np.random.default_rng(0))
                for metric in ("violating_rounds:action", "violating_audits:action", "reward_gap")
            ]
            cells = [share(runs, 1), share(means[0], 2), share(means[1], 1), number(means[2])]
            lines.append(f"| {title} | {method.partition('=')[2]} | {' | '.join(cells)} |")
    return lines


def kept(records: pl.DataFrame) -> list[str]:
    """Broken runs of every learner over all problems, and the highest upper bound of one."""
    lines = [f"| learner | {' | '.join(NOTIONS.values())} | proved |", "|---|---:|---:|---:|---|"]
    for method in records["algorithm"].unique(maintain_order=True):
        cells = []
        for notion in NOTIONS:
            each = [values(records, name, method, f"violating_run:{notion}") for name in TITLES]
            highest = max(share_interval(one).high for one in each)
            broken = "/".join(f"{int(one.sum())}" for one in each)
            cells.append(f"{broken} (at most {100 * highest:.0f}%)")
        proved = PROVED.get(method) or PROVED.get(base_method(method), "none")
        lines.append(f"| {method_title(method)} | {' | '.join(cells)} | {proved} |")
    return lines


def share(found: Interval, digits: int) -> str:
    """A share with its interval in percent."""
    low, high = (f"{100 * end:.{digits}f}" for end in (found.low, found.high))
    return f"{100 * found.estimate:.{digits}f}% [{low}, {high}]"


def number(found: Interval) -> str:
    """A number with its interval."""
    return f"{found.estimate:.3f} [{found.low:.3f}, {found.high:.3f}]"


def main() -> None:
    """Compute and write."""
    records = pl.read_parquet(RESULTS / "final.parquet")
    problems = ", ".join(TITLES.values())
    text = ["# The sweep of m_Q", "", *sweep(records), "", "# Which notion each learner kept", "",
            f"Runs with any violation, of forty each: {problems}.", "", *kept(records)]  # fmt: skip
    write_text(RESULTS / "notions.md", "\n".join(text) + "\n")


if __name__ == "__main__":
    main()
