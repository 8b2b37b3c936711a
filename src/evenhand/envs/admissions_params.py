"""The numbers of an admissions world as compiled code takes them."""

import equinox as eqx
import jax.numpy as jnp
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
    return AdmissionsParams(
        initial=jnp.asarray(population.initial, jnp.float32),
        initial_budget=jnp.asarray(population.initial_budget, jnp.float32),
        initial_counts=jnp.asarray(population.initial_counts(), jnp.int32),
        success_prob=jnp.asarray(population.success_prob, jnp.float32),
        payoff=jnp.asarray(population.payoff, jnp.float32),
        modify_prob=jnp.float32(population.modify_prob),
        cost=jnp.asarray(population.cost, jnp.float32),
    )
