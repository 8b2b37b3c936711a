"""Searching observation parameters under which matched people of all groups move alike."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, PRNGKeyArray

from evenhand.algorithms.parts.adjustable import Adjustable, adjustable_of
from evenhand.algorithms.parts.bisimulation import Samples, dynamics_gap
from evenhand.algorithms.parts.evolution import Search, propose, tell
from evenhand.algorithms.parts.fitted import Fitted, fit
from evenhand.algorithms.parts.network import Head
from evenhand.algorithms.parts.next_state import NextState
from evenhand.algorithms.parts.quantiles import Bins, quantile_bins
from evenhand.core.environment import AbstractEnvironment

# Decisions of the present policy in fresh worlds with these params: `collect(key, params)`.
Collect = Callable[[PRNGKeyArray, Any], Samples]


class AbstractSearch(eqx.Module):
    """What to do about the observation in one iteration; it collects the iteration's data."""

    @property
    @abstractmethod
    def num_sets(self) -> int:
        """Data sets collected in one iteration."""

    @abstractmethod
    def init(self, key: PRNGKeyArray, env: AbstractEnvironment, params: Any) -> Any:
        """The memory of a fresh run."""

    @abstractmethod
    def deployed(self, memory: Any, params: Any) -> Any:
        """The params with what was found."""

    @abstractmethod
    def search(
        self, key: PRNGKeyArray, env: Any, params: Any, memory: Any, collect: Collect
    ) -> tuple[Any, Samples, Bins, dict[str, Array]]:
        """New memory, data under the parameters as they were, its quartiles, and what to log."""


class NoSearch(AbstractSearch):
    """Leaves the observation as it is: the paper's "Reward only"."""

    @property
    def num_sets(self):
        return 1

    def init(self, key, env, params):
        return None

    def deployed(self, memory, params):
        return params

    def search(self, key, env, params, memory, collect):
        collect_key, bins_key, _, _ = jr.split(key, 4)
        samples = collect(collect_key, params)
        return None, samples, quartiles(bins_key, env, samples), {}


class Memory(eqx.Module):
    """The model T_psi, the search, and what is searched."""

    model: Fitted
    search: Search
    omega: Adjustable


class ObservationSearch(AbstractSearch):
    """One-plus-one evolution down J_dyn.

    The incumbent and every proposal get a data set, a model (each fitted on from the last
    incumbent's) and pairs from the same keys, so that they differ by omega and not by luck; the
    incumbent is measured anew in every search, for the policy has moved.
    """

    form: NextState = NextState()
    proposals: int = eqx.field(static=True, default=1)
    model_updates: int = eqx.field(static=True, default=100)
    model_batch: int = eqx.field(static=True, default=128)
    num_pairs: int = eqx.field(static=True, default=256)
    """Matched people compared per quartile and pair of groups."""
    model_rate: float = 1e-3
    first_sigma: float = 0.1
    """First step size, as a share of the range of omega."""
    largest_sigma: float = 0.2
    """Keeps the search near the world as it is: far away lie scores that no longer say anything,
    under which everybody moves alike as well."""
    model_discount: float = 0.99

    @property
    def num_sets(self):
        return 1 + self.proposals

    def init(self, key, env, params):
        omega = adjustable_of(env)
        search = Search(omega.read(params), jnp.asarray(self.first_sigma, jnp.float32))
        return Memory(self.form.init(key, env), search, omega)

    def deployed(self, memory, params):
        return memory.omega.put(params, memory.search.point)

    def search(self, key, env, params, memory, collect):
        *shared, propose_key = jr.split(key, 5)
        omega = memory.omega

        def body(carry: tuple[Search, Fitted, Array], inputs: tuple[Array, PRNGKeyArray]):
            search, model, best = carry
            incumbent, key = inputs
            offer = propose(key, search, omega.low, omega.high)
            offer = jnp.where(incumbent, search.point, offer)
            given = omega.put(params, offer)
            fresh, gap, data = self.examine(shared, env, given, memory.model, collect)
            told, won = tell(search, offer, gap, best, self.largest_sigma)
            told = _choose(incumbent, search, told)
            carry = (told, _choose(won, fresh, model), jnp.minimum(gap, best))
            return carry, (gap, won, data)

        # One program for all of them: the first in the row is the incumbent.
        first = jnp.arange(self.num_sets) == 0
        carry = (memory.search, memory.model, jnp.float32(jnp.inf))
        keys = jr.split(propose_key, self.num_sets)
        (search, model, _), (gaps, won, data) = jax.lax.scan(body, carry, (first, keys))
        log = {
            "J_dyn": gaps[0],
            "J_dyn_proposal": jnp.min(gaps[1:]),
            "accepted": jnp.mean(won[1:].astype(jnp.float32)),
            "sigma": search.sigma,
        }
        samples, bins = jax.tree.map(lambda x: x[0], data)
        return Memory(model, search, omega), samples, bins, log | omega.log(search.point)

    def examine(
        self, keys: list[PRNGKeyArray], env: Any, params: Any, model: Fitted, collect: Collect
    ) -> tuple[Fitted, Float[Array, ""], tuple[Samples, Bins]]:
        """The model fitted to data under these params, J_dyn by it, and the data."""
        collect_key, bins_key, fit_key, pair_key = keys
        samples = collect(collect_key, params)
        bins = quartiles(bins_key, env, samples)
        model = self.fit(fit_key, env, model, samples)
        drawn = jax.tree.map(lambda x: x[bins.draw(pair_key, self.num_pairs)], samples)
        mean, std = self.form.predict(env, model.network, drawn)
        return model, dynamics_gap(mean, std, bins, self.model_discount), (samples, bins)

    def fit(self, key: PRNGKeyArray, env: Any, model: Fitted, samples: Samples) -> Fitted:
        """The model after Adam's steps on minibatches drawn with replacement."""
        draw_key, noise_key = jr.split(key)
        sizes = (self.model_updates, self.model_batch)
        places = jr.randint(draw_key, sizes, 0, samples.action.shape[0])

        def loss(network: Head, drawn: tuple[Array, PRNGKeyArray]) -> Float[Array, ""]:
            rows = jax.tree.map(lambda x: x[drawn[0]], samples)
            return self.form.misfit(drawn[1], env, network, rows)

        keys = jr.split(noise_key, self.model_updates)
        return fit(model, loss, (places, keys), self.model_updates, self.model_rate)


def quartiles(key: PRNGKeyArray, env: Any, samples: Samples) -> Bins:
    """The samples in four bins of equal size in each group, by the level they show."""
    return quantile_bins(key, samples.level, samples.group, samples.weight, env.num_groups)


def _choose(condition: Array, one: Any, other: Any) -> Any:
    """One tree or the other."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), one, other)
