"""What counts say about unknown dynamics: a model, its confidence radius, and shifted rewards.

Equations are those of optimism and pessimism in Song et al. (2025, arXiv 2503.07817) and of their
single-task predecessor, Satija et al. (2023), with groups that have dynamics of their own, H
stages without discount and rewards in [0, 1] that are known. `G, S, A, H, M` are the numbers of
groups, states, actions, stages and tasks.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from evenhand.core.errors import unknown_name

RULES = ("paper", "hoeffding")


def empirical_model(counts: Float[np.ndarray, "G S A S"]) -> Float[np.ndarray, "G S A S"]:
    """Share of each next state among the transitions seen; uniform where nothing was seen."""
    visits = counts.sum(-1, keepdims=True)
    return np.where(visits > 0, counts / np.maximum(visits, 1.0), 1.0 / counts.shape[-1])


@dataclass(frozen=True)
class ConfidenceRadius:
    """beta(N) = scale * sqrt(weight / max(1, N)), how far one estimated probability may be off.

    `scale` 1 is the value of the theory; less is a practical choice under which the confidence
    event, and with it every guarantee, may fail. What was visited fewer than `min_visits` times
    counts as unknown whatever the scale: its radius is at least `ignorance`, by default 1 / S,
    which shifts returns by the most that an error in one step can change them, H. At scale 1
    that changes nothing, for the radius of so few visits is wider.
    """

    weight: float
    scale: float = 1.0
    min_visits: int = 0
    ignorance: float = 1.0

    def __call__(self, visits: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """beta for each number of visits."""
        radius = self.scale * np.sqrt(self.weight / np.maximum(visits, 1.0))
        if not self.min_visits:
            return radius
        return np.where(visits < self.min_visits, np.maximum(radius, self.ignorance), radius)

    def visits_for(self, radius: float) -> float:
        """Visits after which beta is `radius`: scale^2 * weight / radius^2."""
        return self.scale**2 * self.weight / radius**2


def confidence_radius(
    shape: tuple[int, int, int],
    horizon: int,
    num_episodes: int,
    failure_prob: float,
    scale: float = 1.0,
    rule: str = "paper",
    min_visits: int = 0,
) -> ConfidenceRadius:
    """The radius that holds for all entries and episodes at once with prob. 1 - `failure_prob`.

    `shape` is (G, S, A). With `rule` "paper" the weight is ln(4 G^2 S^2 A H K / delta) as in the
    predecessor. "hoeffding" is ln(2 G S^2 A H K / delta) / 2: Hoeffding's inequality for each of
    the G S^2 A entries and each of the at most H K values of its N.
    """
    if rule not in RULES:
        raise unknown_name("rule of a radius", rule, RULES)
    G, S, A = shape
    events = S * S * A * horizon * num_episodes / failure_prob
    if rule == "paper":
        weight = float(np.log(4 * G * G * events))
    else:
        weight = float(np.log(2 * G * events)) / 2
    return ConfidenceRadius(weight, scale, min_visits, 1.0 / S)


def confidence_event(
    model: Float[np.ndarray, "G S A S"],
    truth: Float[np.ndarray, "G S A S"],
    radius: Float[np.ndarray, "G S A"],
) -> bool:
    """True where every single estimated probability is within its radius of the true one."""
    return bool((np.abs(model - truth) <= radius[..., None] + 1e-12).all())


def reward_coefficient(num_states: int, horizon: int) -> float:
    """c = S H: one radius of each of S next states, times a value of at most H."""
    return float(num_states * horizon)


def predecessor_coefficient(num_groups: int, num_states: int, horizon: int) -> float:
    """c = 1 + G S H, of Satija et al.: rewards unknown as well, states of all groups united."""
    return 1.0 + num_groups * num_states * horizon


def shifted_rewards(
    rewards: Float[np.ndarray, "G S A M"], radius: Float[np.ndarray, "G S A"], coefficient: float
) -> tuple[Float[np.ndarray, "G S A M"], Float[np.ndarray, "G S A M"]]:
    """(optimistic, pessimistic): r + c beta and r - c beta.

    When the confidence event holds, returns under the model of these rewards enclose the true
    return of any policy, for c = S H: J(pi; model, r - c beta) <= J(pi; P, r) <= J(pi; model,
    r + c beta).
    """
    shift = coefficient * radius[..., None]
    return rewards + shift, rewards - shift


def exploration_bonus(
    coefficient: float, num_groups: int, horizon: int, slack: float = np.inf
) -> float:
    """alpha = c + 4 G H c / slack, the weight of beta in the objective, for each task.

    `slack` is the tolerance minus the gap of the initial policy; infinite without a constraint.
    With it the program's optimum is at least the true constrained optimum while the event holds:
    mix the optimum with the initial policy until the shifted constraints are met, and the bonus
    pays for the mixture.
    """
    return coefficient + 4 * num_groups * horizon * coefficient / slack


def radius_to_leave(slack: float, coefficient: float, horizon: int) -> float:
    """A uniform radius at which any initial policy passes the fallback test: slack / (4 c H).

    Each of two groups' returns is then shifted by at most c H beta = slack / 4, so together by
    half the slack, which is what the test (tolerance + initial gap) / 2 leaves, if the model's
    returns without the shift are the true ones. Within the event they may be off by as much
    again, so that half this radius is sure to do.
    """
    return slack / (4 * coefficient * horizon)


def occupancies(
    transition: Float[np.ndarray, "G S A S"],
    initial: Float[np.ndarray, "G S"],
    policy: Float[np.ndarray, "G H S A"],
) -> Float[np.ndarray, "G S A"]:
    """Expected visits of an episode to each state and action, summed over stages.

    The fast twin of `evaluation.occupancy` for learners that need it every episode: no weights of
    stages, no discount.
    """
    G, H, S, A = policy.shape
    flat = transition.reshape(G, S * A, S)
    laws = np.empty((H, G, S, 1))
    laws[0, ..., 0] = law = initial
    by_stage = policy.transpose(1, 0, 2, 3)
    for h in range(H - 1):
        visits = law[..., None] * by_stage[h]
        law = (visits.reshape(G, 1, S * A) @ flat)[:, 0]
        laws[h + 1, ..., 0] = law
    return (laws * by_stage).sum(0)


def policy_returns(
    transition: Float[np.ndarray, "G S A S"],
    initial: Float[np.ndarray, "G S"],
    rewards: Float[np.ndarray, "G S A M"],
    policy: Float[np.ndarray, "G H S A"],
) -> Float[np.ndarray, "G M"]:
    """Expected return of every task in every group."""
    visits = occupancies(transition, initial, policy)
    G, M = len(visits), rewards.shape[-1]
    return (visits.reshape(G, 1, -1) @ rewards.reshape(G, -1, M))[:, 0]


def largest_gap(upper: Float[np.ndarray, "G M"], lower: Float[np.ndarray, "G M"]) -> float:
    """max over tasks and ordered pairs i != j of upper[i] - lower[j]; -inf without a pair."""
    difference = upper[:, None] - lower
    difference[np.diag_indices(len(upper))] = -np.inf
    return float(difference.max(initial=-np.inf))


def gaps(J: Float[np.ndarray, "... G M"]) -> Float[np.ndarray, "... M"]:
    """max over pairs of groups of |J_i - J_j|, for each task."""
    return J.max(-2) - J.min(-2)
