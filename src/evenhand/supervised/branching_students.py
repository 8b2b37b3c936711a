"""A shared network that branches, layer by layer from the heads down, between unlike tasks.

FairBranch (Roy et al., IJCNN 2024). Certain, from the paper and its released code: the network
begins shared, with equal heads; at every 7th round the layer nearest the heads that is still shared
is branched if clustering by the linear CKA of the parameters one layer above gives two groups or
more; branches are copies of the layer; once there are branches a task's fairness loss counts
unless it opposes the accuracy loss on the task's head; and conflicts between fairness gradients are
projected out, in branched layers only. This project's reading:

- A round of the released code is one of 27 states, about five batches of 8192 rows, so the default
  is a try every 35 batches.
- Two groups unite where each is the other's most similar and the threshold is reached. (The code
  compares second-best ones and reads a sorted row by an unsorted index.) Three tasks or more thus
  always branch at the first try.
- The two gradients whose conflict is corrected are those of the two groups that a branch unites, on
  the branch's own layer. (The code corrects the groups' gradients on their layers above.)
- Opposition on the head is judged on the same batch. (The code judges it one batch late, and then
  always lets the loss return.)
- Members of a branch are averaged; AdamW takes the same step for the code's sum. It begins anew at
  a branching, as there.

Every task has a copy of every layer; copies in a branch see the same gradients and stay equal, so
nothing changes its shape when the network branches.
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
from evenhand.supervised.branching import (
    branch_mean,
    linear_cka,
    mutual_pairs,
    num_branches,
    task_dot,
    without_conflict,
)
from evenhand.supervised.rule import AbstractRule
from evenhand.supervised.separate_students import Network, network_logits
from evenhand.supervised.student_network import (
    Moments,
    Student,
    Trunk,
    draw_student,
    features_in_training,
    logits,
)
from evenhand.supervised.task_loss import Batch, both_losses


class BranchState(eqx.Module):
    """The copies, their optimiser, who shares each layer, and how many layers are branched."""

    network: Network
    optimiser: AdamState
    members: Int[Array, "L M"]
    num_branched: Int[Array, ""]
    num_batches: Int[Array, ""]


@dataclass(frozen=True)
class BranchingStudents(AbstractRule):
    """Tasks minimise their accuracy loss, after a branching their worst-group loss as well."""

    hidden: tuple[int, ...] = (256, 128, 64)
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    fairness_weight: float = 1.0
    similarity_threshold: float = 0.7
    branch_every: int = 35

    def init(self, rng: np.random.Generator, num_features: int, num_tasks: int) -> BranchState:
        drawn = Network(*draw_student(rng, num_features, self.hidden, 1))
        network = jax.tree.map(lambda leaf: jnp.stack([leaf] * num_tasks), drawn)
        none = jnp.zeros((), jnp.int32)
        members = jnp.zeros((len(self.hidden), num_tasks), jnp.int32)
        return BranchState(network, adam_init(network.student), members, none, none)

    def step(self, state: BranchState, batch: Batch) -> tuple[BranchState, Any]:
        slopes, (losses, moments) = jax.vmap(_task_slopes, (0, 1, None, None))(
            state.network, batch.Y, batch.X, batch.s
        )
        right, unfair = (jax.tree.map(lambda leaf, a=a: leaf[:, a], slopes) for a in (0, 1))
        agreed = task_dot(right.heads, unfair.heads) >= 0
        weight = self.fairness_weight * (agreed & (state.num_branched > 0)).astype(jnp.float32)
        unfair = jax.tree.map(lambda g: g * weight.reshape(-1, *[1] * (g.ndim - 1)), unfair)
        slope = Student(
            self._trunk_slope(state, right.trunk, unfair.trunk),
            jax.tree.map(jnp.add, right.heads, unfair.heads),
        )
        student, optimiser = adamw_step(
            state.network.student, slope, state.optimiser, self.learning_rate, self.weight_decay
        )
        network = Network(student, _of_first(moments, state.members))
        done = state.num_batches + 1
        state = BranchState(network, optimiser, state.members, state.num_branched, done)
        state = jax.lax.cond(
            done % self.branch_every == 0, self.try_to_branch, lambda state: state, state
        )
        log = {"loss": losses.T, "fairness_weight": weight, "members": state.members}
        return state, log

    def try_to_branch(self, state: BranchState) -> BranchState:
        """The state with the topmost shared layer branched, where its tasks are unlike enough."""
        depth, done = len(self.hidden), state.num_branched
        student = state.network.student

        def over(level: int) -> Float[Array, "M M"]:
            if level == 0:
                return linear_cka(student.heads.weight[:, 0])
            return linear_cka(student.trunk.dense[depth - level].weight)

        level = jnp.minimum(done, depth - 1)
        every = jnp.arange(state.members.shape[1], dtype=jnp.int32)
        above = jnp.where(level == 0, every, state.members[jnp.minimum(depth - level, depth - 1)])
        alike = jax.lax.switch(level, [lambda i=i: over(i) for i in range(depth)])
        found = mutual_pairs(alike, above, self.similarity_threshold).astype(jnp.int32)
        branched = (done < depth) & (num_branches(found) >= 2)
        layer = depth - 1 - level
        members = state.members.at[layer].set(jnp.where(branched, found, state.members[layer]))
        optimiser = jax.tree.map(
            lambda new, old: jnp.where(branched, new, old), adam_init(student), state.optimiser
        )
        done = done + branched.astype(jnp.int32)
        return BranchState(state.network, optimiser, members, done, state.num_batches)

    def logits(self, state: BranchState, X: Float[Array, "B F"]) -> Float[Array, "B M 2"]:
        return network_logits(state.network, X)

    def _trunk_slope(self, state: BranchState, right: Trunk, unfair: Trunk) -> Trunk:
        """The gradient of every copy, equal within a branch."""
        depth = len(self.hidden)
        every = jnp.arange(state.members.shape[1], dtype=jnp.int32)
        dense, scaling = [], []
        for i in range(depth):
            parts = state.members[i + 1] if i + 1 < depth else every
            branched = i >= depth - state.num_branched
            layer = unfair.dense[i], unfair.scaling[i : i + 1]
            layer = without_conflict(layer, parts, state.members[i], branched)
            layer = jax.tree.map(jnp.add, (right.dense[i], right.scaling[i : i + 1]), layer)
            mine, scaled = branch_mean(layer, state.members[i])
            dense.append(mine)
            scaling.extend(scaled)
        return Trunk(tuple(dense), tuple(scaling))


def _task_slopes(
    network: Network, y: Int[Array, " B"], X: Float[Array, "B F"], s: Int[Array, " B"]
) -> tuple[Student, tuple[Float[Array, " 2"], Moments]]:
    """A task's gradients of both losses, stacked; the losses, and the new moments."""

    def losses(student: Student) -> tuple[Array, tuple[Array, Moments]]:
        Z, (_, found) = features_in_training(student.trunk, network.moments, X)
        both = both_losses(logits(student.heads, Z), y[:, None], s)[:, 0]
        return both, (both, found)

    return jax.jacrev(losses, has_aux=True)(network.student)


def _of_first(moments: Moments, members: Int[Array, "L M"]) -> Moments:
    """Moments of each branch's first task, so that rounding does not part the copies."""
    leaves, shape = jax.tree.flatten(moments)
    # Means of all layers come first, then their variances.
    first = [members[i] for i in range(len(moments.mean))] * 2
    return jax.tree.unflatten(shape, [leaf[of] for leaf, of in zip(leaves, first, strict=True)])
