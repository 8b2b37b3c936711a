"""Which tasks share a layer: similarity of parameters, groups of tasks, and gradients of groups.

A membership names, for every task, the first task that it shares a layer with: `[0, 1, 0]` are two
branches, of the tasks 0 and 2 and of task 1. So it has one shape however the tasks are grouped.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int


def linear_cka(V: Float[Array, "M n p"]) -> Float[Array, "M M"]:
    """Linear centred kernel alignment of all pairs of matrices, from 0 to 1.

    |A'B|^2 / (|A'A| |B'B|) with Frobenius norms and columns centred (Kornblith et al., ICML 2019,
    section 3, with linear kernels), here through the matrices' Gram matrices.
    """
    centred = V - jnp.mean(V, 1, keepdims=True)
    gram = jnp.einsum("inp,imp->inm", centred, centred)
    inner = jnp.einsum("inm,jnm->ij", gram, gram)
    norm = jnp.sqrt(jnp.diagonal(inner))
    found = inner / jnp.maximum(norm[:, None] * norm[None], 1e-30)
    # Of the two roundings neither is better, and both tasks of a pair must see the same number.
    return (found + found.T) / 2


def mutual_pairs(
    similarity: Float[Array, "M M"], members: Int[Array, " M"], threshold: float
) -> Int[Array, " M"]:
    """The membership in which two branches of `members` that choose each other are one.

    A branch chooses the most similar other one. Two that choose each other become one where they
    are at least `threshold` similar; all others stay as they are. So a branch becomes part of a
    pair at most, and three branches are never all united.
    """
    every = jnp.arange(len(members))
    first = members == every
    able = first[:, None] & first[None] & (every[:, None] != every[None])
    among = jnp.where(able, similarity, -jnp.inf)
    choice = jnp.argmax(among, 1)
    united = (choice[choice] == every) & (jnp.max(among, 1) >= threshold)
    return jnp.where(united, jnp.minimum(every, choice), every)[members]


def num_branches(members: Int[Array, " M"]) -> Int[Array, ""]:
    """The number of branches of a membership."""
    return jnp.sum(members == jnp.arange(len(members)))


def branch_mean(tree: Any, members: Int[Array, " M"]) -> Any:
    """Every task's leaves replaced by their mean over the task's branch, the same bit for bit."""
    count = jax.ops.segment_sum(jnp.ones(len(members)), members, len(members))

    def mean(leaf: Array) -> Array:
        total = jax.ops.segment_sum(leaf, members, len(members))
        return (total / jnp.maximum(count, 1.0).reshape(-1, *[1] * (leaf.ndim - 1)))[members]

    return jax.tree.map(mean, tree)


def task_dot(a: Any, b: Any) -> Float[Array, " M"]:
    """Every task's inner product of two trees whose leaves are stacked over tasks."""
    each = jax.tree.map(lambda x, y: jnp.sum((x * y).reshape(len(x), -1), 1), a, b)
    return sum(jax.tree.leaves(each), jnp.zeros(()))


def without_conflict(
    slope: Any, parts: Int[Array, " M"], members: Int[Array, " M"], corrected: Bool[Array, ""]
) -> Any:
    """Gradients of a layer's branches after conflicts between their two parts are taken out.

    The parts of a branch are the branches, at most two, into which the layer above divides it; a
    part's gradient g is the mean over its tasks. Where g1 . g2 < 0, both lose what opposes the
    other: g1 - (g1 . g2 / |g2|^2) g2, and g2 likewise. Every task is given its part's gradient.
    """
    own = branch_mean(slope, parts)
    beside = (members[:, None] == members[None]) & (parts[:, None] != parts[None])
    other = jnp.argmax(beside, 1)
    against = jax.tree.map(lambda leaf: leaf[other], own)
    dot = task_dot(own, against)
    opposed = corrected & jnp.any(beside, 1) & (dot < 0)
    share = jnp.where(opposed, dot / jnp.maximum(task_dot(against, against), 1e-30), 0.0)
    return jax.tree.map(lambda g, h: g - share.reshape(-1, *[1] * (g.ndim - 1)) * h, own, against)
