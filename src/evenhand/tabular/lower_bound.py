"""How long the best learner needs that keeps a notion of equal treatment on a chain; exact.

Jabbari et al. (2017) bound from below the time that any learner needs which is fair (Theorem 3),
alpha-choice fair (Theorem 4) or alpha-action fair (Theorem 5). Their argument on `families.chain`:
before the last state is seen, nothing tells the problem from one in which all actions tie, so the
notion limits the chance of going ahead; on the way through n states that costs a power of n.
Here the time of the learner that makes the most of what is allowed is computed exactly: it goes
ahead with the largest chance until the last state is reached, and then stays.

eps-optimality (Definition 1) in Tau steps: for every T >= Tau,

    E_{s ~ mu*} V*(s) - E[(1/T) sum_{t=1..T} V*(s_t)] <= 2 eps / (1 - discount),

with mu* the last state. The law of the state rises with t, and V* along the chain, so that the
left side falls with T and a binary search finds Tau.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from evenhand.core.errors import InputError
from evenhand.tabular.families import chain_value, costly_value, longest_costly_chain

# Beyond it a count of steps is no longer exact in float64.
_MOST_STEPS = 2**52


def ahead_chance(actions: int, choice_alpha: float = 0.0) -> float:
    """The largest chance of one action when all tie: (1 + (k - 1) alpha) / k, at most 1.

    Every other action then has alpha less, which is what alpha-choice fairness allows at ties; at
    alpha = 0 all are equal. (The proof of Theorem 4 uses the weaker bound 1/k + alpha.)
    """
    if actions < 2 or not choice_alpha >= 0:
        raise InputError(
            f"actions must be at least 2 and choice_alpha at least 0, got {actions} and "
            f"{choice_alpha}"
        )
    return min(1.0, (1 + (actions - 1) * choice_alpha) / actions)


def hitting_time(n: int, chance: float) -> float:
    """Expected steps to the last of n states: ((1/q)^(n-1) - 1) / (1 - q), q the `chance`.

    The wait for a run of n - 1 successes; at chance 1/k it is (k^n - k) / (k - 1).
    """
    return n - 1.0 if chance == 1 else ((1 / chance) ** (n - 1) - 1) / (1 - chance)


def chain_deficit(n: int, discount: float) -> Float[np.ndarray, " S"]:
    """How much less each state of `families.chain` is worth than the last one, at x = 1."""
    value = chain_value(n, discount)
    return value[-1] - value


def costly_deficit(n: int, alpha: float, discount: float) -> Float[np.ndarray, " S"]:
    """The same of `families.costly_chain`; refused where n is too long for the notion to bind."""
    longest = longest_costly_chain(alpha, discount)
    if not n <= longest:
        raise InputError(
            f"a costly chain of {n} states at alpha {alpha} and discount {discount} does not force "
            f"equal probabilities; at most {longest} states do, or lower alpha"
        )
    value = costly_value(n, alpha, discount)
    return value[-1] - value


def steps_to_optimality(deficit: Float[np.ndarray, " S"], chance: float, excess: float) -> int:
    """Tau: the first T from which on the mean deficit of the states visited is at most `excess`.

    The learner starts in the first state, goes ahead with probability `chance` (else back to the
    first) until the last state, and stays there. `excess` is 2 eps / (1 - discount).
    """
    if not excess > 0:
        raise InputError(f"eps must be above 0, got {excess} for 2 eps / (1 - discount)")
    law, total, steps = np.eye(len(deficit) - 1)[0], 0.0, 0
    ladder = _doublings(deficit[:-1], chance, excess)
    for power in reversed(range(len(ladder))):
        ahead, summed = ladder[power]
        longer = total + law @ summed
        if longer > excess * (steps + 2**power):
            law, total, steps = law @ ahead, longer, steps + 2**power
    return steps + 1


def _doublings(
    deficit: Float[np.ndarray, " S"], chance: float, excess: float
) -> list[tuple[Float[np.ndarray, "S S"], Float[np.ndarray, " S"]]]:
    """For 2^j steps, j = 0, 1, ..: the moves among states before the last, and summed deficits.

    As many as it takes until the mean deficit from the first state is at most `excess`.
    """
    n = len(deficit)
    moves = np.zeros((n, n))
    moves[:, 0] = 1 - chance
    moves[np.arange(n - 1), np.arange(1, n)] += chance
    arrived = np.zeros(n)  # chance of having reached the last state, kept apart: see below
    arrived[-1] = chance
    summed, ladder = deficit, []
    while True:
        ladder.append((moves, summed))
        if summed[0] <= excess * 2 ** (len(ladder) - 1):
            return ladder
        if 2 ** len(ladder) > _MOST_STEPS:
            raise InputError(
                f"more than {_MOST_STEPS:.1e} steps are needed; ask for fewer states or actions"
            )
        summed = summed + moves @ summed
        arrived = arrived + moves @ arrived
        moves = moves @ moves
        # Squaring doubles the rounding error of rows that nearly add up to one, and their
        # distance from one is all that counts; sums of positive numbers do not lose it.
        left, rows = np.maximum(1 - arrived, 0), moves.sum(1)
        moves *= np.divide(left, rows, out=np.zeros(n), where=rows > 0)[:, None]


@dataclass(frozen=True)
class Growth:
    """How the exact time grows with the number of states.

    `steps` has an entry per entry of `states`; `fitted_base` is b of the least-squares fit of
    b^n to them on the log scale, NaN for one size; `exact_base` is the base of the expected time
    under the notion, and `paper_base` the one that the theorem states.
    """

    states: tuple[int, ...]
    steps: tuple[int, ...]
    exact_base: float
    paper_base: float

    @property
    def local_bases(self) -> tuple[float, ...]:
        """By how much each further state multiplied the time, from one size to the next larger.

        They approach `exact_base`; a fit lies above it while sizes are small, since the states on
        the way are then worth nearly as much as the last one.
        """
        sizes, logs = np.array(self.states, float), np.log(np.array(self.steps, float))
        return tuple(np.exp(np.diff(logs) / np.diff(sizes)).tolist())

    @property
    def fitted_base(self) -> float:
        if len(self.states) < 2:
            return np.nan
        n, logs = np.array(self.states, float), np.log(np.array(self.steps, float))
        n -= n.mean()
        return float(np.exp(n @ logs / (n @ n)))


def chain_growth(
    states: tuple[int, ...],
    actions: int = 2,
    discount: float = 0.6,
    eps: float = 0.1,
    choice_alpha: float = 0.0,
) -> Growth:
    """Exact times on `families.chain` under fairness, or alpha-choice fairness (Theorems 3, 4).

    Bases: exactly 1 / `ahead_chance`; in the paper k (Theorem 3) or k / (1 + k alpha).
    """
    chance, excess = ahead_chance(actions, choice_alpha), 2 * eps / (1 - discount)
    steps = tuple(steps_to_optimality(chain_deficit(n, discount), chance, excess) for n in states)
    return Growth(states, steps, 1 / chance, actions / (1 + actions * choice_alpha))


def costly_growth(
    states: tuple[int, ...],
    actions: int = 2,
    discount: float = 0.9,
    eps: float = 0.1,
    action_alpha: float = 0.05,
) -> Growth:
    """Exact times on `families.costly_chain` under alpha-action fairness; both bases are k.

    The theorem itself speaks of 1 / (1 - discount), not of n: see `action_exponent`.
    """
    excess, equal = 2 * eps / (1 - discount), ahead_chance(actions)
    steps = tuple(
        steps_to_optimality(costly_deficit(n, action_alpha, discount), equal, excess)
        for n in states
    )
    return Growth(states, steps, float(actions), float(actions))


def action_exponent(discount: float, c: float = 0.5) -> float:
    """c / (1 - discount), to which Theorem 5 raises the number of actions; 1/2 < c < 1 there."""
    return c / (1 - discount)
