"""A deep structural causal model of score given group, and its counterfactuals.

X = floor(K f_s(U)) with U uniform: a person's rank among their own. Abduction, action, prediction
(Pawlowski et al. 2020): the rank that explains a level, another group, the level at that rank.
Lear & Zhang 2025, section 4, use it for the gain of their fictitious period 0, whose closed form
is `tabular.baseline.baseline_gain`; `ScoreFlow.law` says how far a fitted flow is from it.

The noise is a rank and not a normal variable, which changes no counterfactual: an increasing map
of the noise cancels in f_h(f_g^-1(x)), as does one of the score. Needs flowjax (extra `flows`).
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int, PRNGKeyArray


class ScoreFlow(eqx.Module):
    """Ranks of scores in each group, and back; scores are (level + noise) / K in (0, 1).

    `rank` is one increasing bijection per group, stacked: for a parent with finitely many values
    that is the most general network of its one-hot code.
    """

    rank: Any
    num_levels: int = eqx.field(static=True)
    num_groups: int = eqx.field(static=True)

    def abduct(
        self, key: PRNGKeyArray, level: Int[Array, " B"], group: Int[Array, " B"]
    ) -> Float[Array, " B"]:
        """Ranks in [0, 1] that explain the levels; drawn, as a level leaves an interval open."""
        noise = jr.uniform(key, level.shape)
        score = (level.astype(jnp.float32) + noise) / self.num_levels
        return _own(_ranks(self.rank, score), group)

    def predict(self, rank: Float[Array, " B"], group: Int[Array, " B"]) -> Int[Array, " B"]:
        """Levels of people with these ranks in these groups, rounded down."""
        score = _own(_scores(self.rank, rank), group)
        level = jnp.floor(score * self.num_levels).astype(jnp.int32)
        return jnp.clip(level, 0, self.num_levels - 1)

    @eqx.filter_jit
    def counterfactual(
        self,
        key: PRNGKeyArray,
        level: Int[Array, " B"],
        group: Int[Array, " B"],
        to_group: Int[Array, " B"],
    ) -> Int[Array, " B"]:
        """Levels the same people would have had, had their group been `to_group`."""
        return self.predict(self.abduct(key, level, group), to_group)

    @eqx.filter_jit
    def law(self) -> Float[Array, "G G K K"]:
        """P(X_h = x' | X = x, group g) at [g, h, x, x'] of this flow, without sampling.

        X_h <= k where the score lies below f_g(f_h^-1((k + 1) / K)), and the score of a person of
        level x is uniform in [x, x + 1) / K. Compare `tabular.baseline.counterfactual_law`.
        """
        K = self.num_levels
        edge = jnp.arange(1, K, dtype=jnp.float32) / K
        cut = jax.vmap(lambda rank: _scores(self.rank, rank), out_axes=1)(_ranks(self.rank, edge))
        level = jnp.arange(K, dtype=jnp.float32)
        below = jnp.clip(K * cut[:, :, None, :] - level[None, None, :, None], 0, 1)
        padded = jnp.pad(below, ((0, 0), (0, 0), (0, 0), (1, 0)))
        padded = jnp.pad(padded, ((0, 0), (0, 0), (0, 0), (0, 1)), constant_values=1)
        return jnp.diff(padded, axis=-1)


class Gains(NamedTuple):
    """Expected gains of period 0, with standard errors of what was drawn."""

    by_group: Float[Array, " G"]
    error: Float[Array, " G"]
    difference: Float[Array, "G G"]
    difference_error: Float[Array, "G G"]


@eqx.filter_jit
def gains(
    flow: ScoreFlow,
    key: PRNGKeyArray,
    level: Int[Array, " B"],
    group: Int[Array, " B"],
    potential: Float[Array, " K"],
    share: Float[Array, " G"] | None = None,
) -> Gains:
    """Means of g(X, X_s) = phi(X_s) - phi(X) over people, and of their differences over pairs.

    Section 4 of Lear & Zhang 2025, by Monte-Carlo. `share` weighs the people's groups as in
    `tabular.baseline`: None weighs groups equally, whatever their numbers. A person keeps one rank
    in all groups, so differences are of paired draws. The errors leave out that of the fit.
    """
    rank = flow.abduct(key, level, group)
    groups = flow.num_groups
    share = jnp.ones(groups) if share is None else share
    become = jax.vmap(lambda s: flow.predict(rank, jnp.full_like(group, s)))(jnp.arange(groups))
    gain = potential[become] - potential[level][None]
    apart = (gain[:, None] - gain[None]).reshape(groups**2, -1)
    member = jax.nn.one_hot(group, groups)
    mean, error = _stratified(gain, member, share / share.sum())
    difference, difference_error = _stratified(apart, member, share / share.sum())
    square = groups, groups
    return Gains(mean, error, difference.reshape(square), difference_error.reshape(square))


def _stratified(
    value: Float[Array, "R B"], member: Float[Array, "B G"], share: Float[Array, " G"]
) -> tuple[Float[Array, " R"], Float[Array, " R"]]:
    """Means over groups of given shares, and their standard errors."""
    count = member.sum(0)[None]
    mean = value @ member / count
    variance = (value - mean @ member.T) ** 2 @ member / (count - 1)
    return mean @ share, jnp.sqrt(variance / count @ share**2)


def log_density(bijections: Any, score: Array) -> Float[Array, "G B"]:
    """Log-densities of scores in each group."""
    return _by_group(lambda one, x: one.transform_and_log_det(x)[1])(bijections, score)


def _ranks(bijections: Any, score: Array) -> Float[Array, "G B"]:
    return _by_group(lambda one, x: one.transform(x))(bijections, score)


def _scores(bijections: Any, rank: Array) -> Float[Array, "G B"]:
    return _by_group(lambda one, x: one.inverse(x))(bijections, rank)


def _by_group(function: Any) -> Any:
    points = eqx.filter_vmap(function, in_axes=(None, 0))
    return eqx.filter_vmap(points, in_axes=(eqx.if_array(0), None))


def _own(by_group: Float[Array, "G B"], group: Int[Array, " B"]) -> Float[Array, " B"]:
    return jnp.take_along_axis(by_group, group[None], 0)[0]
