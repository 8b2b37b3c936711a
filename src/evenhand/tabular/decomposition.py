"""Where a difference of gain between two groups comes from: the policy, its paths, the world.

Lear & Zhang 2025 (arXiv 2506.11242), sec. 3.4. C, the difference of the groups' expected gains, is
the sum of three effects: the direct effect of the policy (DPE), what it adds through the states it
leads to (IPE), and what would be there without it (SPE).
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from evenhand.core.errors import InputError, unknown_name
from evenhand.tabular.evaluation import expected_returns
from evenhand.tabular.gain_values import (
    GainValues,
    always,
    check_pair,
    first_weight,
    gain_values,
    signal_gain,
    visit_sums,
)
from evenhand.tabular.mdp import TabularMDP

V0_CHOICES = ("exact", "stationary")


@dataclass(frozen=True)
class Decomposition:
    """The difference C of gain per person decided about, group `pair[0]` minus `pair[1]`.

    C = DPE + IPE + SPE. Arrays `(G,)` hold the groups' own terms, whose differences these are.
    """

    pair: tuple[int, int]
    C: float
    """E+[V_pi] - E-[V_pi]: difference of expected gain under the policy."""
    DPE: float
    """E+[V_pi - V_PS] - E-[V_pi - V_PS]: direct policy effect."""
    IPE: float
    """E+[V_PS - V_0] - E-[V_PS - V_0]: indirect policy effect."""
    SPE: float
    """E+[V_0] - E-[V_0]: spurious effect, there under the baseline action too."""
    by_visits: dict[str, float]
    """DPE and (exact V_0) IPE again, by proposition 1's sums over visits."""
    printed: dict[str, float]
    """DPE and IPE as they are printed in sec. 3.4: a misprint, see `decompose`."""
    gain_by_group: np.ndarray
    """`(G,)` expected summed gain of all members of a group, decided about or not."""
    total: np.ndarray
    """`(G,)` E[V_pi]."""
    direct: np.ndarray
    """`(G,)` E[V_pi - V_PS]."""
    indirect: np.ndarray
    """`(G,)` E[V_PS - V_0]."""
    spurious: np.ndarray
    """`(G,)` E[V_0]."""
    v0: str = "exact"


def decompose(
    mdp: TabularMDP,
    policy: np.ndarray,
    pair: tuple[int, int] = (0, 1),
    *,
    signal: str = "qualification_gain",
    baseline: int = 0,
    v0: str = "exact",
    potential: np.ndarray | None = None,
) -> Decomposition:
    """The effects of a policy on the difference of gain between the groups of `pair`.

    `policy` is `(G, S, A)`, or `(G, H, S, A)` for a finite horizon. E+ is over the initial law of
    `pair[0]` with the values of that group, E- likewise of `pair[1]`: the natural definition,
    which the paper's released code computes. The paper *prints* V_PS of the first group in both
    terms. Both sum to C, since V_PS cancels, but only the natural one agrees with the paper's own
    proposition 1; `printed` is kept for comparison alone. In setting 3 (equal initial laws) it
    always says DPE = C and IPE = -SPE: approving everybody for 500 steps has DPE .0052, IPE .0553,
    SPE .2594, and in print DPE .3198, IPE -.2594. The two agree where the groups share transitions
    and policy.

    `v0="stationary"` is the V_0 of the released code, for its fig. 5: the mean over all states j of
    phi(j) - phi(x), as if scores ended up uniform. It needs the `potential (S,)` phi whose
    differences are the gains (`LendingPopulation.potential`). `by_visits` is exact either way.
    """
    chosen = check_pair(pair, mdp.num_groups)
    return _Effects(mdp, policy, signal, baseline, v0, potential).of(*chosen)


def decompose_pairs(
    mdp: TabularMDP,
    policy: np.ndarray,
    *,
    signal: str = "qualification_gain",
    baseline: int = 0,
    v0: str = "exact",
    potential: np.ndarray | None = None,
) -> dict[tuple[int, int], Decomposition]:
    """A decomposition for every pair of groups, first group first; see `decompose`."""
    pairs = list(combinations(range(mdp.num_groups), 2))
    if not pairs:
        raise InputError("a decomposition compares groups, and there is one")
    effects = _Effects(mdp, policy, signal, baseline, v0, potential)
    return {pair: effects.of(*pair) for pair in pairs}


def stationary_baseline(
    mdp: TabularMDP, potential: np.ndarray, signal: str = "qualification_gain"
) -> np.ndarray:
    """`(G, S)` V_0(x) = mean_j phi(j) - phi(x), as if everybody ended uniformly over the states.

    Raises where the gains are not differences of this potential.
    """
    phi = np.asarray(potential, float)
    if phi.shape != (mdp.num_states,):
        raise InputError(f"potential must be ({mdp.num_states},), got shape {phi.shape}")
    if not np.allclose(mdp.transition @ phi - phi[:, None], signal_gain(mdp, signal), atol=1e-8):
        raise InputError(
            f'v0="stationary" is for gains that are differences of a potential; {signal!r} is not '
            'one of this potential, use v0="exact"'
        )
    return np.broadcast_to(phi.mean() - phi, (mdp.num_groups, mdp.num_states))


def baseline_values(
    mdp: TabularMDP, values: GainValues, v0: str, potential: np.ndarray | None, signal: str
) -> np.ndarray:
    """`(G, S)` the V_0 that `v0` names: that of `values`, or the stationary one."""
    if v0 not in V0_CHOICES:
        raise unknown_name("v0", v0, V0_CHOICES)
    if v0 == "exact":
        return values.V_0
    if potential is None:
        raise InputError('v0="stationary" needs the potential, such as population.potential')
    return stationary_baseline(mdp, potential, signal)


class _Effects:
    """Everything that the decompositions of all pairs share."""

    def __init__(
        self,
        mdp: TabularMDP,
        policy: np.ndarray,
        signal: str,
        baseline: int,
        v0: str,
        potential: np.ndarray | None,
    ) -> None:
        values = gain_values(mdp, policy, signal, baseline)
        first_weight(mdp)
        self.initial, self.v0, self.V_PS = mdp.initial, v0, values.V_PS
        V_0 = baseline_values(mdp, values, v0, potential, signal)
        self.total, self.paths, self.spurious = (
            (mdp.initial * value).sum(1) for value in (values.V_pi, values.V_PS, V_0)
        )
        self.gain = expected_returns(mdp, policy)[:, mdp.signals.index(signal)]
        eta, eta_0 = visit_sums(mdp, policy), visit_sums(mdp, always(mdp, baseline))
        self.visit_direct = (eta * values.action_benefit).sum((1, 2))
        self.visit_indirect = ((eta - eta_0).sum(-1) * values.baseline_gain).sum(1)

    def of(self, first: int, second: int) -> Decomposition:
        """The decomposition of group `first` minus group `second`."""

        def between(terms: np.ndarray) -> float:
            return float(terms[first] - terms[second])

        direct, indirect = self.total - self.paths, self.paths - self.spurious
        # The misprint: the first group's V_PS, met by the second group's people.
        swapped = float(self.initial[second] @ (self.V_PS[first] - self.V_PS[second]))
        return Decomposition(
            (first, second),
            between(self.total),
            between(direct),
            between(indirect),
            between(self.spurious),
            {"DPE": between(self.visit_direct), "IPE": between(self.visit_indirect)},
            {"DPE": between(direct) + swapped, "IPE": between(indirect) - swapped},
            *(self.gain, self.total, direct, indirect, self.spurious),
            v0=self.v0,
        )
