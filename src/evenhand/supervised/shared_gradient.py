"""Gradients of several tasks through one trunk: per-task norms, and the weighted sum in one pass.

A backward pass is linear in what enters it, so the weighted sum of the tasks' gradients costs one
pass through the trunk, whatever the number of tasks.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from evenhand.supervised.student_network import (
    Heads,
    Moments,
    Student,
    Trunk,
    features_in_training,
)

NORM_LAYERS = ("last", "all")


class Forward(eqx.Module):
    """A forward pass over a batch, and what its backward passes need."""

    Z: Float[Array, "B W"]
    last_input: Float[Array, "B V"]
    moments: Moments


def forward(trunk: Trunk, moments: Moments, X: Float[Array, "B F"]) -> tuple[Forward, object]:
    """The pass, and the function from gradients of its features to those of the trunk."""
    Z, back, (last_input, found) = jax.vjp(
        lambda trunk: features_in_training(trunk, moments, X), trunk, has_aux=True
    )
    return Forward(Z, last_input, found), back


def head_gradients(Z: Float[Array, "B W"], by_logit: Float[Array, "B M 2"]) -> Heads:
    """Each head's gradient of its own task's loss, from the loss's gradient in the logits."""
    return Heads(jnp.einsum("bw,bmc->mwc", Z, by_logit), jnp.sum(by_logit, 0))


def weighted_feature_gradient(
    heads: Heads, by_logit: Float[Array, "B M 2"], weights: Float[Array, " M"]
) -> Float[Array, "B W"]:
    """The gradient of the weighted sum of losses in the features."""
    return jnp.einsum("bmc,mwc,m->bw", by_logit, heads.weight, weights)


def trunk_norms(
    heads: Heads, by_logit: Float[Array, "B M 2"], passed: Forward, back: object, layers: str
) -> Float[Array, " M"]:
    """The norm of each task's unweighted gradient on the trunk.

    "last" takes the trunk's last layer only, as Chen et al. (2018) do to save time: one product of
    matrices a task. "all" takes every shared parameter, as the released code of Roy & Ntoutsi does:
    a backward pass a task.
    """

    def norm_of_task(given: tuple[Float[Array, "B 2"], Float[Array, "W 2"]]) -> Float[Array, ""]:
        slope, weight = given
        by_feature = slope @ weight.T
        if layers == "all":
            (gradient,) = back(by_feature)  # pyright: ignore[reportCallIssue]
            return tree_norm(gradient)
        before_relu = jnp.where(passed.Z > 0, by_feature, 0.0)
        return tree_norm((passed.last_input.T @ before_relu, jnp.sum(before_relu, 0)))

    return jax.lax.map(norm_of_task, (jnp.moveaxis(by_logit, 1, 0), heads.weight))


def tree_norm(tree: object) -> Float[Array, ""]:
    """The Euclidean norm of all leaves together."""
    return jnp.sqrt(sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(tree)))


def student_gradient(
    student: Student, passed: Forward, back: object, by_logit: Float[Array, "B M 2"],
    weights: Float[Array, " M"],
) -> Student:  # fmt: skip
    """Heads' gradients of their own losses, and the trunk's of the weighted sum (algorithm 2)."""
    by_feature = weighted_feature_gradient(student.heads, by_logit, weights)
    (trunk,) = back(by_feature)  # pyright: ignore[reportCallIssue]
    return Student(trunk, head_gradients(passed.Z, by_logit))
