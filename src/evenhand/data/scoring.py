"""The score of every record, and of every earlier month where the records have months."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import expit

from evenhand.core.errors import InputError, unknown_name
from evenhand.data.calibration_options import CalibrationOptions
from evenhand.data.records import Records
from evenhand.data.risk_score import RiskScore, fit_risk_score, oriented, points


@dataclass(frozen=True)
class Scored:
    """The score of every record, and of every earlier month where there are months."""

    score: np.ndarray
    description: str
    repay_prob: np.ndarray | None = None
    monthly: np.ndarray | None = None
    model: RiskScore | None = None
    turned: bool = False
    """Whether the sign of a given score was changed so that higher is better."""


def score_records(records: Records, options: CalibrationOptions) -> Scored:
    """The given score, made to rise with repayment, or the one of a scorecard fitted here."""
    if records.score is not None:
        if options.status_columns:
            raise InputError(
                "--score gives the score of one month, and --status-columns needs it in every "
                "month; leave one of them out"
            )
        score, turned = oriented(records.score, ~records.defaulted, options.direction)
        sign = ", negated because lower scores were better" if turned else ""
        return Scored(score, f"a column of the file{sign}", turned=turned)
    table = _features(records, options)
    _check_status(records, options)
    series = (options.status_columns, *options.lagged) if options.status_columns else ()
    months = [_snapshot(table, series, m) for m in range(len(options.status_columns))]
    newest = months[-1] if months else table
    model = fit_risk_score(newest, records.defaulted, options.num_folds, options.seed)
    log_odds = model.log_odds(newest)
    return Scored(
        points(log_odds),
        "points of a logistic scorecard (500: even odds of repayment, 50 more double them), each "
        f"row scored by a model fitted without it ({options.num_folds} folds)",
        expit(log_odds),
        np.stack([points(model.log_odds(month)) for month in months], 1) if months else None,
        model,
    )


def _features(records: Records, options: CalibrationOptions) -> pl.DataFrame:
    """The columns that the score may use."""
    table, monthly = records.features, sum(options.lagged, ())
    for name in (*options.features, *options.ignore, *options.status_columns, *monthly):
        if name not in table.columns:
            raise InputError(f"{records.file}: {unknown_name('column', name, table.columns)}")
    for series in options.lagged:
        if len(series) != len(options.status_columns):
            raise InputError(
                f"--lagged {','.join(series)} needs one column per status column "
                f"({len(options.status_columns)})"
            )
    if options.features:
        kept = (*options.features, *options.status_columns, *monthly)
        table = table.select(list(dict.fromkeys(kept)))
    table = table.drop(options.ignore)
    if options.include_group:
        names = np.array(records.groups)[records.group]
        table = table.with_columns(pl.Series("group membership", names))
    return table


def _check_status(records: Records, options: CalibrationOptions) -> None:
    if len(options.status_columns) == 1:
        raise InputError("--status-columns needs at least two months to show a move")
    for name in options.status_columns:
        if not records.features[name].dtype.is_numeric():
            raise InputError(
                f"{records.file}: status column {name!r} is not numeric; give months of delay"
            )


def _snapshot(table: pl.DataFrame, series: tuple[tuple[str, ...], ...], month: int) -> pl.DataFrame:
    """What was known at the end of a month, in the columns of the newest month."""
    monthly = {name for names in series for name in names}
    fixed = [name for name in table.columns if name not in monthly]
    return table.select(*fixed, *(pl.col(names[month]).alias(names[-1]) for names in series))
