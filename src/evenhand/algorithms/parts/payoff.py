"""What approving somebody brings on average, read off a world's numbers."""

from dataclasses import fields
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import ndtri

from evenhand.core.errors import InputError


class Payoff(NamedTuple):
    """Chances of a good outcome, and what approving earns more than denying in either case."""

    success_prob: Float[np.ndarray, "G K"]
    good: float
    bad: float

    @property
    def approve(self) -> Float[np.ndarray, "G K"]:
        """Expected advantage of approving over denying at each group and level."""
        return self.success_prob * self.good + (1 - self.success_prob) * self.bad


def payoff_of(params: Any) -> Payoff:
    """The payoff of a lending or an admissions world, on the host in float64.

    Where people carry an unseen shift z, the chance is E[clip(p + z, .05, .95)]: the group's rate
    at the level before any selection.
    """
    known = {field.name for field in fields(params)}
    if {"repay_prob", "reward_repaid", "reward_default"} <= known:
        rewards = float(params.reward_repaid), float(params.reward_default)
        return Payoff(_expected_repayment(params), *rewards)
    if {"success_prob", "payoff"} <= known:
        deny, approve = np.asarray(params.payoff, float)
        good, bad = float(approve[1] - deny[1]), float(approve[0] - deny[0])
        return Payoff(np.asarray(params.success_prob, float), good, bad)
    raise InputError(
        f"{type(params).__name__} says nothing of repayment or success, so what approving earns "
        "is unknown; choose a threshold:K policy instead"
    )


def _expected_repayment(params: Any) -> Float[np.ndarray, "G K"]:
    repay = np.asarray(params.repay_prob, float)
    std = float(params.conscientiousness_std)
    if std == 0:
        return repay
    # 1000 equally likely shifts stand for the normal law: within 1e-3 of the integral.
    shifts = std * ndtri((np.arange(1000) + 0.5) / 1000)
    return np.clip(repay[..., None] + shifts, 0.05, 0.95).mean(-1)
