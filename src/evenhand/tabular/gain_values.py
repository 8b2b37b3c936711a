"""Values of gain under a policy, under its paths alone, and under the baseline action, exactly.

Lear & Zhang 2025, "A Causal Lens for Learning Long-term Fair Policies" (arXiv 2506.11242), whose
baseline action is to deny. Finite problems of a person: a finite horizon, a random number of
decisions (`TabularMDP.stage_weight`), or a discounted infinite horizon.
"""

from dataclasses import dataclass

import numpy as np

from evenhand.core.errors import InputError, unknown_name
from evenhand.tabular.evaluation import occupancy, stage_factor, staged, state_values
from evenhand.tabular.mdp import TabularMDP
from evenhand.tabular.planning import one_hot


@dataclass(frozen=True)
class GainValues:
    """Expected summed gain of a person first decided about at state x; arrays are `(G, S)`.

    With a random number of decisions everything is conditioned on there being at least one.
    """

    V_pi: np.ndarray
    """Decisions and their gains as the policy takes them."""
    V_PS: np.ndarray
    """Moves as under the policy, but at every state the gain of the baseline action (pi_PS)."""
    V_0: np.ndarray
    """The baseline action throughout: what would happen without the policy."""
    baseline_gain: np.ndarray
    """g0(x): expected gain of one decision if it is the baseline action."""
    action_benefit: np.ndarray
    """`(G, S, A)` Delta(x, a) = g(x, a) - g0(x); 0 for the baseline action itself."""
    baseline: int = 0

    @property
    def benefit(self) -> np.ndarray:
        """`(G, S)` benefit Delta(x) of the one action besides the baseline; sec. 3.5 of the paper.

        With more than two actions there is no single benefit: read `action_benefit`.
        """
        if self.action_benefit.shape[-1] != 2:
            raise InputError(
                f"with {self.action_benefit.shape[-1]} actions there is a benefit per action; "
                "read action_benefit"
            )
        return self.action_benefit[..., 1 - self.baseline]


def gain_values(
    mdp: TabularMDP,
    policy: np.ndarray,
    signal: str = "qualification_gain",
    baseline: int = 0,
) -> GainValues:
    """Values of `signal` under `policy` `(G, S, A)` or `(G, H, S, A)`, by dynamic programming.

    Sec. 3.4 of the paper. With P_pi the moves under the policy, P_0 those under the baseline
    action and w_k the probability of a k-th decision (k from 0) over that of a first one:

        V_pi[k] = w_k (g0 + sum_a pi(a) Delta(., a)) + P_pi V_pi[k + 1],
        V_PS[k] = w_k g0 + P_pi V_PS[k + 1],      V_0[k] = w_k g0 + P_0 V_0[k + 1],

    at k = 0; for an infinite horizon the fixed points with P discounted. Any number of actions:
    Delta(x, a) = g(x, a) - g(x, baseline), so with two actions sum_a pi(a) Delta(., a) is the
    paper's pi(d1) Delta.
    """
    gain = signal_gain(mdp, signal, baseline)
    check_policy(mdp, policy)
    g0 = gain[..., baseline]
    moving = (gain, np.broadcast_to(g0[..., None], gain.shape))
    V_pi, V_PS = np.moveaxis(_values(mdp, policy, np.stack(moving, -1)), -1, 0)
    V_0 = _values(mdp, always(mdp, baseline), gain[..., None])[..., 0]
    return GainValues(V_pi, V_PS, V_0, g0, gain - g0[..., None], baseline)


def visit_sums(mdp: TabularMDP, policy: np.ndarray) -> np.ndarray:
    """`(G, S, A)` eta: expected times a person decided about at least once meets state and action.

    Unnormalised: its sum is the expected number of decisions (discounted, without a horizon).
    The eta(x_1 -> x) of proposition 1, averaged over the initial law, times the policy.
    """
    check_policy(mdp, policy)
    visits = occupancy(mdp, policy)
    return visits if mdp.horizon is None else visits.sum(1) / first_weight(mdp)


def always(mdp: TabularMDP, action: int) -> np.ndarray:
    """`(G, S, A)` policy that takes one action everywhere."""
    shape = (mdp.num_groups, mdp.num_states)
    return one_hot(np.full(shape, action), mdp.num_actions)


def first_weight(mdp: TabularMDP) -> float:
    """Probability that a person is decided about at all."""
    weight = 1.0 if mdp.horizon is None else float(mdp.weights[0])
    if not weight > 0:
        raise InputError("nobody is ever decided about: stage_weight starts with 0")
    return weight


def signal_gain(mdp: TabularMDP, signal: str, baseline: int = 0) -> np.ndarray:
    """`(G, S, A)` expected gain of every state and action; checks the signal and the baseline."""
    if signal not in mdp.signals:
        raise unknown_name("signal", signal, mdp.signals)
    if not 0 <= baseline < mdp.num_actions:
        raise InputError(f"baseline must be an action 0..{mdp.num_actions - 1}, got {baseline}")
    return mdp.rewards[..., mdp.signals.index(signal)]


def check_policy(mdp: TabularMDP, policy: np.ndarray) -> None:
    """Raise `InputError` unless this is a table of action probabilities of the right shape."""
    stationary = (mdp.num_groups, mdp.num_states, mdp.num_actions)
    finite = (mdp.num_groups, mdp.horizon, *stationary[1:])
    if policy.shape != stationary and (mdp.horizon is None or policy.shape != finite):
        either = "" if mdp.horizon is None else f" or {finite} (G, H, S, A)"
        raise InputError(f"policy must be {stationary} (G, S, A){either}, got {policy.shape}")
    off = float(np.abs(policy.sum(-1) - 1).max())
    if not off < 1e-5 or (policy < 0).any():
        raise InputError(
            f"rows of policy must be distributions over actions; the worst sum is off by {off:.3g}"
        )


def check_pair(pair: tuple[int, int], num_groups: int) -> tuple[int, int]:
    """The pair again; raises `InputError` unless it names two different groups."""
    first, second = pair
    if first == second or not {first, second} <= set(range(num_groups)):
        raise InputError(f"a pair is two different groups of 0..{num_groups - 1}, got {pair}")
    return first, second


def _values(mdp: TabularMDP, policy: np.ndarray, reward: np.ndarray) -> np.ndarray:
    """`(G, S, M)` expected sums of `reward (G, S, A, M)` per person decided about."""
    if mdp.horizon is None:
        signals = tuple(map(str, range(reward.shape[-1])))
        priced = TabularMDP(
            mdp.transition, reward, mdp.initial, mdp.group_size, mdp.discount, signals=signals
        )
        return state_values(priced, policy)
    policy, factor = staged(mdp, policy), stage_factor(mdp) / first_weight(mdp)
    value = np.zeros((*reward.shape[:2], reward.shape[-1]))
    for k in reversed(range(len(factor))):
        ahead = factor[k] * reward + np.einsum("gsan,gnm->gsam", mdp.transition, value)
        value = np.einsum("gsa,gsam->gsm", policy[:, k], ahead)
    return value
