"""Fitting a flow of scores given group to people, by maximum likelihood."""

from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from evenhand.algorithms.parts.adam import adam_init, adam_step
from evenhand.core.errors import InputError, unknown_name
from evenhand.supervised.score_flow import ScoreFlow, log_density

SHAPES = ("spline", "affine")
# Draws of the dequantising noise per level and step, one in each of so many equal parts of [0, 1).
_DRAWS = 16
# Two spline bins a level: one would have to share its slope with the neighbours on both sides.
_BINS_PER_LEVEL = 2
# A level where a group has nobody needs a flat piece; these bound how much mass it keeps.
_LEAST_WIDTH, _LEAST_SLOPE = 1e-4, 1e-4


def fit_score_flow(
    key: PRNGKeyArray,
    level: Any,
    group: Any,
    num_levels: int,
    num_groups: int,
    *,
    shape: str = "spline",
    num_steps: int = 600,
    learning_rate: float = 0.05,
    held_out: float = 0.0,
) -> tuple[ScoreFlow, dict[str, np.ndarray]]:
    """A flow fitted to people `(B,)` by maximum likelihood, and its losses at every step.

    - `shape` "spline": a rational-quadratic spline per group, which takes any law of levels, gaps
      included. "affine": location and scale of the score's logit, as in the code of Pawlowski et
      al. (2020): a logistic law in each group, which laws of levels seldom are.
    - `num_steps`, `learning_rate`: steps of Adam; the rate falls linearly to 0.
    - `held_out`: share of each group that is not fitted to; each group then keeps the step with the
      best likelihood of it. By default everybody is fitted to: the noise is drawn anew at every
      step, so the likeliest law of levels is the observed one, and there is no worse to come.

    Losses `train` and `held_out` `(num_steps, G)` are minus the log-likelihood of a dequantised
    score. Counts of levels carry all of it: a step costs the same however many people there are.
    """
    if not 0 <= held_out <= 0.5:
        raise InputError(f"held_out must be a share from 0 to 0.5, got {held_out}")
    split_key, fit_key = jr.split(key)
    laws = _laws(level, group, num_levels, num_groups, split_key, held_out)
    start = _bijections(shape, num_levels, num_groups)
    last, best, losses = _fit(fit_key, start, *laws, num_steps, jnp.float32(learning_rate))
    if held_out == 0:
        return ScoreFlow(last, num_levels, num_groups), {"train": np.asarray(losses["train"])}
    return ScoreFlow(best, num_levels, num_groups), {
        name: np.asarray(row) for name, row in losses.items()
    }


@eqx.filter_jit
def _fit(key: Array, start: Any, train: Array, held: Any, num_steps: int, rate: Array) -> Any:
    """The bijections of the last step, those of each group's best one, and losses."""
    from paramax import unwrap  # comes with flowjax

    parts, static = eqx.partition(start, eqx.is_inexact_array)
    num_levels = train.shape[1]
    even = jnp.arange(_DRAWS, dtype=jnp.float32)[None]

    def loss(parts: Any, noise: Array, law: Array) -> Array:
        score = (jnp.arange(num_levels, dtype=jnp.float32)[:, None] + noise) / num_levels
        density = log_density(unwrap(eqx.combine(parts, static)), score.ravel())
        return -jnp.sum(law * density.reshape(len(law), num_levels, -1).mean(-1), 1)

    def both(parts: Any, noise: Array) -> tuple[Array, Array]:
        by_group = loss(parts, noise, train)
        return by_group.sum(), by_group

    def step(carry: Any, given: Any) -> Any:
        parts, memory, best, least = carry
        key, progress = given
        held_out = least if held is None else loss(parts, (even + 0.5) / _DRAWS, held)
        best = jax.tree.map(partial(_where, held_out < least), parts, best)
        noise = (even + jr.uniform(key, (num_levels, _DRAWS))) / _DRAWS
        grads, by_group = jax.grad(both, has_aux=True)(parts, noise)
        parts, memory = adam_step(parts, grads, memory, rate * (1 - progress))
        return (parts, memory, best, jnp.minimum(least, held_out)), (by_group, held_out)

    begin = parts, adam_init(parts), parts, jnp.full(len(train), jnp.inf)
    progress = jnp.arange(num_steps, dtype=jnp.float32) / num_steps
    (last, _, best, _), log = jax.lax.scan(step, begin, (jr.split(key, num_steps), progress))
    last, best = (unwrap(eqx.combine(found, static)) for found in (last, best))
    return last, best, {"train": log[0], "held_out": log[1]}


def _where(chosen: Array, new: Array, old: Array) -> Array:
    return jnp.where(chosen.reshape(-1, *(1,) * (new.ndim - 1)), new, old)


def _bijections(shape: str, num_levels: int, num_groups: int) -> Any:
    """One bijection of (0, 1) per group, the identity to begin with."""
    if shape not in SHAPES:
        raise unknown_name("shape of flow", shape, SHAPES)
    try:
        from flowjax.bijections import Affine, Chain, Invert, RationalQuadraticSpline, Sigmoid
    except ModuleNotFoundError as missing:
        raise InputError(
            "flowjax is not installed; try: pip install 'evenhand[flows]'"
        ) from missing

    def one() -> Any:
        if shape == "affine":
            return Chain([Invert(Sigmoid()), Affine(), Sigmoid()])
        return RationalQuadraticSpline(
            knots=_BINS_PER_LEVEL * num_levels - 1,
            interval=(0.0, 1.0),
            min_width=_LEAST_WIDTH,
            min_derivative=_LEAST_SLOPE,
        )

    return eqx.filter_vmap(one, axis_size=num_groups)()


def _laws(
    level: Any, group: Any, K: int, G: int, key: PRNGKeyArray, held_out: float
) -> tuple[Array, Array | None]:
    """`(G, K)` laws of levels of the people to fit to, and of those held out, or None."""
    level, group = np.asarray(level), np.asarray(group)
    if level.ndim != 1 or level.shape != group.shape:
        raise InputError(
            f"level and group must have one entry per person, got {level.shape} and {group.shape}"
        )
    for name, value, top in (("level", level, K), ("group", group, G)):
        if not np.issubdtype(value.dtype, np.integer) or not np.isin(value, range(top)).all():
            raise InputError(f"{name} must be whole numbers from 0 to {top - 1}; decode them first")
    draw = np.asarray(jr.uniform(key, level.shape))
    laws = np.zeros((2, G, K), np.float32)
    for g in range(G):
        mine = level[group == g][np.argsort(draw[group == g])]
        if len(mine) < 10:
            raise InputError(f"group {g} has {len(mine)} people; a flow needs 10 of each group")
        out = round(held_out * len(mine))
        for law, part in zip(laws, (mine[out:], mine[:out]), strict=True):
            law[g] = np.bincount(part, minlength=K) / max(1, len(part))
    return jnp.asarray(laws[0]), jnp.asarray(laws[1]) if held_out else None
