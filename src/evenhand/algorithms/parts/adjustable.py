"""The numbers of a world that a method may adjust, as one array."""

from dataclasses import replace
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from evenhand.core.errors import InputError


class Adjustable(eqx.Module):
    """Names of the fields of `params` with their bounds; kept static, it costs nothing to carry."""

    names: tuple[str, ...] = eqx.field(static=True)
    bounds: tuple[tuple[float, float], ...] = eqx.field(static=True)

    @property
    def low(self) -> Float[Array, "names 1"]:
        return jnp.asarray([low for low, _ in self.bounds], jnp.float32)[:, None]

    @property
    def high(self) -> Float[Array, "names 1"]:
        return jnp.asarray([high for _, high in self.bounds], jnp.float32)[:, None]

    def read(self, params: Any) -> Float[Array, "names G"]:
        """The present values, within the bounds."""
        values = jnp.stack([getattr(params, name) for name in self.names])
        return jnp.clip(values, self.low, self.high)

    def put(self, params: Any, values: Float[Array, "names G"]) -> Any:
        """The params with these values."""
        return replace(params, **dict(zip(self.names, values, strict=True)))

    def log(self, values: Float[Array, "names G"]) -> dict[str, Float[Array, ""]]:
        """Every value under its own name; groups count from 1."""
        return {
            f"{name}_{group + 1}": values[i, group]
            for i, name in enumerate(self.names)
            for group in range(values.shape[1])
        }


def adjustable_of(env: Any) -> Adjustable:
    """What the world lets a method adjust; an error if that is nothing."""
    fields = env.adjustable
    if not fields:
        raise InputError(
            f"{type(env).__name__} has nothing to adjust in what it shows; correct the reward "
            "only, with bisimulator-ppo-reward or bisimulator-dqn-reward"
        )
    return Adjustable(
        tuple(fields), tuple((float(low), float(high)) for low, high in fields.values())
    )
