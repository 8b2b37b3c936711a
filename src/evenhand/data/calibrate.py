"""From loan records to a lending world: what the records show, with bounds, and what they do not."""

from dataclasses import dataclass, replace
from typing import Any

from evenhand.core.errors import InputError
from evenhand.data.calibration_options import CalibrationOptions
from evenhand.data.levels import Levels, cut_levels, given_levels
from evenhand.data.origin import assumptions, estimates_of, figures_by_group, provenance_of
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
    by_group: dict[str, dict[str, float]]
    transitions: Transitions | None


def calibrate(records: Records, options: CalibrationOptions) -> Calibration:
    """A lending world estimated from one row per loan.

    One cross-section shows where scores lie and how they repay; it shows no moves, payoffs or
    visit rates, so those are written down as assumptions. Months of repayment status show moves
    after payment and after delay, but never after a denial.
    """
    scored = score_records(records, options)
    fitted = scored.model is not None
    levels = (
        given_levels(options.edges)
        if options.edges
        else cut_levels(scored.score, options.num_levels, options.binning, whole=fitted)
    )
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
    )


def _transitions(
    records: Records, scored: Scored, levels: Levels, options: CalibrationOptions
) -> Transitions | None:
    if scored.monthly is None:
        return None
    if len(options.status_columns) < 2:
        raise InputError("--status-columns needs at least two months to show a move")
    status = records.features.select(options.status_columns)
    words = [name for name, dtype in status.schema.items() if not dtype.is_numeric()]
    if words:
        raise InputError(
            f"{records.file}: status column {words[0]!r} is not numeric; give months of delay"
        )
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
