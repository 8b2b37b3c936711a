"""FOCOPS and its neighbours: one class, other surrogates and other constraints."""

from dataclasses import replace
from typing import Any

from evenhand.algorithms.focops import FOCOPS
from evenhand.algorithms.parts.tasks import TaskRule
from evenhand.algorithms.parts.trust_region import TrustRegion

# What PPO's clipped surrogate needs no penalty and no early stop for.
CLIPPED = TrustRegion(surrogate="clip", kl_stop=float("inf"))


def group_lagrangian_ppo(**options: Any) -> FOCOPS:
    """The same multipliers and turns on PPO's clipped surrogate, advantages weighted by w_z^m."""
    chosen: dict[str, Any] = {"region": CLIPPED} | options
    return FOCOPS(**chosen)


def group_ppo(**options: Any) -> FOCOPS:
    """The same agents and turns under no constraint: plain PPO, one agent per group."""
    chosen: dict[str, Any] = {"region": CLIPPED, "rule": TaskRule(constrained="none")} | options
    return FOCOPS(**chosen)


def only_constraining(algorithm: FOCOPS, tasks: str) -> FOCOPS:
    """The learner with constraints on these tasks alone; every task is still pursued.

    With one task it is the single-task method in a world of several, as the papers compare.
    """
    return replace(algorithm, rule=replace(algorithm.rule, constrained=tasks))
