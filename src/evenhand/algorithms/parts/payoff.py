"""What approving somebody brings on average, read off a world's numbers."""

from dataclasses import fields
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.stats import norm

from evenhand.core.errors import InputError


class Payoff(NamedTuple):
    """Chances of a good outcome, and what approving earns more than denying in either case."""

    success_prob: Float[Array, "G K"]
    good: Float[Array, ""]
    bad: Float[Array, ""]

    @property
    def approve(self) -> Float[Array, "G K"]:
        """Expected advantage of approving over denying at each group and level."""
        return self.success_prob * self.good + (1 - self.success_prob) * self.bad


def payoff_of(params: Any) -> Payoff:
    """The payoff of a lending or an admissions world.

    Where people carry an unseen shift z, the chance is E[clip(p + z, .05, .95)]: the group's rate
    at the level before any selection.
    """
    known = {field.name for field in fields(params)}
    if {"repay_prob", "reward_repaid", "reward_default"} <= known:
        return Payoff(_expected_repayment(params), params.reward_repaid, params.reward_default)
    if {"success_prob", "payoff"} <= known:
        deny, approve = params.payoff
        return Payoff(params.success_prob, approve[1] - deny[1], approve[0] - deny[0])
    raise InputError(
        f"{type(params).__name__} says nothing of repayment or success, so what approving earns "
        "is unknown; choose a threshold:K policy instead"
    )


def _expected_repayment(params: Any) -> Float[Array, "G K"]:
    # 200 equally likely shifts stand for the normal law; the sum is within 1e-3 of the integral.
    shifts = norm.ppf((np.arange(200) + 0.5) / 200).astype(np.float32)
    shifted = params.repay_prob[..., None] + params.conscientiousness_std * shifts[None, None]
    mean = jnp.mean(jnp.clip(shifted, 0.05, 0.95), -1)
    return jnp.where(params.conscientiousness_std > 0, mean, params.repay_prob)
