"""What lay between the groups before the first decision, and who a person would be in another.

Lear & Zhang 2025, section 4: in a fictitious period 0 everybody shares the pooled law of levels
P(x), and belonging to group s then moves a person from X to X_s. That move is a qualification gain
g(X, X_s) like every later one. With g(x, x') = phi(x') - phi(x) the expected gain needs no
counterfactual, only the two laws; the monotone coupling says which counterfactual it is made of.

Laws are `(G, K)`, one row per group (`LendingPopulation.initial`, or `person().initial`, rounded
to whole people), potentials `(K,)`. `share (G,)` weighs the groups in the pooled law: sizes or
proportions; None: equal shares, as in the paper, whatever the sizes.
"""

from collections.abc import Sequence

import numpy as np

from evenhand.core.errors import InputError


def pooled_law(initial: np.ndarray, share: Sequence | np.ndarray | None = None) -> np.ndarray:
    """`(K,)` law P(x) of the level of a person of unknown group."""
    initial = _checked(initial)
    return _shares(share, len(initial)) @ initial


def baseline_gain(
    initial: np.ndarray, potential: np.ndarray, share: Sequence | np.ndarray | None = None
) -> np.ndarray:
    """`(G,)` expected gain G_s = E[phi(X) | s] - E[phi(X)] of period 0.

    The sum over x, x' in section 4 of Lear & Zhang 2025, in closed form: P(X_s = x') is P(x' | s)
    under every coupling of X and X_s. The gains of all groups, weighed by `share`, add up to 0.
    """
    mean = _checked(initial) @ _fitting(potential, initial)
    return mean - _shares(share, len(mean)) @ mean


def baseline_difference(initial: np.ndarray, potential: np.ndarray) -> np.ndarray:
    """`(G, G)` differences G_g - G_h = E[phi(X) | g] - E[phi(X) | h], whatever the shares."""
    return pairwise(_checked(initial) @ _fitting(potential, initial))


def total_gap(initial: np.ndarray, potential: np.ndarray, gap: np.ndarray) -> np.ndarray:
    """`(G, G)` gap with the baseline in it, (G_g - G_h) + C; eq. 6 of Lear & Zhang 2025.

    - `gap (G, G)`: C of a policy, the difference of the expected gain per member of g and of h.

    Gains telescope: this is E[phi(x at the end) | g] - E[phi(x at the end) | h].
    """
    difference = baseline_difference(initial, potential)
    if np.shape(gap) != difference.shape:
        raise InputError(
            f"gap must be {difference.shape}, one entry per pair of groups, got shape "
            f"{np.shape(gap)}; pairwise(gain) makes it of expected gains per member"
        )
    return difference + gap


def pairwise(value: np.ndarray) -> np.ndarray:
    """`(G, G)` differences value[g] - value[h] of the groups' numbers `(G,)`."""
    return np.subtract.outer(value, value)


def monotone_coupling(law: np.ndarray, other: np.ndarray) -> np.ndarray:
    """`(K, K)` joint law of (F^-1(U), H^-1(U)), U uniform: equal ranks in both laws meet.

    Entry x, x' is the overlap of (F(x - 1), F(x)] and (H(x' - 1), H(x')], F and H being the
    distribution functions of `law (K,)` and `other (K,)`.
    """
    above, other_above = _reach(law), _reach(other)
    top = np.minimum(above[1:, None], other_above[None, 1:])
    bottom = np.maximum(above[:-1, None], other_above[None, :-1])
    return np.maximum(top - bottom, 0.0)


def counterfactual_law(initial: np.ndarray) -> np.ndarray:
    """`(G, G, K, K)` P(X_h = x' | X = x, group g) at [g, h, x, x'], exactly.

    Abduction, action, prediction for a person of level x: the rank u is uniform in
    (F_g(x - 1), F_g(x)], and kept; the level becomes F_h^-1(u). This is the only coupling in which
    nobody overtakes anybody, and what any continuous score with X = f_s(u), f_s increasing, gives.
    A level where g has nobody gets the rank F_g(x), the limit of a vanishing share of people.
    """
    initial = _checked(initial)
    return np.stack([np.stack([_moves(law, other) for other in initial]) for law in initial])


def intervened_law(initial: np.ndarray, share: Sequence | np.ndarray | None = None) -> np.ndarray:
    """`(G, K, K)` P(X_s = x' | X = x) of a person of unknown group, at [s, x, x'].

    The two steps of the definition: whose level x is, P(g | x), and what s makes of it.
    Where nobody has level x, groups count by their shares.
    """
    initial = _checked(initial)
    share = _shares(share, len(initial))
    joint = share[:, None] * initial
    whose = np.where(joint.sum(0) > 0, joint, share[:, None])
    whose = whose / whose.sum(0)
    return np.einsum("gx,ghxy->hxy", whose, counterfactual_law(initial))


def averaged_gain(
    initial: np.ndarray, potential: np.ndarray, share: Sequence | np.ndarray | None = None
) -> np.ndarray:
    """`(G,)` sum over x, x' of g(x, x') P(X_s = x' | X = x) P(x): the definition, as it stands.

    The same number as `baseline_gain`, by the counterfactuals.
    """
    potential = _fitting(potential, initial)
    gain = potential[None, :] - potential[:, None]
    law = intervened_law(initial, share)
    return np.einsum("x,sxy,xy->s", pooled_law(initial, share), law, gain)


def level_w1(law: np.ndarray) -> np.ndarray:
    """`(G, G)` 1-Wasserstein distances of the groups' laws, sum over levels of |F_g - F_h|.

    In levels. Hu et al. (2024) measure the same distance between samples by Sinkhorn iterations.
    """
    cdf = _checked(law).cumsum(1)[:, :-1]
    return np.abs(cdf[:, None] - cdf[None]).sum(-1)


def _moves(law: np.ndarray, other: np.ndarray) -> np.ndarray:
    joint = monotone_coupling(law, other)
    mass = joint.sum(1, keepdims=True)
    lowest, rank = np.argmax(other > 0), _reach(law)[1:]
    point = np.maximum(np.searchsorted(_reach(other)[1:], rank), lowest)
    return np.where(mass > 0, joint / np.where(mass > 0, mass, 1.0), np.eye(len(other))[point])


def _reach(law: np.ndarray) -> np.ndarray:
    """`(K + 1,)` distribution function from 0 to exactly 1."""
    above = np.concatenate([[0.0], np.cumsum(law)])
    return above / above[-1]


def _checked(initial: np.ndarray) -> np.ndarray:
    law = np.asarray(initial, float)
    if law.ndim != 2 or (law < 0).any() or not np.allclose(law.sum(-1), 1, atol=1e-6):
        raise InputError(
            "initial must be (G, K), one distribution over levels per group, got shape "
            f"{law.shape} with sums {np.round(law.sum(-1), 6).tolist()}; divide rows by their sum"
        )
    return law


def _fitting(potential: np.ndarray, initial: np.ndarray) -> np.ndarray:
    num_levels = np.shape(initial)[-1]
    if np.shape(potential) != (num_levels,):
        raise InputError(
            f"potential must be ({num_levels},), one number per level of initial, got shape "
            f"{np.shape(potential)}"
        )
    return np.asarray(potential, float)


def _shares(share: Sequence | np.ndarray | None, groups: int) -> np.ndarray:
    weight = np.ones(groups) if share is None else np.asarray(share, float)
    if weight.shape != (groups,) or (weight < 0).any() or not weight.sum() > 0:
        raise InputError(
            f"share must be ({groups},), a size or proportion for each group, got {share}; "
            "None weighs groups equally"
        )
    return weight / weight.sum()
