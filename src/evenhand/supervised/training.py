"""The training loop of multi-task classifiers: an epoch, its batches included, is one program."""

from collections.abc import Callable
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Int, PRNGKeyArray

from evenhand.supervised.rule import AbstractRule
from evenhand.supervised.task_loss import Batch, Scores, scores

# Told the number of epochs done and the scores on the validation rows; true ends training.
AfterEpoch = Callable[[int, Scores], bool | None]


class Trained(eqx.Module):
    """States after training, and what was recorded by epoch, stacked along the first axis."""

    last: Any
    best: Any
    best_epoch: int
    history: dict[str, np.ndarray]


def train(
    rule: AbstractRule,
    seed: int,
    rows: Batch,
    validation: Batch,
    *,
    epochs: int,
    batch_size: int,
    after_epoch: AfterEpoch | None = None,
) -> Trained:
    """The rule's state after `epochs` passes over the rows, and its best one on validation.

    Best is where the mean over tasks of accuracy minus equalised-odds violation is largest. Every
    epoch has a new order in which each batch holds both groups in their shares; rows that do not
    fill a batch are left out of that epoch.
    """
    order_key = jr.key(seed)
    state = rule.init(np.random.default_rng(seed), rows.X.shape[1], rows.Y.shape[1])
    # A number without a type of its own would make the second epoch another program.
    state = jax.tree.map(lambda leaf: jnp.asarray(leaf, leaf.dtype), state)
    best, best_epoch, best_score, kept = state, 0, -np.inf, []
    for epoch in range(epochs):
        epoch_key = jr.fold_in(order_key, epoch)
        state, log, found = _epoch(
            rule, min(batch_size, len(rows.s)), state, rows, validation, epoch_key
        )
        log = jax.device_get(log)
        log |= {"accuracy": np.asarray(found.accuracy), "violation": np.asarray(found.violation)}
        kept.append(log)
        score = float(np.mean(log["accuracy"] - log["violation"]))
        if score > best_score:
            best, best_epoch, best_score = state, epoch, score
        if after_epoch is not None and after_epoch(epoch + 1, found):
            break
    history = {name: np.stack([log[name] for log in kept]) for name in (kept[0] if kept else {})}
    return Trained(state, best, best_epoch, history)


@partial(jax.jit, static_argnums=(0, 1))
def _epoch(
    rule: AbstractRule, batch_size: int, state: Any, rows: Batch, validation: Batch, key: Array
) -> tuple[Any, dict[str, Array], Scores]:
    """The state after one pass over the rows, its record, and scores on the validation rows."""
    order = mixed_order(key, rows.s)
    num_batches = len(order) // batch_size
    batches = order[: num_batches * batch_size].reshape(num_batches, batch_size)

    def step(state: Any, chosen: Int[Array, " B"]) -> tuple[Any, Any]:
        return rule.step(state, jax.tree.map(lambda leaf: leaf[chosen], rows))

    state, record = jax.lax.scan(step, state, batches)
    found = scores(rule.logits(state, validation.X), validation.Y, validation.s)
    state, log = rule.end_epoch(state, record, found)
    return state, log, found


def mixed_order(key: PRNGKeyArray, s: Int[Array, " n"]) -> Int[Array, " n"]:
    """A random order of all rows in which any stretch has both groups in nearly their shares.

    The k-th row of a group of n, in random order, is placed at (k + u) / n with u uniform.
    """
    order_key, place_key = jr.split(key)
    shuffled = jnp.lexsort((jr.uniform(order_key, s.shape), s))
    count = jnp.sum(s == 0)
    num_rows = len(s)
    rank = jnp.arange(num_rows)
    second = rank >= count
    rank = jnp.where(second, rank - count, rank).astype(jnp.float32)
    of = jnp.where(second, num_rows - count, count).astype(jnp.float32)
    return shuffled[jnp.argsort((rank + jr.uniform(place_key, s.shape)) / of)]
