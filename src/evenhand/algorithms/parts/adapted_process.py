"""The state, on the host, of a reward and an observation that follow somebody else's policy."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import equinox as eqx
import jax
import jax.random as jr
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from evenhand.algorithms.parts.adaptation import Adaptation, Adapted
from evenhand.algorithms.parts.host_policy import HostPolicy, certain, checked
from evenhand.algorithms.parts.surrogate import chosen
from evenhand.core.environment import AbstractEnvironment
from evenhand.core.policy import AbstractPolicy

# Action probabilities (B, A) for rows of observations (B, obs), computed on the host.
Probabilities = Callable[[np.ndarray], Any]


class AdaptedProcess:
    """What all worlds of one run have in common: R_phi, omega, and the steps spent on them.

    Given the same seed, key and policy, `adapt` does what `Bisimulator.prepare` does.
    """

    def __init__(self, env: AbstractEnvironment, params: Any, adaptation: Adaptation, seed: int):
        self.env, self.original, self.adaptation = env, params, adaptation
        self.data_steps = 0
        self._key, self._count = jr.key(seed), 0
        self._asked: Probabilities | None = None
        self._install(adaptation.init(self._key, env, params))

    @property
    def adjusted(self) -> dict[str, np.ndarray]:
        """Omega by name, one number per group."""
        return {name: np.asarray(getattr(self.params, name)) for name in self.env.adjustable}

    def adapt(
        self, act: AbstractPolicy | Probabilities, key: PRNGKeyArray | None = None
    ) -> dict[str, float]:
        """What there is to log, after R_phi and omega have followed a policy."""
        key = jr.fold_in(jr.fold_in(self._key, 4), self._count) if key is None else key
        given = self.adaptation, key, self.env, self.original, self._policy(act), self.adapted
        adapted, log = _adapt(*given)
        self._install(adapted)
        self._count += 1
        self.data_steps += self.adaptation.data_steps
        return {name: float(value) for name, value in log.items()}

    def change(self, obs: Any, group: Any, action: Any) -> np.ndarray:
        """alpha * R_phi(s, a, g) of one decision, or of a row of them."""
        group, action = np.asarray(group, np.int32), np.asarray(action, np.int32)
        return np.asarray(self._program(self._constants, obs, group, action))

    def _policy(self, act: AbstractPolicy | Probabilities) -> AbstractPolicy:
        if isinstance(act, AbstractPolicy):
            return certain(act)
        self._asked = checked(act, self.env)
        # The method stays the same when the function does not, and so does the compiled program.
        return HostPolicy(self._ask, self.env.num_actions)

    def _ask(self, rows: np.ndarray) -> Any:
        return self._asked(rows) if self._asked else None

    def _install(self, adapted: Adapted) -> None:
        self.adapted = adapted
        self.params = self.adaptation.search.deployed(adapted.search, self.original)
        correction = self.adaptation.correction, adapted.correction.network
        self._constants, structure = jax.tree.flatten(correction)
        self._program = _change(structure, self.env.num_groups)


@eqx.filter_jit
def _adapt(adaptation: Adaptation, *given: Any) -> tuple[Adapted, dict[str, Array]]:
    """One compiled program for all worlds of equal structure."""
    return adaptation.adapt(*given)


@lru_cache(maxsize=64)
def _change(structure: Any, num_groups: int) -> Callable:
    """The compiled correction, of flat arrays: flattening modules costs more than the network."""

    def change(constants: list[Array], obs: Array, group: Array, action: Array) -> Array:
        correction, network = jax.tree.unflatten(structure, constants)
        return chosen(correction.change(network, obs, group, num_groups), action)

    return jax.jit(change)
