"""`evenhand calibrate`: from loan records to a parameter file."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from evenhand.commands.calibrate_summary import show, summary
from evenhand.core.errors import InputError

if TYPE_CHECKING:
    from evenhand.data.calibration_options import CalibrationOptions
    from evenhand.data.records import Records

__all__ = ["Calibrate", "run", "show"]

TAIWAN = "taiwan"


@dataclass(frozen=True)
class Calibrate:
    """Estimate a lending environment from loan records, and mark what the records cannot show."""

    file: tyro.conf.Positional[str]
    """Loan records, one loan a row: .csv, .csv.gz or .parquet; or "taiwan", a built-in table."""
    outcome: str | None = None
    """Column that says whether the loan defaulted."""
    group: str | None = None
    """Column that holds the group of the borrower."""
    out: Annotated[str, tyro.conf.arg(aliases=["-o"])] = "params.toml"
    """Parameter file to write."""
    levels: int = 10
    """Number of levels that the score is cut into."""
    score: str | None = None
    """Column with a score to use; without it a logistic scorecard is fitted."""
    direction: str = "auto"
    """Whether a "higher" or "lower" score is better; "auto" looks at the outcomes."""
    binning: str = "quantile"
    """"quantile": about equally many people per level; "width": levels of equal width."""
    edges: str | None = None
    """Edges of the levels, such as 300,580,620,680,850; replaces levels and binning."""
    monotone: bool = False
    """Let repayment never fall from a level to the next (isotonic regression)."""
    positive: str | None = None
    """Value of the outcome that means default; needed unless it holds 0 and 1."""
    bins: str | None = None
    """Cut points of a numeric group column, such as 30,45."""
    drop_missing: bool = False
    """Leave out rows with a missing outcome, group or score."""
    min_group: int = 100
    """Fewest rows of a group."""
    merge_small: bool = False
    """Put smaller groups together as "other"."""
    include_group: bool = False
    """Let the fitted score use the group column."""
    features: str | None = None
    """Columns the fitted score may use, such as income,age; all others by default."""
    ignore: str | None = None
    """Columns the fitted score may not use, such as client_id."""
    status_columns: str | None = None
    """Monthly columns of months in delay, oldest first; the moves of levels are then estimated."""
    lagged: tuple[str, ...] = ()
    """Further monthly columns, each set like --status-columns: bill_1,bill_2 paid_1,paid_2."""
    delayed_from: float = 1.0
    """Smallest value of a status column that counts as delayed."""
    people: int = 2000
    """People in the environment, shared among groups as in the records (assumed)."""
    reward_repaid: float = 1.0
    """What a repaid loan earns (assumed)."""
    reward_default: float = -4.0
    """What a defaulted loan earns (assumed)."""
    up: int = 1
    """Levels gained by a repayment (assumed unless --status-columns are given)."""
    down: int = 2
    """Levels lost by a default (assumed unless --status-columns are given)."""
    confidence: float = 0.95
    """Confidence of all bounds."""
    folds: int = 5
    """Parts of the records that are scored by a model fitted on the other parts."""
    resamples: int = 200
    """Resamples of clients behind the bounds of the moves."""
    seed: int = 0
    """Seed of the folds and resamples."""


def run(options: Calibrate) -> dict[str, Any]:
    """Write the parameter file; the result sums up what was estimated and what is assumed."""
    from evenhand.data.atomic_file import check_writable
    from evenhand.data.calibrate import calibrate
    from evenhand.data.params_file import write_params

    check_writable(options.out)
    if options.direction not in ("auto", "higher", "lower"):
        raise InputError(f'--direction is "auto", "higher" or "lower", got {options.direction!r}')
    if options.seed < 0:
        raise InputError(f"--seed must be at least 0, got {options.seed}")
    taiwan = options.file == TAIWAN and not Path(TAIWAN).exists()
    records, chosen = _records(options, taiwan), _chosen(options, taiwan)
    result = calibrate(records, chosen)
    write_params(options.out, result.population, result.estimates, result.provenance)
    return summary(options.out, records, result)


def _records(options: Calibrate, taiwan: bool) -> "Records":
    from evenhand.data import taiwan as table
    from evenhand.data.loan_file import read_table
    from evenhand.data.records import RecordOptions, check_records

    outcome = options.outcome or (table.OUTCOME if taiwan else None)
    group = options.group or (table.GROUP if taiwan else None)
    if outcome is None or group is None:
        missing = "--outcome" if outcome is None else "--group"
        raise InputError(f"calibrate needs {missing} COLUMN; name a column of {options.file}")
    chosen = RecordOptions(
        outcome=outcome,
        group=group,
        score=options.score,
        positive=options.positive,
        cut_points=_numbers("--bins", options.bins),
        complete=_names(options.status_columns),
        drop_missing=options.drop_missing,
        min_group=options.min_group,
        merge_small=options.merge_small,
    )
    if taiwan:
        return check_records(table.load_taiwan(), chosen, table.SOURCE)
    return check_records(read_table(options.file), chosen, Path(options.file).name)


def _chosen(options: Calibrate, taiwan: bool) -> "CalibrationOptions":
    from evenhand.data import taiwan as table
    from evenhand.data.calibration_options import CalibrationOptions

    status, lagged = _names(options.status_columns), tuple(map(_names, options.lagged))
    if taiwan and options.score is None and not status:
        status, lagged = table.STATUS_COLUMNS, lagged or table.LAGGED
    return CalibrationOptions(
        num_levels=options.levels,
        binning=options.binning,
        edges=_numbers("--edges", options.edges),
        monotone=options.monotone,
        direction=options.direction,
        include_group=options.include_group,
        features=_names(options.features),
        ignore=_names(options.ignore),
        status_columns=status,
        lagged=lagged,
        delayed_from=options.delayed_from,
        confidence=options.confidence,
        num_folds=options.folds,
        num_resamples=options.resamples,
        seed=options.seed,
        name=TAIWAN if taiwan else Path(options.file).name.split(".")[0],
        people=options.people,
        reward_repaid=options.reward_repaid,
        reward_default=options.reward_default,
        up=options.up,
        down=options.down,
    )


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def _numbers(option: str, text: str | None) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in _names(text))
    except ValueError as error:
        raise InputError(f"{option} takes numbers separated by commas, got {text!r}") from error
