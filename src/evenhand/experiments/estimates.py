"""What a run's records say, as numbers: intervals per method, and distances to the exact line."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from evenhand.experiments import statistics
from evenhand.experiments.record import Run
from evenhand.experiments.statistics import Interval

# Steps `(T,)`, and `(3, T)` mean, low and high end.
Series = tuple[np.ndarray, np.ndarray]

LINE_CLASSES = ("time", "visit")
# In the order of the page; the first one a run has is the one its first sentence speaks of.
CRITERIA_ORDER = ("gain-disparity", "approval-gap", "recall-gap", "score-w1")


@dataclass(frozen=True)
class ExactLine:
    """The exact frontier of one criterion and policy class, by rising disparity."""

    policy_class: str
    disparity: np.ndarray
    profit: np.ndarray

    @property
    def best_achievable(self) -> bool:
        """Whether no policy at all can be above the line."""
        return self.policy_class == "time"

    @property
    def price_of_parity(self) -> float:
        """Profit lost between the best policy and the best one of least disparity."""
        return float(self.profit[-1] - self.profit[0])

    def at(self, disparity: np.ndarray | float) -> np.ndarray:
        """The best profit at a disparity, linear between points; NaN below the least one."""
        best = np.interp(disparity, self.disparity, self.profit)
        slack = 1e-9 * (1 + abs(self.disparity[0]))
        return np.where(np.asarray(disparity) < self.disparity[0] - slack, np.nan, best)


@dataclass(frozen=True)
class Distance:
    """Where a method stands and how far below the exact line, all with intervals over seeds."""

    disparity: Interval
    profit: Interval
    best: float
    gap: Interval

    @property
    def known(self) -> bool:
        """Whether the method has a place in the picture at all."""
        return bool(np.isfinite(self.disparity.estimate) and np.isfinite(self.profit.estimate))

    @property
    def relative(self) -> float:
        """The gap as a share of the best profit at the method's own disparity."""
        return self.gap.estimate / abs(self.best) if self.best else np.nan


