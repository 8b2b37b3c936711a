"""A batch's accuracy loss, its worst-group loss, and what it scores, for every task at once.

Roy & Ntoutsi (ECML PKDD 2022), with means over the cells of a group and a label. The accuracy
loss is the mean of these cells weighted by their shares. With p1 and p0 the shares of the labels,
it is at most p1 times the larger positive cell plus p0 times the larger negative one, hence at most
the worst-group loss, wherever no cell is empty. So the published greedy rule, "take the larger
loss", always takes the worst-group loss.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


class Batch(eqx.Module):
    """Rows `(B, F)`, their labels in {0, 1}, and which of the two groups each belongs to."""

    X: Float[Array, "B F"]
    Y: Int[Array, "B M"]
    s: Int[Array, " B"]


class Scores(eqx.Module):
    """Accuracy and equalised-odds violation of each task."""

    accuracy: Float[Array, " M"]
    violation: Float[Array, " M"]


def cross_entropy(logits: Float[Array, "B M 2"], Y: Int[Array, "B M"]) -> Float[Array, "B M"]:
    """Minus the log-probability of the label.

    Equation 9 prints a minus between its two terms, which would make the loss negative; this is
    the sum that is meant.
    """
    margin = logits[..., 1] - logits[..., 0]
    return jax.nn.softplus(jnp.where(Y == 1, -margin, margin))


def accuracy_loss(logits: Float[Array, "B M 2"], Y: Int[Array, "B M"]) -> Float[Array, " M"]:
    """Mean cross-entropy of each task (equation 9)."""
    return jnp.mean(cross_entropy(logits, Y), 0)


def cells(Y: Int[Array, "B M"], s: Int[Array, " B"]) -> Float[Array, "B M 2 2"]:
    """1 where a row has this group and this label on a task; axes are row, task, group, label."""
    group = jax.nn.one_hot(s, 2)[:, None, :, None]
    label = jax.nn.one_hot(Y, 2)[:, :, None, :]
    ones = jnp.ones((*Y.shape, 2, 2))
    return (ones * group) * (ones * label)


def worst_group_loss(
    logits: Float[Array, "B M 2"],
    Y: Int[Array, "B M"],
    s: Int[Array, " B"],
    counted: Float[Array, "B M"] | None = None,
) -> Float[Array, " M"]:
    """The sum over labels of the larger group's mean cross-entropy (equations 10 and 11).

    The paper prints sums over a cell's rows, which would favour the bigger group; the released
    code takes means, as here. A cell without rows drops out of the maximum, and a label without
    any counts 0. `counted` is 1 for the rows that a task counts; all by default.
    """
    inside = cells(Y, s)
    if counted is not None:
        inside = inside * counted[:, :, None, None]
    each = cross_entropy(logits, Y)
    count = jnp.sum(inside, 0)
    mean = jnp.einsum("bm,bmgy->mgy", each, inside) / jnp.maximum(count, 1.0)
    # Cross-entropy is never negative, so 0 takes no part in a maximum with a cell that has rows.
    return jnp.sum(jnp.max(jnp.where(count > 0, mean, 0.0), 1), 1)


def both_losses(
    logits: Float[Array, "B M 2"], Y: Int[Array, "B M"], s: Int[Array, " B"]
) -> Float[Array, "2 M"]:
    """The accuracy loss (0) and the worst-group loss (1) of each task."""
    return jnp.stack([accuracy_loss(logits, Y), worst_group_loss(logits, Y, s)])


def scores(logits: Float[Array, "B M 2"], Y: Int[Array, "B M"], s: Int[Array, " B"]) -> Scores:
    """Accuracy, and |TPR difference| + |FPR difference| of the groups (equation 1), per task.

    A term is 0 where one of the groups has no row with its label, as in the released code.
    """
    predicted = (logits[..., 1] > logits[..., 0]).astype(jnp.float32)
    right = jnp.mean((predicted == Y.astype(jnp.float32)).astype(jnp.float32), 0)
    inside = cells(Y, s)
    count = jnp.sum(inside, 0)
    rate = jnp.einsum("bm,bmgy->mgy", predicted, inside) / jnp.maximum(count, 1.0)
    difference = jnp.abs(rate[:, 0] - rate[:, 1])
    known = jnp.min(count, 1) > 0
    return Scores(right, jnp.sum(jnp.where(known, difference, 0.0), 1))
