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


def score_records(records: Records, options: CalibrationOptions) -> Scored:
    if records.score is not None:
        if options.status_columns:
            raise InputError(
                "--score gives the score of one month, and --status-columns needs it in every "
                "month; leave one of them out"
            )
        score, turned = oriented(records.score, ~records.defaulted, options.direction)
        sign = ", negated because lower scores were better" if turned else ""
        return Scored(score, f"a column of the file{sign}")
    table = _features(records, options)
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
    table = records.features
    for name in (*options.features, *options.ignore, *sum(options.lagged, ())):
        if name not in table.columns:
            raise InputError(f"{records.file}: {unknown_name('column', name, table.columns)}")
    for series in options.lagged:
        if len(series) != len(options.status_columns):
            raise InputError(
                f"--lagged {','.join(series)} needs one column per status column "
                f"({len(options.status_columns)})"
            )
    if options.features:
        monthly = (*options.status_columns, *sum(options.lagged, ()))
        table = table.select(dict.fromkeys((*options.features, *monthly)))
    table = table.drop(options.ignore)
    if options.include_group:
        names = np.array(records.groups)[records.group]
        table = table.with_columns(pl.Series("group membership", names))
    return table


def _snapshot(table: pl.DataFrame, series: tuple[tuple[str, ...], ...], month: int) -> pl.DataFrame:
    """What was known at the end of a month, in the columns of the newest month."""
    monthly = {name for names in series for name in names}
    fixed = [name for name in table.columns if name not in monthly]
    return table.select(*fixed, *(pl.col(names[month]).alias(names[-1]) for names in series))