@dataclass(frozen=True)
class Estimates:
    """The numbers of a run. The same records always give the same intervals."""

    run: Run

    def values(self, method: str, metric: str, group: str = "") -> np.ndarray:
        """`(seeds,)` the value of each seed; NaN where there is no row or no data."""
        nothing = np.full(len(self.run.seeds), np.nan)
        return self._cells.get((method, metric, group), nothing)

    def interval(self, method: str, metric: str, group: str = "") -> Interval:
        """Mean over seeds with its interval."""
        return statistics.mean_interval(self.values(method, metric, group), self.generator())

    def has(self, metric: str, group: str = "") -> bool:
        """Whether any method has this metric."""
        return any((method, metric, group) in self._cells for method in self.run.methods)

    def generator(self) -> np.random.Generator:
        """A fresh generator, always the same: every method is resampled with the same seeds."""
        return np.random.default_rng(0)

    @cached_property
    def criteria(self) -> tuple[str, ...]:
        """Criteria with an exact line."""
        frame = self.run.frontier
        found = set() if frame is None else set(frame["criterion"].unique())
        known = [name for name in CRITERIA_ORDER if name in found]
        return tuple(n for n in known + sorted(found.difference(known)) if self.line(n))

    def lines(self, criterion: str) -> list[ExactLine]:
        """The exact lines of a criterion, the one that binds every policy first."""
        return [line for name in LINE_CLASSES if (line := self._line(criterion, name))]

    def line(self, criterion: str) -> ExactLine | None:
        """The widest exact line there is, or None."""
        return next(iter(self.lines(criterion)), None)

    def distance(self, method: str, criterion: str) -> Distance:
        """How far below the exact line a method is at its own disparity."""
        disparity = self.interval(method, f"criterion:{criterion}")
        profit = self.interval(method, "return")
        x = self.values(method, f"criterion:{criterion}")
        y = self.values(method, "return")
        both = ~np.isnan(x) & ~np.isnan(y)
        x, y, line = x[both], y[both], self.line(criterion)
        best = float(line.at(x.mean())) if line is not None and len(x) else np.nan
        if line is None or np.isnan(best):
            return Distance(disparity, profit, np.nan, Interval(np.nan, np.nan, np.nan, len(x)))
        drawn = statistics.resampled(len(x), self.generator(), statistics.NUM_RESAMPLES)
        # A resample below the line's least disparity is compared with the line's end.
        reach = np.interp(x[drawn].mean(1), line.disparity, line.profit)
        gap = statistics.percentile_interval(best - y.mean(), reach - y[drawn].mean(1), len(x))
        return Distance(disparity, profit, best, gap)

    def series(self, method: str, metric: str, group: str) -> Series | None:
        """Steps `(T,)` and `(3, T)` mean and band of a quantity inside the episode."""
        return self._over(self.run.series, "step", method, metric, group)

    def curve(self, method: str, metric: str, group: str = "") -> Series | None:
        """Training steps `(T,)` and `(3, T)` mean and band of a training quantity."""
        return self._over(self.run.curves, "env_steps", method, metric, group)

    @cached_property
    def learned(self) -> tuple[str, ...]:
        """Methods that were trained: those with a training curve."""
        if self.run.curves is None:
            return tuple(m for m in self.run.methods if m.partition(":")[0] in ("ppo", "dqn"))
        trained = set(self.run.curves["algorithm"].unique())
        return tuple(method for method in self.run.methods if method in trained)

    @cached_property
    def headline(self) -> str:
        """The method the page speaks of first: the first trained one, else the highest return."""
        if self.learned:
            return self.learned[0]
        mean = {m: self.interval(m, "return").estimate for m in self.run.methods}
        return max(mean, key=lambda m: -np.inf if np.isnan(mean[m]) else mean[m])

    def _over(self, frame: pl.DataFrame | None, *key: str) -> Series | None:
        """The series of a table, read once."""
        if key not in self._read:
            self._read[key] = None if frame is None else self._reduced(frame, *key)
        return self._read[key]

    def _reduced(
        self, frame: pl.DataFrame, x: str, method: str, metric: str, group: str
    ) -> Series | None:
        wanted = (
            (pl.col("algorithm") == method)
            & (pl.col("metric") == metric)
            & (pl.col("group") == group)
        )
        rows = frame.filter(wanted)
        if rows.is_empty():
            return None
        wide = rows.pivot(on="seed", index=x, values="value", aggregate_function="mean").sort(x)
        values = wide.drop(x).cast(pl.Float64).fill_null(np.nan).to_numpy().T
        return wide[x].to_numpy(), statistics.band(values, self.generator())

    @cached_property
    def _read(self) -> dict[tuple[str, ...], Series | None]:
        return {}

    @cached_property
    def _cells(self) -> dict[tuple[str, str, str], np.ndarray]:
        """Values by method, metric and group; of several signals the first one counts."""
        place = {seed: index for index, seed in enumerate(self.run.seeds)}
        signal: dict[str, str] = {}
        cells: dict[tuple[str, str, str], np.ndarray] = {}
        names = ("algorithm", "metric", "group", "signal", "seed", "value")
        for method, metric, group, of, seed, value in self.run.final.select(names).iter_rows():
            if signal.setdefault(metric, of) != of or seed not in place:
                continue
            cell = cells.setdefault((method, metric, group), np.full(len(place), np.nan))
            cell[place[seed]] = np.nan if value is None else value
        return cells

    def _line(self, criterion: str, policy_class: str) -> ExactLine | None:
        if (frame := self.run.frontier) is None:
            return None
        rows = frame.filter(
            (pl.col("criterion") == criterion)
            & (pl.col("policy_class") == policy_class)
            & pl.col("disparity").is_finite()
            & pl.col("profit").is_finite()
        ).sort("disparity", "profit")
        if rows.is_empty():
            return None
        return ExactLine(
            policy_class,
            rows["disparity"].to_numpy(),
            np.maximum.accumulate(rows["profit"].to_numpy()),  # rounding must not let it fall
        )
