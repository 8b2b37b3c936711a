"""What a policy does to a difference of gain, as plain data for commands and pages."""

from itertools import combinations
from typing import Any

import numpy as np

from evenhand.data.population import LendingPopulation
from evenhand.tabular.benefit import benefit_disparity
from evenhand.tabular.decomposition import decompose
from evenhand.tabular.evaluation import expected_returns
from evenhand.tabular.gain_values import first_weight, gain_values, visit_sums
from evenhand.tabular.mdp import TabularMDP

EFFECTS = ("C", "DPE", "IPE", "SPE")


def effects(
    population: LendingPopulation,
    policy: np.ndarray,
    pair: tuple[int, int] = (0, 1),
    steps: int | None = None,
    radius: float = 1e-6,
    v0: str = "exact",
) -> dict[str, Any]:
    """The decomposition of a policy `(G, K, 2)` or `(G, H, K, 2)`, exactly, and what it is made of.

    Effects are group `pair[0]` minus `pair[1]`; `per_person` has each group's own terms. With more
    than two groups also `pairs`, a row for each. See `tabular.decomposition` and `tabular.benefit`.
    """
    mdp, names = population.person(steps), population.groups
    choice: dict[str, Any] = {"v0": v0, "potential": population.potential}
    found = decompose(mdp, policy, pair, **choice)
    told: dict[str, Any] = {
        "pair": [names[g] for g in pair],
        **{name: getattr(found, name) for name in EFFECTS},
        "by_visits": found.by_visits,
        "printed": found.printed,
        "gain_by_group": found.gain_by_group,
        "profit": float(expected_returns(mdp, policy)[:, mdp.signals.index("profit")].sum()),
        "per_person": {
            part: getattr(found, part) for part in ("total", "direct", "indirect", "spurious")
        },
        "benefit_disparity": _disparity(mdp, policy, radius, pair),
    }
    if population.num_groups > 2:
        told["pairs"] = [
            _row(mdp, policy, names, two, radius, choice)
            for two in combinations(range(population.num_groups), 2)
        ]
    return told | _by_level(population, mdp, policy)


def _row(
    mdp: TabularMDP,
    policy: np.ndarray,
    names: tuple[str, ...],
    pair: tuple[int, int],
    radius: float,
    choice: dict[str, Any],
) -> dict[str, Any]:
    found = decompose(mdp, policy, pair, **choice)
    return {
        "pair": [names[g] for g in pair],
        **{name: getattr(found, name) for name in EFFECTS},
        "benefit_disparity": _disparity(mdp, policy, radius, pair),
    }


def _disparity(
    mdp: TabularMDP, policy: np.ndarray, radius: float, pair: tuple[int, int]
) -> dict[str, float]:
    """Lambda over the first states and over all states that decisions meet."""
    return {
        "radius": radius,
        "initial": benefit_disparity(mdp, policy, radius, pair),
        "visits": benefit_disparity(mdp, policy, radius, pair, "visits"),
    }


def _by_level(population: LendingPopulation, mdp: TabularMDP, policy: np.ndarray) -> dict[str, Any]:
    """Benefit, approval probability and a group's expected decisions at each level, `(G, K)`."""
    met = visit_sums(mdp, policy)
    visits = met.sum(-1)
    # Where nobody comes there is no probability of a visit to average with.
    still = policy if policy.ndim == 3 else policy[:, 0]
    share = np.where(visits > 0, met[..., 1] / np.where(visits > 0, visits, 1.0), still[..., 1])
    return {
        "levels": list(population.labels),
        "benefit": gain_values(mdp, policy).benefit,
        "approve": share,
        "visits": visits * first_weight(mdp) * mdp.group_size[:, None],
    }
