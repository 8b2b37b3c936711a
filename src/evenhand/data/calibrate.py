"""From loan records to a lending world: what they show, with bounds, and what they do not."""

from dataclasses import dataclass, replace
from typing import Any

from evenhand.core.errors import InputError
from evenhand.data.calibration_options import CalibrationOptions
from evenhand.data.levels import Levels, cut_levels, given_levels
from evenhand.data.origin import (
    assumptions,
    estimates_of,
    figures_by_group,
    provenance_of,
    warnings_about,
)
from evenhand.data.params_schema import Estimate
from evenhand.data.population import LendingPopulation
from evenhand.data.records import Records
from evenhand.data.repayment import LevelEstimate, level_shares, repayment, tally
from evenhand.data.scoring import Scored, score_records
from evenhand.data.transitions import Transitions, estimate_transitions


@dataclass(frozen=True)
class Calibration:
    """A population with the bounds and the origin of its numbers, and figures of the score."""

    population: LendingPopulation
    estimates: dict[str, Estimate]
    provenance: dict[str, Any]
    by_group: dict[str, dict[str, float | int]]
    transitions: Transitions | None
    warnings: tuple[str, ...] = ()


def calibrate(records: Records, options: CalibrationOptions) -> Calibration:
    """A lending world estimated from one row per loan.

    One cross-section shows where scores lie and how they repay; it shows no moves, payoffs or
    visit rates, so those are written down as assumptions. Months of repayment status show moves
    after payment and after delay, but never after a denial.
    """
    _check(options)
    scored = score_records(records, options)
    levels = _levels(scored, options)
    level = levels.of(scored.score)
    shape = (len(records.groups), levels.num_levels)
    count = tally(records.group, level, *shape)
    repaid = tally(records.group[~records.defaulted], level[~records.defaulted], *shape)
    share = level_shares(count, options.confidence)
    repay = repayment(repaid, count, options.confidence, options.monotone)
    moves = _transitions(records, scored, levels, options)
    return Calibration(
        population=_population(records, options, levels, share, repay, moves),
        estimates=estimates_of(records, options, share, repay, moves),
        provenance=provenance_of(records, options, scored),
        by_group=figures_by_group(records, scored, options.confidence),
        transitions=moves,
        warnings=warnings_about(records, scored),
    )


def _check(options: CalibrationOptions) -> None:
    if not 0 < options.confidence < 1:
        raise InputError(
            f"--confidence must lie between 0 and 1, such as 0.95, got {options.confidence}"
        )
    if options.people < 2:
        raise InputError(f"--people must be at least 2, got {options.people}")
    if options.up < 0 or options.down < 0:
        raise InputError(f"--up and --down may not be negative, got {options.up}, {options.down}")
    if not options.reward_default < 0 < options.reward_repaid:
        raise InputError(
            "--reward-default must be below 0 and --reward-repaid above, got "
            f"{options.reward_default} and {options.reward_repaid}"
        )


def _levels(scored: Scored, options: CalibrationOptions) -> Levels:
    if options.edges:
        # Edges are written on the scale of the file's score.
        edges = [-edge for edge in reversed(options.edges)] if scored.turned else options.edges
        return given_levels(tuple(edges))
    whole = scored.model is not None
    return cut_levels(scored.score, options.num_levels, options.binning, whole)


def _transitions(
    records: Records, scored: Scored, levels: Levels, options: CalibrationOptions
) -> Transitions | None:
    if scored.monthly is None:
        return None
    status = records.features.select(options.status_columns)
    return estimate_transitions(
        levels.of(scored.monthly),
        status.to_numpy()[:, 1:] >= options.delayed_from,
        records.group,
        len(records.groups),
        levels.num_levels,
        options.confidence,
        options.num_resamples,
        options.seed,
    )


def _population(
    records: Records,
    options: CalibrationOptions,
    levels: Levels,
    share: LevelEstimate,
    repay: LevelEstimate,
    moves: Transitions | None,
) -> LendingPopulation:
    num_groups = len(records.groups)
    part = records.group_sizes / records.group_sizes.sum()
    population = LendingPopulation(
        name=options.name,
        groups=records.groups,
        initial=share.value,
        repay_prob=repay.value,
        population_per_group=tuple(max(1, round(options.people * p)) for p in part.tolist()),
        reward_repaid=options.reward_repaid,
        reward_default=options.reward_default,
        up=(options.up,) * num_groups,
        down=(options.down,) * num_groups,
        level_labels=levels.labels,
        bin_edges=tuple(levels.edges.tolist()),
        assumed=assumptions(options, repay, moves),
        source=f"{records.file}, {len(records.group)} records",
    )
    if moves is None:
        return population
    return replace(population, up=moves.up, down=moves.down, drift=moves.drift)
