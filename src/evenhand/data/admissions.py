"""The numbers of an admissions world, as plain float64, and its presets."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from evenhand.core.errors import InputError, unknown_name
from evenhand.data.apportion import largest_remainders
from evenhand.data.population_checks import check_numbers

# `PAYOFFS[name][decision][label]`: what rejecting (0) or admitting (1) brings when the applicant
# would fail (0) or succeed (1).
PAYOFFS: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "accuracy": ((0.0, 0.0), (-1.0, 1.0)),
    "printed": ((0.0, -1.0), (0.0, 1.0)),
}


@dataclass(frozen=True)
class AdmissionsPopulation:
    """A population of applicants: true scores, what success depends on, and hidden budgets.

    At every step one person, drawn uniformly from those not yet admitted, applies. With
    probability `modify_prob` a person who can pay `cost[g]` from the budget buys one point of
    OBSERVED score; the true score, which alone decides P(success), never moves.

    The default payoff is "accuracy": +1 for an admission that succeeds, -1 for one that fails.
    The reward printed by Rezaei-Shoshtari et al. 2024 ("printed": +1 for an admission that
    succeeds, -1 for rejecting somebody who would have succeeded) never punishes an admission, so
    admitting everybody is optimal and nothing is traded off; it is kept as an option.
    """

    name: str
    groups: tuple[str, ...]
    initial: np.ndarray
    """`(G, K)` law of the true scores."""
    initial_budget: np.ndarray
    """`(G, B + 1)` law of the budgets 0..B, independent of the score within a group."""
    success_prob: np.ndarray
    """`(G, K)` P(success) at each true score."""
    population_per_group: tuple[int, ...]
    modify_prob: float = 0.5
    cost: tuple[float, ...] = (1.0, 1.0)
    """Price of one point of observed score in each group."""
    payoff: tuple[tuple[float, float], tuple[float, float]] = PAYOFFS["accuracy"]
    """`payoff[decision][label]`; see `PAYOFFS`."""
    initial_levels: str = "exact"
    """"exact": rounded proportions of the joint law; "independent": every person drawn from it."""
    episode_steps: int = 1_000
    level_labels: tuple[str, ...] = ()
    assumed: dict[str, str] = field(default_factory=dict)
    """Field name -> why this number is an assumption and not an estimate."""
    source: str = ""

    def __post_init__(self) -> None:
        groups = len(self.groups)
        for name in ("cost", "population_per_group"):
            if len(getattr(self, name)) != groups:
                raise InputError(
                    f"{name} needs one entry per group {self.groups}, got {getattr(self, name)}"
                )
        if self.initial.ndim != 2 or self.initial.shape[0] != groups:
            raise InputError(f"initial must be (groups, levels), got shape {self.initial.shape}")
        if self.success_prob.shape != self.initial.shape:
            raise InputError(
                f"success_prob must be {self.initial.shape} (groups, levels) like initial, "
                f"got {self.success_prob.shape}"
            )
        if self.initial_budget.ndim != 2 or self.initial_budget.shape[0] != groups:
            raise InputError(
                f"initial_budget must be (groups, budgets), got shape {self.initial_budget.shape}"
            )
        for name in ("initial", "initial_budget"):
            law = getattr(self, name)
            if not np.allclose(law.sum(1), 1, atol=1e-6) or (law < 0).any():
                raise InputError(
                    f"every row of {name} must be a distribution; divide it by its sum"
                )
        self._check_numbers()

    def _check_numbers(self) -> None:
        check_numbers(vars(self))
        if not ((self.success_prob >= 0) & (self.success_prob <= 1)).all():
            raise InputError("success_prob must lie in [0, 1]")
        if not 0 <= self.modify_prob <= 1:
            raise InputError(f"modify_prob must lie in [0, 1], got {self.modify_prob}")
        if not all(0 <= cost < np.inf for cost in self.cost):
            raise InputError(f"cost must not be negative, got {self.cost}")
        if np.shape(self.payoff) != (2, 2) or not np.isfinite(self.payoff).all():
            raise InputError(f"payoff must be 2x2, payoff[decision][label], got {self.payoff}")
        if min(self.population_per_group) < 1:
            raise InputError(
                f"population_per_group must be at least 1, got {self.population_per_group}"
            )
        if self.episode_steps < 1:
            raise InputError(f"episode_steps must be at least 1, got {self.episode_steps}")
        if self.initial_levels not in ("exact", "independent"):
            raise InputError(
                f'initial_levels must be "exact" or "independent", got {self.initial_levels!r}'
            )

    @property
    def num_groups(self) -> int:
        return len(self.groups)

    @property
    def num_levels(self) -> int:
        return self.initial.shape[1]

    @property
    def max_budget(self) -> int:
        return self.initial_budget.shape[1] - 1

    @property
    def num_people(self) -> int:
        return sum(self.population_per_group)

    @property
    def labels(self) -> tuple[str, ...]:
        return self.level_labels or tuple(str(level) for level in range(self.num_levels))

    def describe(self) -> dict[str, Any]:
        """JSON-able numbers and assumptions, for pages and records."""
        plain = ("name", "modify_prob", "episode_steps", "source", "assumed")
        lists = ("groups", "population_per_group", "cost", "payoff")
        arrays = ("initial", "initial_budget", "success_prob")
        found = {name: getattr(self, name) for name in plain}
        found |= {name: list(getattr(self, name)) for name in lists}
        found |= {name: getattr(self, name).tolist() for name in arrays}
        return found | {"level_labels": list(self.labels)}

    def initial_counts(self) -> np.ndarray:
        """`(G, K, B + 1)` people at each true score and budget, largest remainders first."""
        joint = self.initial[:, :, None] * self.initial_budget[:, None, :]
        sizes = zip(joint, self.population_per_group, strict=True)
        return np.array([largest_remainders(law, size) for law, size in sizes])


def college(
    num_groups: int = 2,
    population_per_group: int = 1000,
    payoff: str = "accuracy",
    cost: tuple[float, ...] | None = None,
) -> AdmissionsPopulation:
    """A college deciding on scores 1..10; group 1 starts with higher scores and larger budgets.

    The published description fixes the mechanism and no number, so every number is an assumption.
    """
    if type(num_groups) is not int or not 2 <= num_groups <= 100:
        raise InputError(f"num_groups must be at least 2 and at most 100, got {num_groups!r}")
    if payoff not in PAYOFFS:
        raise unknown_name("payoff", payoff, PAYOFFS)
    mix = np.linspace(0, 1, num_groups)
    levels, budgets = np.arange(1, 11), np.arange(6)
    return AdmissionsPopulation(
        name="college",
        groups=tuple(f"group {g + 1}" for g in range(num_groups)),
        initial=np.array([_bell(levels, 6.0 - 1.25 * m, 1.8) for m in mix]),
        initial_budget=np.array([_bell(budgets, 3.5 - 1.75 * m, 1.2) for m in mix]),
        success_prob=np.tile(levels / 10, (num_groups, 1)),
        population_per_group=(population_per_group,) * num_groups,
        cost=(1.0,) * num_groups if cost is None else tuple(cost),
        payoff=PAYOFFS[payoff],
        level_labels=tuple(str(level) for level in levels),
        assumed={
            "initial": "rounded normal scores, means 6 and 4.75, standard deviation 1.8",
            "initial_budget": "rounded normal budgets, means 3.5 and 1.75, standard deviation 1.2",
            "success_prob": "score / 10",
            "modify_prob": "every second applicant tries to raise the score",
            "cost": "one unit of budget a point in every group",
            "payoff": "accuracy; with the printed reward admitting everybody is optimal",
            "population_per_group": "more people than an episode can admit",
        },
        source="mechanism of Rezaei-Shoshtari et al. 2024, college admissions; numbers assumed",
    )


def college_unequal_cost(
    population_per_group: int = 1000, payoff: str = "accuracy"
) -> AdmissionsPopulation:
    """`college` where a point costs group 2 twice as much, the ratio of ml-fairness-gym."""
    return college(2, population_per_group, payoff, cost=(1.0, 2.0))


def _bell(values: np.ndarray, mean: float, std: float) -> np.ndarray:
    """Law of a normal variable rounded to the nearest of `values` (all beyond, to the ends)."""
    from scipy.stats import norm

    reach = norm.cdf(np.append(values[:-1] + 0.5, np.inf), mean, std)
    return np.diff(reach, prepend=0.0)


ADMISSIONS_PRESETS: dict[str, Callable[..., AdmissionsPopulation]] = {
    "college": college,
    "college-unequal-cost": college_unequal_cost,
}
