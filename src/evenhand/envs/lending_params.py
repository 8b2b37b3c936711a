"""The numbers of a lending world as compiled code takes them."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from evenhand.data.population import LendingPopulation

# The reward, then what a decision does to the applicant's qualification.
SIGNALS = ("profit", "qualification_gain", "qualification", "baseline_gain", "benefit")


class LendingParams(eqx.Module):
    """Numbers of a lending world: first the dynamics, then the adjustable observation."""

    initial: Float[Array, "G K"]
    initial_counts: Int[Array, "G K"]
    repay_prob: Float[Array, "G K"]
    gain: Float[Array, " K"]
    """Qualification potential phi of each level."""
    expected_gain: Float[Array, "3 G K"]
    """Expected change of phi after denial, default and repayment."""
    up: Int[Array, " G"]
    down: Int[Array, " G"]
    drift_reach: Float[Array, "3 G D"]
    """Cumulative law of the extra move after denial, default and repayment."""
    reward_repaid: Float[Array, ""]
    reward_default: Float[Array, ""]
    conscientiousness_std: Float[Array, ""]
    cash: Float[Array, ""]
    observed_up: Float[Array, " G"]
    """Levels the OBSERVED score gains on repayment; the true score keeps `up`."""
    observed_down: Float[Array, " G"]

    def gains(
        self, group: Array, level: Array, new_level: Array, repay_prob: Array
    ) -> tuple[Array, Array, Array, Array]:
        """What happened to phi and what was to be expected: the signals after `profit`."""
        denied, defaulted, repaid = self.expected_gain[:, group, level]
        benefit = repay_prob * repaid + (1 - repay_prob) * defaulted - denied
        return self.gain[new_level] - self.gain[level], self.gain[level], denied, benefit

    @property
    def drift_width(self) -> int:
        """Largest extra move in levels."""
        return self.drift_reach.shape[-1] // 2


def lending_params(population: LendingPopulation) -> LendingParams:
    """The float32 numbers of a population; observed moves start equal to the true ones."""
    # Made by numpy: jnp would compile a small program for every conversion.
    return LendingParams(
        initial=jnp.asarray(np.asarray(population.initial, np.float32)),
        initial_counts=jnp.asarray(np.asarray(population.initial_counts(), np.int32)),
        repay_prob=jnp.asarray(np.asarray(population.repay_prob, np.float32)),
        gain=jnp.asarray(np.asarray(population.potential, np.float32)),
        expected_gain=jnp.asarray(np.asarray(population.expected_gain(), np.float32)),
        up=jnp.asarray(np.asarray(population.up, np.int32)),
        down=jnp.asarray(np.asarray(population.down, np.int32)),
        drift_reach=jnp.asarray(np.asarray(np.cumsum(population.drift_law, -1), np.float32)),
        reward_repaid=jnp.asarray(np.float32(population.reward_repaid)),
        reward_default=jnp.asarray(np.float32(population.reward_default)),
        conscientiousness_std=jnp.asarray(np.float32(population.conscientiousness_std)),
        cash=jnp.asarray(np.float32(population.cash)),
        observed_up=jnp.asarray(np.asarray(population.up, np.float32)),
        observed_down=jnp.asarray(np.asarray(population.down, np.float32)),
    )
