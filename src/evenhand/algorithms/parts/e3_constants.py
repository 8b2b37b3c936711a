"""What the theorem about RestrictedE3 asks for, in numbers.

Jabbari et al. (2017), Def. 7 and the proof of Theorem 6. Constants hidden in O() are taken as 1,
and the exponents of m_1 are as recalled: the orders of magnitude are what counts.
"""

import math
from dataclasses import dataclass

from evenhand.core.errors import InputError


def horizon_time(eps: float, discount: float) -> int:
    """H_eps, after which at most eps of a return is left: gamma^H / (1 - gamma) <= eps."""
    if not (0 < eps < 1 and 0 < discount < 1):
        raise InputError(f"eps and the discount must lie between 0 and 1, got {eps} and {discount}")
    return max(math.ceil(math.log(eps * (1 - discount)) / math.log(discount)), 1)


@dataclass(frozen=True)
class TheoryConstants:
    """What the proof needs: samples for Q* (`m_1`), for the model (`m_2`), and what they come to.

    `m_q` random trajectories of `horizon` steps from a state make it known (eq. 3);
    `num_explorations` is how often an escape may have to be tried (eq. 5), `exploring_steps` the
    steps after which nothing is left to explore. What they cost is outweighed, and the mean over
    all steps within eps, after `total_steps`. `explicit_explorations` has no hidden constant: it is
    this project's, by Chernoff's bound.
    """

    horizon: int
    m_1: float
    m_2: float
    m_q: float
    num_explorations: float
    explicit_explorations: float
    exploring_steps: float
    total_steps: float

    def sentence(self, num_steps: int) -> str:
        """How the theorem's number of steps compares with a run's."""
        return (
            f"The theorem asks for {self.exploring_steps:.0e} steps here until all is explored "
            f"({self.m_q:.0e} random trajectories of {self.horizon} steps from every state; hidden "
            f"constants taken as 1); this run has {num_steps:.0e}."
        )


def theory_constants(
    num_states: int,
    num_actions: int,
    discount: float,
    eps: float,
    alpha: float,
    mixing_time: int,
    delta: float = 0.1,
) -> TheoryConstants:
    """The constants for a problem of this size.

    m_1 = k^(H + 3) n (1 / ((1 - gamma) alpha))^2 ln(k / delta),
    m_2 = n^4 H^8 / min(eps, alpha)^4 ln(n / delta), m_Q = k max(m_1, m_2) (eq. 3) and
    m_exp = T* n m_Q / eps ln(n / delta) explorations (eq. 5) of 2 T* steps; all is explored after
    n m_Q H + 2 T* m_exp steps, and 1 / eps times as many outweigh them. By Chernoff's bound
    max(2 n m_Q, 8 ln(4 / delta)) 4 T* / eps explorations, each of which escapes with chance
    eps / (4 T*) or more, have n m_Q escapes among them with probability 1 - delta / 4.
    """
    if not (alpha > 0 and 0 < delta < 1 and mixing_time >= 1):
        raise InputError(
            f"alpha must be positive, delta lie between 0 and 1 and the mixing time be 1 or more, "
            f"got {alpha}, {delta} and {mixing_time}"
        )
    n, k, H, T = num_states, num_actions, horizon_time(eps, discount), mixing_time
    m_1 = float(k) ** (H + 3) * n / ((1 - discount) * alpha) ** 2 * math.log(k / delta)
    m_2 = float(n) ** 4 * float(H) ** 8 / min(eps, alpha) ** 4 * math.log(n / delta)
    m_q = k * max(m_1, m_2)
    tries = T * n * m_q / eps * math.log(n / delta)
    explicit = max(2 * n * m_q, 8 * math.log(4 / delta)) * 4 * T / eps
    steps = n * m_q * H + 2 * T * tries
    return TheoryConstants(H, m_1, m_2, m_q, tries, explicit, steps, steps / eps)
