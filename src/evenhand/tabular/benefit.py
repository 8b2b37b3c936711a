"""Benefit fairness of a policy: do people of different groups with equal benefit fare alike?

Lear & Zhang 2025 (arXiv 2506.11242), sec. 3.5, after Plecko & Bareinboim 2023 (arXiv 2306.05066).
"""

from itertools import combinations

import numpy as np

from evenhand.core.errors import InputError
from evenhand.tabular.evaluation import staged
from evenhand.tabular.gain_values import check_pair, check_policy, signal_gain, visit_sums
from evenhand.tabular.mdp import TabularMDP

Law = str | np.ndarray | None


def benefit_disparity(
    mdp: TabularMDP,
    policy: np.ndarray,
    radius: float = 1e-6,
    pair: tuple[int, int] = (0, 1),
    law: Law = None,
    *,
    signal: str = "qualification_gain",
    baseline: int = 0,
) -> float:
    """Lambda: how differently the two groups are decided about at (nearly) equal benefit.

        Lambda = sum_{x, x'} eps |pi(d1|x, s+) - pi(d1|x', s-)|
                 / (eps + |Delta(x, s+) - Delta(x', s-)|)  P(x|s+) P(x'|s-),

    with eps the `radius`; 0 says alike, 1 is the most. With more than two actions, the sum over
    the actions besides `baseline` of the same with pi(a|.) and Delta(., a). P is the initial law
    (default, and the first stage of a staged policy), `law="visits"` the states that the policy's
    decisions meet (as in the paper's minibatches), or an array `(G, S)`.

    **Read with care.** With the paper's radius of 1e-6 only *exactly* equal benefits count. Where
    the groups' benefits never coincide, as in setting 3 (smallest difference about 8e-4), every
    weight is below .002 and Lambda is practically 0 whatever is decided. A radius of .01 to .05
    is on the scale of the benefits there. A small Lambda is no statement about the size of C.
    """
    first, second = check_pair(pair, mdp.num_groups)
    if not (radius > 0 and np.isfinite(radius)):
        raise InputError(f"radius must be a finite number above 0, got {radius:g}")
    probability, weight = _decisions(mdp, policy, law)
    gain = signal_gain(mdp, signal, baseline)
    benefit = gain - gain[..., [baseline]]
    two = [first, second]
    return sum(
        apart_at_equal_benefit(probability[two, :, a], benefit[two, :, a], weight[two], radius)
        for a in range(mdp.num_actions)
        if a != baseline
    )


def apart_at_equal_benefit(
    probability: np.ndarray, benefit: np.ndarray, law: np.ndarray, radius: float
) -> float:
    """Lambda of one action, from its probability, its benefit and the law of states, `(2, S)`."""
    apart = np.abs(probability[0][:, None] - probability[1])
    near = radius / (radius + np.abs(benefit[0][:, None] - benefit[1]))
    return float(law[0] @ (near * apart) @ law[1])


def largest_benefit_disparity(
    mdp: TabularMDP,
    policy: np.ndarray,
    radius: float = 1e-6,
    law: Law = None,
    *,
    signal: str = "qualification_gain",
    baseline: int = 0,
) -> float:
    """The largest `benefit_disparity` over all pairs of groups."""
    pairs = combinations(range(mdp.num_groups), 2)
    return max(
        benefit_disparity(mdp, policy, radius, pair, law, signal=signal, baseline=baseline)
        for pair in pairs
    )


def _decisions(mdp: TabularMDP, policy: np.ndarray, law: Law) -> tuple[np.ndarray, np.ndarray]:
    """`(G, S, A)` probabilities of the actions and the `(G, S)` law of the states they meet."""
    check_policy(mdp, policy)
    if isinstance(law, str):
        if law != "visits":
            raise InputError(f'law must be "visits", an array (G, S) or None, got {law!r}')
        met = visit_sums(mdp, policy)
        visits = met.sum(-1, keepdims=True)
        # Where nobody comes nothing is decided; the weight there is 0, so any number will do.
        share = met / np.where(visits > 0, visits, 1.0)
        return share, visits[..., 0] / visits.sum((1, 2))[:, None]
    weight = mdp.initial if law is None else np.asarray(law, float)
    if weight.shape != mdp.initial.shape or not np.allclose(weight.sum(1), 1, atol=1e-6):
        raise InputError(
            f"law must be {mdp.initial.shape} (G, S) with rows that sum to 1, "
            f"got shape {weight.shape}"
        )
    return (policy if policy.ndim == 3 else staged(mdp, policy)[:, 0]), weight
