"""Convolutions before the trunk, for rows that are pictures."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

# Channels of the three layers; each halves height and width.
_CHANNELS = (16, 32, 64)


class Convolution(eqx.Module):
    """A 3 x 3 kernel moved in steps of two."""

    weight: Float[Array, "3 3 in out"]
    bias: Float[Array, " out"]


class Convolutions(eqx.Module):
    """Layers with ReLU for pictures of one shape (height, width, channels)."""

    layers: tuple[Convolution, ...]
    shape: tuple[int, int, int] = eqx.field(static=True)

    def __call__(self, X: Float[Array, "B F"]) -> Float[Array, "B W"]:
        """The last layer's channels in a row, from pictures in a row."""
        x = X.reshape(-1, *self.shape)
        for layer in self.layers:
            x = jax.lax.conv_general_dilated(
                x, layer.weight, (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
            )
            x = jax.nn.relu(x + layer.bias[None, None, None])
        return x.reshape(len(x), -1)


def draw_convolutions(rng: np.random.Generator, shape: tuple[int, int, int]) -> Convolutions:
    """Layers drawn from U(-1, 1) / sqrt(inputs of a kernel), as torch does by default."""
    channels, layers = (shape[-1], *_CHANNELS), []
    for i in range(len(_CHANNELS)):
        bound = (9 * channels[i]) ** -0.5
        weight = rng.uniform(-bound, bound, (3, 3, channels[i], channels[i + 1]))
        bias = rng.uniform(-bound, bound, channels[i + 1])
        layers.append(Convolution(jnp.asarray(weight, jnp.float32), jnp.asarray(bias, jnp.float32)))
    return Convolutions(tuple(layers), shape)


def num_convolved(shape: tuple[int, int, int]) -> int:
    """Numbers that are left of a picture after all layers."""
    height, width = shape[:2]
    for _ in _CHANNELS:
        height, width = -(-height // 2), -(-width // 2)
    return height * width * _CHANNELS[-1]
