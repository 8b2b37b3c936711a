"""A multi-task Q-network that judges, from a task's head, which loss it should train on next.

Roy & Ntoutsi (ECML PKDD 2022), section 3 and algorithm 3, with the sizes of their released code.
"""

from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from evenhand.algorithms.parts.adam import AdamState, adam_init
from evenhand.supervised.adamw import adamw_step
from evenhand.supervised.chooser import AbstractChooser
from evenhand.supervised.gradnorm import gradnorm_step
from evenhand.supervised.look_ahead import head_states, look_ahead, reward
from evenhand.supervised.shared_gradient import tree_norm
from evenhand.supervised.student_network import (
    Dense,
    Heads,
    Moments,
    Scaling,
    Student,
    draw_dense_layers,
    draw_heads,
)
from evenhand.supervised.task_loss import Batch, Scores


class QTrunk(eqx.Module):
    """Three affine maps with ReLU, the first two normalised over their units."""

    dense: tuple[Dense, ...]
    scaling: tuple[Scaling, ...]


class QNetwork(eqx.Module):
    """A trunk that all tasks share and two values per task."""

    trunk: QTrunk
    heads: Heads


class TeacherState(eqx.Module):
    """The network, its optimiser, its tasks' weights and first losses, and the best scores."""

    network: QNetwork
    optimiser: AdamState
    weights: Float[Array, " M"]
    first: Float[Array, " M"]
    best: Scores


@dataclass(frozen=True)
class Teacher(AbstractChooser):
    """Chooses the loss with the larger Q, and learns Q from both losses' rewards.

    `update` "epoch" learns once from all batches of an epoch, as the released code does; "batch"
    after each, as algorithm 1 is printed. There is no replay and no second network.
    """

    hidden: tuple[int, ...] = (128, 128, 64)
    discount: float = 0.9
    look_ahead: str = "head"
    look_ahead_rate: float = 1e-3
    update: str = "epoch"
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    gradnorm_alpha: float = 1.0
    gradnorm_rate: float = 1e-3
    gradnorm_target: str = "constant"

    def init(self, rng: np.random.Generator, width: int, num_tasks: int) -> TeacherState:
        network = draw_q_network(rng, 2 * width, self.hidden, num_tasks)
        unknown = jnp.full(num_tasks, jnp.nan)
        even = jnp.full(num_tasks, 1 / num_tasks)
        return TeacherState(network, adam_init(network), even, unknown, Scores(unknown, unknown))

    def choose(
        self, state: TeacherState, heads: Heads, losses: Float[Array, "2 M"],
        first: Float[Array, "2 M"],
    ) -> Int[Array, " M"]:  # fmt: skip
        return jnp.argmax(q_values(state.network, head_states(heads)[None])[0], 1).astype(jnp.int32)

    def observe(
        self, state: TeacherState, student: Student, moments: Moments, batch: Batch, before: Scores
    ) -> tuple[TeacherState, Any]:
        begun = Scores(
            jnp.where(jnp.isnan(state.best.accuracy), before.accuracy, state.best.accuracy),
            jnp.where(jnp.isnan(state.best.violation), before.violation, state.best.violation),
        )
        state = eqx.tree_at(lambda state: state.best, state, begun)
        seen = look_ahead(student, moments, batch, mode=self.look_ahead, rate=self.look_ahead_rate)
        rewards = reward(seen, begun.accuracy, begun.violation)
        if self.update == "epoch":
            return state, (seen.states, seen.next_states, rewards)
        state, losses = self.learn(state, seen.states[None], seen.next_states[None], rewards[None])
        return state, {"reward": rewards, "teacher_loss": losses}

    def end_epoch(
        self, state: TeacherState, record: Any, validation: Scores
    ) -> tuple[TeacherState, dict[str, Array]]:
        if self.update == "epoch":
            state, losses = self.learn(state, *record)
            record = {"reward": record[2], "teacher_loss": losses}
        # The best accuracy and the best violation need not be of the same epoch.
        best = Scores(
            jnp.maximum(state.best.accuracy, validation.accuracy),
            jnp.minimum(state.best.violation, validation.violation),
        )
        return eqx.tree_at(lambda state: state.best, state, best), record

    def learn(
        self, state: TeacherState, states: Float[Array, "N M S"],
        next_states: Float[Array, "N M 2 S"], rewards: Float[Array, "N M 2"],
    ) -> tuple[TeacherState, Float[Array, " M"]]:  # fmt: skip
        """The teacher after one step on what was seen, and its losses before it (algorithm 3).

        Heads follow their own loss, the trunk the sum weighted by GradNorm.
        """
        targets = q_targets(state.network, next_states, rewards, self.discount)

        def losses(trunk: QTrunk, heads: Heads) -> Float[Array, " M"]:
            error = q_values(QNetwork(trunk, heads), states) - targets
            return jnp.mean(error**2, (0, 2))

        trunk, heads = state.network.trunk, state.network.heads
        found = losses(trunk, heads)
        by_task = jax.jacrev(losses)(trunk, heads)
        own = jax.grad(lambda heads: jnp.sum(losses(trunk, heads)))(heads)
        first = jnp.where(jnp.isnan(state.first), found, state.first)
        weights = gradnorm_step(
            state.weights, jax.vmap(tree_norm)(by_task), found / jnp.maximum(first, 1e-12),
            alpha=self.gradnorm_alpha, rate=self.gradnorm_rate, target=self.gradnorm_target,
        )  # fmt: skip
        shared = jax.tree.map(lambda leaf: jnp.tensordot(weights, leaf, 1), by_task)
        network, optimiser = adamw_step(
            state.network, QNetwork(shared, own), state.optimiser,
            self.learning_rate, self.weight_decay,
        )  # fmt: skip
        return TeacherState(network, optimiser, weights, first, state.best), found


def draw_q_network(
    rng: np.random.Generator, num_in: int, hidden: tuple[int, ...], num_tasks: int
) -> QNetwork:
    """A Q-network with layers of these widths."""
    trunk = QTrunk(*draw_dense_layers(rng, num_in, hidden))
    return QNetwork(trunk, draw_heads(rng, hidden[-1], num_tasks))


def q_values(network: QNetwork, states: Float[Array, "N M S"]) -> Float[Array, "N M 2"]:
    """Q of both losses for every task's state: the shared trunk, then the task's own head."""
    x = states.reshape(-1, states.shape[-1])
    for dense, scaling in zip(network.trunk.dense, network.trunk.scaling, strict=False):
        x = dense(x)
        x = (x - jnp.mean(x, 1, keepdims=True)) * jax.lax.rsqrt(jnp.var(x, 1, keepdims=True) + 1e-5)
        x = jax.nn.relu(scaling(x))
    x = jax.nn.relu(network.trunk.dense[-1](x)).reshape(*states.shape[:2], -1)
    return jnp.einsum("nmw,mwc->nmc", x, network.heads.weight) + network.heads.bias[None]


def q_targets(
    network: QNetwork, next_states: Float[Array, "N M 2 S"], rewards: Float[Array, "N M 2"],
    discount: float,
) -> Float[Array, "N M 2"]:  # fmt: skip
    """R(a) + discount max_a' Q(s'(a), a') for both losses a, without a gradient (equation 6)."""
    later = [jnp.max(q_values(network, next_states[:, :, a]), -1) for a in (0, 1)]
    return jax.lax.stop_gradient(rewards + discount * jnp.stack(later, -1))
