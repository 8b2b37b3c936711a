"""Where each number of a calibrated world comes from: estimated, and how, or assumed, and why."""

from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from evenhand.data.calibration_options import CalibrationOptions
from evenhand.data.intervals import wilson
from evenhand.data.params_schema import Estimate
from evenhand.data.records import Records
from evenhand.data.repayment import LevelEstimate
from evenhand.data.risk_score import auc
from evenhand.data.scoring import Scored
from evenhand.data.transitions import Transitions

SUSPICIOUS_AUC = 0.98


def assumptions(
    options: CalibrationOptions, repay: LevelEstimate, moves: Transitions | None
) -> dict[str, str]:
    """Field of the population -> why its number is not, or not wholly, shown by the records."""
    payoffs = "payoffs are not in the records; break-even is a repayment probability of "
    break_even = options.reward_default / (options.reward_default - options.reward_repaid)
    assumed = {
        "initial": "applicants are taken to be like the people in the records, who all held a loan",
        "reward_repaid": f"{payoffs}{break_even:.3g}",
        "reward_default": f"{payoffs}{break_even:.3g}",
        "population_per_group": f"the groups' shares are those of the records; {options.people} "
        "people in all and one application per step set how often a person applies",
        "conscientiousness_std": "people of one group and level are taken to repay alike",
        "cash": "the lender's cash is not in the records",
        "episode_steps": "how long the world lasts is not in the records",
        "gain": "how much a level is worth is a choice: the cubic potential",
    }
    if repay.filled.any():
        assumed["repay_prob"] = (
            f"{repay.filled.sum()} of {repay.filled.size} cells had no records and were filled "
            "(filled = true) from other groups or levels"
        )
    return assumed | _assumed_moves(moves)


def _assumed_moves(moves: Transitions | None) -> dict[str, str]:
    if moves is None:
        return {
            "up": "one cross-section shows no moves; set --up, or give --status-columns",
            "down": "one cross-section shows no moves; set --down, or give --status-columns",
            "drift": "one cross-section shows no moves; no other change of level is assumed",
        }
    return {
        "drift": "only the first block, after a denial: nobody in records of borrowers was denied, "
        "so no move is assumed there; the moves after default and repayment are those after a "
        "month of delay and of payment, and are taken not to depend on the level"
    }


def estimates_of(
    records: Records,
    options: CalibrationOptions,
    share: LevelEstimate,
    repay: LevelEstimate,
    moves: Transitions | None,
) -> dict[str, Estimate]:
    """The bounds, counts and methods of the estimated fields."""
    percent = f"{options.confidence:.0%}"
    isotonic = "isotonic in the level (weighted by counts), bounds of pooled levels: "
    repay_method = f"{isotonic if options.monotone else ''}{percent} Wilson bounds"
    found = {
        "initial": Estimate(
            f"share of records, {percent} Goodman bounds (all levels of a group together)",
            share.low,
            share.high,
            share.count,
        ),
        "repay_prob": Estimate(
            f"share of loans repaid, {repay_method}",
            repay.low,
            repay.high,
            repay.count,
            repay.filled if repay.filled.any() else None,
        ),
        "population_per_group": Estimate("group shares of the records", count=records.group_sizes),
    }
    return found if moves is None else found | _move_estimates(options, moves)


def _move_estimates(options: CalibrationOptions, moves: Transitions) -> dict[str, Estimate]:
    own = "" if not moves.borrowed else "; where a group had no moves, those of all groups"
    rounding = "mean move in whole levels; only its sum with drift is identified"
    return {
        "up": Estimate(rounding, count=moves.count[2]),
        "down": Estimate(rounding, count=moves.count[1]),
        "drift": Estimate(
            "most likely law of moves clipped at the ends, same at every level (EM), "
            f"{options.confidence:.0%} bounds from {options.num_resamples} resamples of clients"
            f"{own}; total variation to the observed next levels "
            f"{np.nanmin(moves.misfit):.2f} to {np.nanmax(moves.misfit):.2f}",
            moves.low,
            moves.high,
            moves.count,
        ),
    }


def provenance_of(records: Records, options: CalibrationOptions, scored: Scored) -> dict[str, Any]:
    """What was read and how it was scored, for the file."""
    found: dict[str, Any] = {
        "file": records.file,
        "rows": records.num_rows,
        "rows_used": len(records.group),
        "score": scored.description,
        "binning": "given edges" if options.edges else options.binning,
        "confidence": options.confidence,
        "seed": options.seed,
    }
    if scored.model is not None:
        found["columns_used"] = [rule.name for rule in scored.model.rules]
        found["columns_not_used"] = list(scored.model.unused)
        found["group_column_used"] = options.include_group
    if options.status_columns:
        found["status_columns"] = list(options.status_columns)
        found["delayed_from"] = options.delayed_from
    with suppress(PackageNotFoundError):
        found["evenhand_version"] = version("evenhand")
    return found


def figures_by_group(
    records: Records, scored: Scored, confidence: float
) -> dict[str, dict[str, float | int]]:
    """Per group: records, repayment rate with bounds, AUC and the mean predicted repayment."""
    figures: dict[str, dict[str, float | int]] = {}
    for g, name in enumerate(records.groups):
        mine = records.group == g
        repaid = ~records.defaulted[mine]
        low, high = wilson(np.array(repaid.sum()), np.array(mine.sum()), confidence)
        figures[name] = {
            "count": int(mine.sum()),
            "repayment_rate": float(repaid.mean()),
            "low": float(low),
            "high": float(high),
            "auc": auc(scored.score[mine], repaid),
        }
        if scored.repay_prob is not None:
            figures[name]["mean_predicted_repayment"] = float(scored.repay_prob[mine].mean())
    return figures


def warnings_about(records: Records, scored: Scored) -> tuple[str, ...]:
    """What the figures make doubtful, one sentence each."""
    overall = auc(scored.score, ~records.defaulted)
    if scored.model is None or overall < SUSPICIOUS_AUC:
        return ()
    return (
        f"the score tells the outcomes apart almost perfectly (AUC {overall:.3f}): a column "
        "probably records the outcome itself; leave it out with --ignore",
    )
