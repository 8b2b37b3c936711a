"""Named lending populations; a preset is a function of its options, `presets` lists them."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from evenhand.core.errors import InputError
from evenhand.data import fico
from evenhand.data.population import LendingPopulation

# google/ml-fairness-gym, environments/lending_params.py (D'Amour et al. 2020).
_GYM_INITIAL = np.array([[0, 0.1, 0.1, 0.2, 0.3, 0.3, 0], [0.1, 0.1, 0.2, 0.3, 0.3, 0, 0]])
_GYM_REPAY = np.array([0.1, 0.2, 0.45, 0.6, 0.65, 0.7, 0.7])

# Lear & Zhang 2025, released configuration.
_HIGH = np.array([0, 0, 0.05, 0.05, 0.05, 0.05, 0.1, 0.1, 0.15, 0.15, 0.15, 0.15, 0, 0])
_LOW = np.array([0.05, 0.05, 0.05, 0.05, 0.1, 0.1, 0.15, 0.15, 0.15, 0.15, 0, 0, 0, 0])
_HOME_CREDIT = np.array(
    [0.773, 0.804, 0.833, 0.857, 0.879, 0.898, 0.914]
    + [0.928, 0.939, 0.949, 0.958, 0.965, 0.970, 0.975]
)
_LENDING_CLUB = np.array(
    [0.506, 0.594, 0.677, 0.750, 0.812, 0.861, 0.898]
    + [0.927, 0.948, 0.963, 0.974, 0.982, 0.987, 0.991]
)


def gym(num_groups: int = 2, population_per_group: int = 1000) -> LendingPopulation:
    """The lending world of ml-fairness-gym; more groups interpolate between its two."""
    if type(num_groups) is not int or not 2 <= num_groups <= 100:
        raise InputError(f"num_groups must be a whole number from 2 to 100, got {num_groups!r}")
    mix = np.linspace(0, 1, num_groups)[:, None]
    return LendingPopulation(
        name="gym",
        groups=tuple(f"group {g + 1}" for g in range(num_groups)),
        initial=(1 - mix) * _GYM_INITIAL[0] + mix * _GYM_INITIAL[1],
        repay_prob=np.tile(_GYM_REPAY, (num_groups, 1)),
        population_per_group=(population_per_group,) * num_groups,
        up=(1,) * num_groups,
        down=(1,) * num_groups,
        level_labels=tuple(str(score) for score in range(1, 8)),
        source="ml-fairness-gym, environments/lending_params.py",
    )


def fico_scores(
    groups: tuple[str, ...] = ("white", "black"),
    num_levels: int = 7,
    population_per_group: int = 1000,
    table_shares: bool = False,
) -> LendingPopulation:
    """TransRisk score laws and default rates by race; moves and payoffs are assumptions."""
    law, repay, edges = fico.binned(groups, num_levels)
    sizes = (population_per_group,) * len(groups)
    if table_shares:
        share = fico.group_totals(groups) / fico.group_totals(groups).sum()
        total = population_per_group * len(groups)
        sizes = tuple(max(1, round(total * part)) for part in share)
    return LendingPopulation(
        name="fico",
        groups=groups,
        initial=law,
        repay_prob=repay,
        population_per_group=sizes,
        reward_default=-4.0,
        up=(1,) * len(groups),
        down=(2,) * len(groups),
        level_labels=tuple(f"{a:.0f}-{b:.0f}" for a, b in pairwise(edges)),
        bin_edges=tuple(float(edge) for edge in edges),
        assumed={
            "reward_default": "a default costs four repayments, so break-even is a repayment "
            "probability of 0.8",
            "up": "one level up on repayment, about +75 of 550 points (Liu et al. 2018)",
            "down": "two levels down on default, about -150 of 550 points (Liu et al. 2018)",
            "drift": "no change of score without a loan",
            "population_per_group": "equal group sizes unless table_shares is set",
        },
        source="TransUnion TransRisk scores, US Federal Reserve report to Congress, 2007",
    )


def _drift(name: str, initial: Any, repay: np.ndarray, drift: Any) -> LendingPopulation:
    return LendingPopulation(
        name=name,
        groups=("advantaged", "disadvantaged"),
        initial=np.array(initial),
        repay_prob=np.tile(repay, (2, 1)),
        population_per_group=(100, 100),
        reward_repaid=0.1,
        reward_default=-1.0,
        drift=np.tile(np.array(drift), (3, 1, 1)),
        episode_steps=500,
        source="Lear & Zhang 2025, released configuration",
    )


def drift_1() -> LendingPopulation:
    """Setting 1 of Lear & Zhang 2025: unequal starts, Home Credit repayment, same drift."""
    return _drift("drift-1", (_HIGH, _LOW), _HOME_CREDIT, [[0.1, 0.8, 0.1]] * 2)


def drift_2() -> LendingPopulation:
    """Setting 2 of Lear & Zhang 2025: unequal starts, Lending Club repayment, same drift."""
    return _drift("drift-2", (_HIGH, _LOW), _LENDING_CLUB, [[0.1, 0.8, 0.1]] * 2)


def drift_3() -> LendingPopulation:
    """Setting 3 of Lear & Zhang 2025: equal starts, unequal drift."""
    drift = [[0.05, 0.85, 0.1], [0.25, 0.7, 0.05]]
    return _drift("drift-3", (_HIGH, _HIGH), _HOME_CREDIT, drift)


PRESETS: dict[str, Callable[..., LendingPopulation]] = {
    "gym": gym,
    "fico": fico_scores,
    "drift-1": drift_1,
    "drift-2": drift_2,
    "drift-3": drift_3,
}
