"""What a failed conformance check says, and how checks compare."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

# Checks run their programs once, so compiling them costs more than running them.
_QUICK: dict[str, Any] = {
    "compiler_options": {
        "xla_backend_optimization_level": 0,
        "xla_llvm_disable_expensive_passes": True,
    }
}


def quick_jit(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, compiled fast and running slowly."""
    return eqx.filter_jit(function, **_QUICK)


class ConformanceError(AssertionError):
    """A contract of the library is broken: one sentence naming the thing and the remedy."""


def require(holds: Any, sentence: str) -> None:
    """A `ConformanceError` with this sentence unless `holds`."""
    if not bool(holds):
        raise ConformanceError(sentence)


def as_numpy(leaf: Any) -> np.ndarray:
    """An array on the host; random keys as their numbers."""
    if jnp.issubdtype(jnp.asarray(leaf).dtype, jax.dtypes.prng_key):
        leaf = jax.random.key_data(leaf)
    return np.asarray(leaf)


def same(one: Any, other: Any, tolerance: float = 0.0) -> bool:
    """Whether two trees have the same structure and equal leaves; NaN equals NaN."""
    if jax.tree.structure(one) != jax.tree.structure(other):
        return False
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return all(_close(as_numpy(a), as_numpy(b), tolerance) for a, b in pairs)


def _close(a: np.ndarray, b: np.ndarray, tolerance: float) -> bool:
    if a.shape != b.shape:
        return False
    if a.dtype.kind != "f" or tolerance == 0.0:
        return bool(np.array_equal(a, b, equal_nan=a.dtype.kind == "f"))
    return bool(np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True))


def finite(tree: Any) -> bool:
    """Whether every number of a tree is finite."""
    return all(
        np.isfinite(array).all()
        for leaf in jax.tree.leaves(tree)
        if (array := as_numpy(leaf)).dtype.kind == "f"
    )


def signature(tree: Any) -> list[tuple[tuple[int, ...], str]]:
    """Shapes and dtypes of the leaves."""
    return [(tuple(leaf.shape), str(leaf.dtype)) for leaf in jax.tree.leaves(tree)]
