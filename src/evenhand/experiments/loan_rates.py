"""How often each group is approved at each level, from the records of a run."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float

from evenhand.experiments import statistics
from evenhand.experiments.estimates import Estimates


@dataclass(frozen=True)
class LoanRates:
    """By level: approvals per decision with its band over seeds, and decisions per episode."""

    band: Float[np.ndarray, "3 K"]
    decisions: Float[np.ndarray, " K"]


def loan_rates(estimates: Estimates, method: str, group: str) -> LoanRates | None:
    """The rates of a method and group; NaN at levels without decisions, None without records."""
    frame = estimates.run.levels
    if frame is None:
        return None
    rows = frame.filter((pl.col("algorithm") == method) & (pl.col("group") == group))
    if rows.is_empty():
        return None
    made, approved = (
        rows.pivot(on="level", index="seed", values=name, sort_columns=False)
        .drop("seed").cast(pl.Float64).to_numpy()
        for name in ("decisions", "approvals")
    )  # fmt: skip
    with np.errstate(invalid="ignore"):
        rates = approved / made
    return LoanRates(statistics.band(rates, estimates.generator()), made.mean(0))
