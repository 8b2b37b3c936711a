"""The effects of a policy on a difference of gain, estimated from sampled streams.

Monte Carlo forms of `tabular.decomposition`, after the released code of Lear & Zhang 2025: one
pass over an episode, sums over each person's own visits, means over the people visited at all.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from evenhand.core.errors import InputError
from evenhand.data.population import LendingPopulation
from evenhand.tabular.decomposition import baseline_values
from evenhand.tabular.gain_values import check_pair, gain_values
from evenhand.tabular.sampler import Stream

# Columns of `sample_gain_sums`, summed over the people of a group who were visited.
SUMS = ("people", "total", "paths", "baseline", "expected_paths", "expected_direct")


class Estimate(NamedTuple):
    """A sampled number and its standard error over episodes."""

    value: float
    error: float


@dataclass(frozen=True)
class SampledDecomposition:
    """Estimates of C, DPE, IPE and SPE, with group `pair[0]` minus `pair[1]`."""

    pair: tuple[int, int]
    common_draws: dict[str, Estimate]
    """From realised gains: V_pi by sum_k g(x_k, x_k+1), V_PS by sum_k g(x_k, clip(x_k + c_k))
    with the same drift draw c_k (common random numbers)."""
    expected: dict[str, Estimate]
    """With lower variance: V_PS by sum_k g0(x_k), the direct impact by sum_k pi(x_k) Delta(x_k)."""
    people: np.ndarray
    """`(G,)` mean number of people visited in an episode."""
    episodes: int


def sample_decomposition(
    population: LendingPopulation,
    policy: np.ndarray,
    episodes: int,
    steps: int | None = None,
    pair: tuple[int, int] = (0, 1),
    seed: int = 0,
    v0: str = "exact",
) -> SampledDecomposition:
    """The decomposition as sampled in `episodes` streams of `steps` decisions.

    `policy` is `(G, K, A)`, or `(G, H, K, A)` with stages counted in a person's visits. V_0 is not
    sampled: it is `decompose`'s, exact by default, averaged over the levels where people were
    first met.
    """
    sums = sample_gain_sums(population, policy, episodes, steps, seed, v0)
    return estimate(sums, check_pair(pair, population.num_groups))


def sample_gain_sums(
    population: LendingPopulation,
    policy: np.ndarray,
    episodes: int,
    steps: int | None = None,
    seed: int = 0,
    v0: str = "exact",
) -> np.ndarray:
    """`(E, G, 6)` sums over the visited people of a group, in the order of `SUMS`.

    `policy` may also be `(E, G, H, K, A)`, one for each episode.
    """
    if episodes < 2:
        raise InputError(f"standard errors need at least 2 episodes, got {episodes}")
    steps = population.episode_steps if steps is None else steps
    mdp, phi = population.person(steps), population.potential
    anyone = np.full((mdp.num_groups, mdp.num_states, mdp.num_actions), 1 / mdp.num_actions)
    # V_0, g0 and Delta do not depend on the policy.
    values = gain_values(mdp, anyone)
    V_0 = baseline_values(mdp, values, v0, phi, "qualification_gain")
    stream = Stream(population, policy, episodes, np.random.default_rng(seed))
    sums = np.zeros((episodes, population.num_groups, len(SUMS)))
    for _ in range(steps):
        seen = stream.step()
        place, first = (seen.group, seen.level), seen.visit == 0
        now = (
            *(
                first,
                phi[seen.moved] - phi[seen.level],
                phi[seen.moved_if_denied] - phi[seen.level],
            ),
            *(first * V_0[place], values.baseline_gain[place]),
            seen.approve_prob * values.benefit[place],
        )
        sums[stream.episode, seen.group] += np.stack(now, -1)
    return sums


def estimate(sums: np.ndarray, pair: tuple[int, int] = (0, 1)) -> SampledDecomposition:
    """The estimates from sums `(E, G, 6)`: ratios of means, so people are weighted alike.

    Standard errors are linearised over episodes, with the dependence of the groups in an episode.
    """
    column = {name: sums[..., index] for index, name in enumerate(SUMS)}
    total, paths, baseline = column["total"], column["paths"], column["baseline"]
    expected_paths, expected_direct = column["expected_paths"], column["expected_direct"]

    def of(terms: np.ndarray) -> Estimate:
        return _difference(terms, column["people"], pair)

    spurious = of(baseline)
    common = {"C": of(total), "DPE": of(total - paths), "IPE": of(paths - baseline)}
    expected = {
        "C": of(expected_direct + expected_paths),
        "DPE": of(expected_direct),
        "IPE": of(expected_paths - baseline),
    }
    people = column["people"].mean(0)
    added = {"SPE": spurious}
    return SampledDecomposition(pair, common | added, expected | added, people, len(sums))


def _difference(terms: np.ndarray, people: np.ndarray, pair: tuple[int, int]) -> Estimate:
    """Difference of the groups' ratios of `terms` to `people`, `(E, G)`; NaN without people."""
    mean = people.mean(0)
    mean = np.where(mean > 0, mean, np.nan)
    ratio = terms.mean(0) / mean
    off = (terms - ratio * people) / mean
    first, second = pair
    error = (off[:, first] - off[:, second]).std(ddof=1) / np.sqrt(len(terms))
    return Estimate(float(ratio[first] - ratio[second]), float(error))
