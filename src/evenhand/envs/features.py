"""What a decision maker sees of an applicant: named features, put side by side in one vector."""

from collections.abc import Callable, Iterable
from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from evenhand.core.errors import InputError, unknown_name


class Applicant(eqx.Module):
    """The raw facts features are made of; `num_repaid` and `num_default` are the person's own.

    A world without loans or turns leaves these None and does not know the features made of them.
    """

    group: Int[Array, ""]
    observed: Float[Array, ""]
    time_left: Float[Array, ""]
    """Share of the episode still to come."""
    num_repaid: Int[Array, ""] | None = None
    num_default: Int[Array, ""] | None = None
    turn_left: Float[Array, ""] | None = None
    """Share of the own turn still to come, in worlds where people act in turns."""


def nearest_level(score: Float[Array, "*axes"], num_levels: int) -> Int[Array, "*axes"]:
    """The level an observed score stands for; adjusted scores need not be whole."""
    return jnp.clip(jnp.round(score), 0, num_levels - 1).astype(jnp.int32)


def _own_ratios(who: Applicant, num_groups: int, num_levels: int) -> Array:
    own = cast(list[Array], [who.num_repaid, who.num_default])
    counts = jnp.stack(own).astype(jnp.float32)
    return counts / jnp.maximum(1.0, counts.sum())


def _score_onehot(who: Applicant, num_groups: int, num_levels: int) -> Array:
    return jax.nn.one_hot(nearest_level(who.observed, num_levels), num_levels)


def _score_scaled(who: Applicant, num_groups: int, num_levels: int) -> Array:
    return who.observed[None] / (num_levels - 1)


def _group(who: Applicant, num_groups: int, num_levels: int) -> Array:
    return jax.nn.one_hot(who.group, num_groups)


def _time_left(who: Applicant, num_groups: int, num_levels: int) -> Array:
    return who.time_left[None]


def _turn_left(who: Applicant, num_groups: int, num_levels: int) -> Array:
    return cast(Array, who.turn_left)[None]


# Name -> (size as a function of groups and levels, the function that shows it).
FEATURES: dict[str, tuple[Callable[[int, int], int], Callable[..., Array]]] = {
    "score-onehot": (lambda groups, levels: levels, _score_onehot),
    "score-scaled": (lambda groups, levels: 1, _score_scaled),
    "group": (lambda groups, levels: groups, _group),
    "own-ratios": (lambda groups, levels: 2, _own_ratios),
    "time-left": (lambda groups, levels: 1, _time_left),
    "turn-left": (lambda groups, levels: 1, _turn_left),
}


def check_features(features: tuple[str, ...], known: Iterable[str]) -> None:
    """An error for a feature that is unknown or named twice, and for naming none."""
    known = tuple(known)
    for name in features:
        if name not in known:
            raise unknown_name("observation feature", name, known)
        if features.count(name) > 1:
            raise InputError(f"observation feature {name!r} is named twice; name it once")
    if not features:
        raise InputError(f"an observation needs a feature; choose from: {', '.join(known)}")


def feature_slices(features: tuple[str, ...], num_groups: int, num_levels: int) -> dict[str, slice]:
    """Where each feature lies in the observation."""
    slices, start = {}, 0
    for name in features:
        size = FEATURES[name][0](num_groups, num_levels)
        slices[name] = slice(start, start + size)
        start += size
    return slices


def feature_size(features: tuple[str, ...], num_groups: int, num_levels: int) -> int:
    """Length of the observation."""
    return sum(
        part.stop - part.start for part in feature_slices(features, num_groups, num_levels).values()
    )


def feature_bounds(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Every feature is a share, a ratio or an indicator, so 0 and 1 bound them all."""
    return np.zeros(size, np.float32), np.ones(size, np.float32)


def show(
    features: tuple[str, ...], who: Applicant, num_groups: int, num_levels: int
) -> Float[Array, " obs"]:
    """The observation of one applicant."""
    return jnp.concatenate([FEATURES[name][1](who, num_groups, num_levels) for name in features])


def decode(
    features: tuple[str, ...], obs: Any, num_groups: int, num_levels: int
) -> tuple[Int[Array, "*axes"], Int[Array, "*axes"]]:
    """Group and level that an observation shows; leading axes are kept."""
    where = feature_slices(features, num_groups, num_levels)
    obs = jnp.asarray(obs)
    if "score-onehot" in where:
        level = jnp.argmax(obs[..., where["score-onehot"]], -1).astype(jnp.int32)
    elif "score-scaled" in where:
        level = nearest_level(
            obs[..., where["score-scaled"]][..., 0] * (num_levels - 1), num_levels
        )
    else:
        raise InputError(f"features {features} show no score; add 'score-onehot' or 'score-scaled'")
    if "group" in where:
        group = jnp.argmax(obs[..., where["group"]], -1).astype(jnp.int32)
    else:
        group = jnp.zeros(level.shape, jnp.int32)
    return group, level
