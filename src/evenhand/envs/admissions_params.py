"""The numbers of an admissions world as compiled code takes them."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from evenhand.data.admissions import AdmissionsPopulation


class AdmissionsParams(eqx.Module):
    """Numbers of an admissions world: first the dynamics, then the adjustable observation."""

    initial: Float[Array, "G K"]
    initial_budget: Float[Array, "G B"]
    initial_counts: Int[Array, "G K B"]
    success_prob: Float[Array, "G K"]
    payoff: Float[Array, "2 2"]
    """`payoff[decision, label]`."""
    modify_prob: Float[Array, ""]
    cost: Float[Array, " G"]
    """Price of one point of OBSERVED score; the true score cannot be bought."""


def admissions_params(population: AdmissionsPopulation) -> AdmissionsParams:
    """The float32 numbers of a population."""
    # Made by numpy: jnp would compile a small program for every conversion.
    return AdmissionsParams(
        initial=jnp.asarray(np.asarray(population.initial, np.float32)),
        initial_budget=jnp.asarray(np.asarray(population.initial_budget, np.float32)),
        initial_counts=jnp.asarray(np.asarray(population.initial_counts(), np.int32)),
        success_prob=jnp.asarray(np.asarray(population.success_prob, np.float32)),
        payoff=jnp.asarray(np.asarray(population.payoff, np.float32)),
        modify_prob=jnp.asarray(np.float32(population.modify_prob)),
        cost=jnp.asarray(np.asarray(population.cost, np.float32)),
    )
