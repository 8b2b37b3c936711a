"""The network that all tasks share and its output layers, one per task."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

# As in torch's layer: the newest batch's share of the running moments, and what is added to a
# variance before its root.
_MOMENTUM, _EPS = 0.1, 1e-5


class Dense(eqx.Module):
    """An affine map."""

    weight: Float[Array, "in out"]
    bias: Float[Array, " out"]

    def __call__(self, x: Float[Array, "B in"]) -> Float[Array, "B out"]:
        """`x W + b`."""
        return x @ self.weight + self.bias[None]


class Scaling(eqx.Module):
    """The learned scale and shift after a normalisation."""

    scale: Float[Array, " W"]
    shift: Float[Array, " W"]

    def __call__(self, x: Float[Array, "B W"]) -> Float[Array, "B W"]:
        """`x` scaled and shifted, column by column."""
        return x * self.scale[None] + self.shift[None]


class Trunk(eqx.Module):
    """Affine maps with ReLU; each but the last is normalised over the batch before its ReLU."""

    dense: tuple[Dense, ...]
    scaling: tuple[Scaling, ...]


class Moments(eqx.Module):
    """Running mean and variance of each normalised layer: what evaluation uses."""

    mean: tuple[Float[Array, " _"], ...]
    variance: tuple[Float[Array, " _"], ...]


class Heads(eqx.Module):
    """One affine map to two logits per task."""

    weight: Float[Array, "M W 2"]
    bias: Float[Array, "M 2"]


class Student(eqx.Module):
    """All that is trained: the shared trunk and the heads."""

    trunk: Trunk
    heads: Heads


def draw_dense(rng: np.random.Generator, num_in: int, num_out: int) -> Dense:
    """An affine map drawn from U(-1, 1) / sqrt(inputs), as torch does by default.

    Drawn on the host: in jax every shape would be a program of its own to compile.
    """
    bound = num_in**-0.5
    drawn = rng.uniform(-bound, bound, (num_in + 1, num_out)).astype(np.float32)
    return Dense(jnp.asarray(drawn[:-1]), jnp.asarray(drawn[-1]))


def draw_dense_layers(
    rng: np.random.Generator, num_in: int, hidden: tuple[int, ...]
) -> tuple[tuple[Dense, ...], tuple[Scaling, ...]]:
    """Affine maps of these widths one after the other, and scalings for all but the last."""
    sizes = (num_in, *hidden)
    dense = tuple(draw_dense(rng, sizes[i], sizes[i + 1]) for i in range(len(hidden)))
    return dense, tuple(Scaling(jnp.ones(width), jnp.zeros(width)) for width in hidden[:-1])


def draw_heads(rng: np.random.Generator, width: int, num_tasks: int) -> Heads:
    """One output layer per task."""
    drawn = [draw_dense(rng, width, 2) for _ in range(num_tasks)]
    return Heads(
        jnp.stack([head.weight for head in drawn]), jnp.stack([head.bias for head in drawn])
    )


def draw_student(
    rng: np.random.Generator, num_features: int, hidden: tuple[int, ...], num_tasks: int
) -> tuple[Student, Moments]:
    """A student with layers of these widths, and the moments before any batch."""
    dense, scaling = draw_dense_layers(rng, num_features, hidden)
    moments = Moments(
        tuple(jnp.zeros(width) for width in hidden[:-1]),
        tuple(jnp.ones(width) for width in hidden[:-1]),
    )
    return Student(Trunk(dense, scaling), draw_heads(rng, hidden[-1], num_tasks)), moments


def features_in_training(
    trunk: Trunk, moments: Moments, X: Float[Array, "B F"]
) -> tuple[Float[Array, "B W"], tuple[Float[Array, "B V"], Moments]]:
    """Features of a batch normalised by its own moments; the last layer's input; new moments."""
    means, variances = [], []
    x = X
    for i, dense in enumerate(trunk.dense[:-1]):
        x = dense(x)
        mean, variance = jnp.mean(x, 0), jnp.var(x, 0)
        x = jax.nn.relu(trunk.scaling[i](_normalised(x, mean, variance)))
        # The running variance is of the population, so that of the batch is made unbiased.
        unbiased = variance * (len(X) / max(len(X) - 1, 1))
        means.append((1 - _MOMENTUM) * moments.mean[i] + _MOMENTUM * mean)
        variances.append((1 - _MOMENTUM) * moments.variance[i] + _MOMENTUM * unbiased)
    found = jax.lax.stop_gradient(Moments(tuple(means), tuple(variances)))
    return jax.nn.relu(trunk.dense[-1](x)), (x, found)


def features(trunk: Trunk, moments: Moments, X: Float[Array, "B F"]) -> Float[Array, "B W"]:
    """Features in evaluation: normalised by the running moments, each row by itself."""
    x = X
    for i, dense in enumerate(trunk.dense[:-1]):
        x = _normalised(dense(x), moments.mean[i], moments.variance[i])
        x = jax.nn.relu(trunk.scaling[i](x))
    return jax.nn.relu(trunk.dense[-1](x))


def logits(heads: Heads, Z: Float[Array, "B W"]) -> Float[Array, "B M 2"]:
    """Every task's two logits for every row of features."""
    return jnp.einsum("bw,mwc->bmc", Z, heads.weight) + heads.bias[None]


def student_logits(
    student: Student, moments: Moments, X: Float[Array, "B F"]
) -> Float[Array, "B M 2"]:
    """Logits in evaluation."""
    return logits(student.heads, features(student.trunk, moments, X))


def _normalised(
    x: Float[Array, "B W"], mean: Float[Array, " W"], variance: Float[Array, " W"]
) -> Float[Array, "B W"]:
    return (x - mean[None]) * jax.lax.rsqrt(variance + _EPS)[None]
