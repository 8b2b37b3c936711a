"""A world of groups, a tolerance for the gap of every task, and a policy to fall back on."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Float

from evenhand.core.errors import InputError, unknown_name
from evenhand.core.solution import Solution
from evenhand.tabular.evaluation import expected_returns
from evenhand.tabular.group_fair_lp import GroupFairLP
from evenhand.tabular.mdp import TabularMDP

# Exact returns of a program's optimum miss its own bound by rounding; that is no violation.
ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class GapProblem:
    """What a learner is held to: every task's gap within `tolerance`, in every episode.

    The gap of a task is the largest difference of two groups' expected returns. Learners know the
    rewards (in [0, 1]), the initial distributions and `initial_policy (G, H, S, A)`, whose gap on
    every task is said to be at most `initial_gap`; they do not know `mdp.transition`, which only
    moves their episodes and scores their policies.
    """

    mdp: TabularMDP
    initial_policy: np.ndarray = field(repr=False)
    tolerance: float = 1.1
    initial_gap: float = 0.1
    groups: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_world(self.mdp)
        if not 0 <= self.initial_gap < self.tolerance < np.inf:
            raise InputError(
                f"initial_gap must be 0 or more and below tolerance, got {self.initial_gap} and "
                f"{self.tolerance}; the difference pays for learning"
            )
        _check_policy(self.mdp, self.initial_policy)
        if not self.groups:
            named = tuple(f"group {g}" for g in range(self.mdp.num_groups))
            object.__setattr__(self, "groups", named)
        if len(self.groups) != self.mdp.num_groups:
            raise InputError(
                f"groups must name the {self.mdp.num_groups} groups of the world, got {self.groups}"
            )

    @property
    def slack(self) -> float:
        """Tolerance minus the gap of the initial policy."""
        return self.tolerance - self.initial_gap

    @property
    def fallback_threshold(self) -> float:
        """(tolerance + initial gap) / 2: above it the initial policy is played."""
        return (self.tolerance + self.initial_gap) / 2

    @cached_property
    def optimum(self) -> Solution:
        """The best policies within the tolerance when the dynamics are known."""
        return GroupFairLP(self.mdp, self.tolerance).solve()

    @cached_property
    def initial_returns(self) -> np.ndarray:
        """`(G, M)` true returns of the initial policy."""
        return expected_returns(self.mdp, self.initial_policy)

    @cached_property
    def digest(self) -> str:
        """A short text that changes with any number of the problem."""
        mdp, text = self.mdp, hashlib.sha256()
        for array in (mdp.transition, mdp.rewards, mdp.initial, self.initial_policy):
            text.update(np.ascontiguousarray(array, np.float64).tobytes())
        rest = (mdp.horizon, mdp.signals, self.tolerance, self.initial_gap)
        text.update(repr(rest).encode())
        return text.hexdigest()[:16]

    def chosen(self, tasks: tuple[str, ...] | None) -> np.ndarray:
        """`(M,)` which tasks are meant; None means all of them."""
        for task in tasks or ():
            if task not in self.mdp.signals:
                raise unknown_name("task", task, self.mdp.signals)
        named = self.mdp.signals if tasks is None else tasks
        return np.isin(self.mdp.signals, named)


def uniform_policy(mdp: TabularMDP) -> Float[np.ndarray, "G H S A"]:
    """All actions alike, in every state and stage."""
    shape = (mdp.num_groups, len(mdp.weights), mdp.num_states, mdp.num_actions)
    return np.full(shape, 1 / mdp.num_actions)


def check_world(mdp: TabularMDP) -> None:
    """Refuse what the analysis does not cover: discounts, stage weights, rewards off [0, 1]."""
    if mdp.horizon is None or mdp.discount != 1 or not (mdp.weights == 1).all():
        raise InputError(
            "these learners need a finite horizon without discount or stage weights; "
            f"got horizon={mdp.horizon}, discount={mdp.discount}"
        )
    if not (mdp.group_size == 1).all():
        raise InputError(
            f"returns of one member are compared, got group_size {mdp.group_size}; set it to ones"
        )
    low, high = float(mdp.rewards.min()), float(mdp.rewards.max())
    if low < 0 or high > 1:
        raise InputError(
            f"rewards must lie in [0, 1], got {low:g} to {high:g}; shift and divide them "
            "(and the tolerance) by their range"
        )


def _check_policy(mdp: TabularMDP, policy: np.ndarray) -> None:
    shape = (mdp.num_groups, mdp.horizon, mdp.num_states, mdp.num_actions)
    if policy.shape != shape:
        raise InputError(
            f"initial_policy must be {shape} (G, H, S, A), got {policy.shape}; "
            "repeat a stationary one at every stage"
        )
    if (policy < 0).any() or np.abs(policy.sum(-1) - 1).max() > 1e-9:
        raise InputError(
            "initial_policy must have rows of probabilities; divide each row by its sum"
        )
