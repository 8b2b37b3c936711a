"""Per-group statistics of one episode; `jax.vmap` gives them for many.

Everywhere: steps of weight 0 (nobody was decided on) never matter, and a group without data is
NaN, with a count of 0 from `group_count`: never 0, which would read as a perfect score.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Shaped

from evenhand.core.environment import Outcome


def group_count(
    group: Int[Array, " n"], weight: Float[Array, " n"], num_groups: int
) -> Float[Array, " G"]:
    """Weight of each group."""
    return jax.ops.segment_sum(weight, group, num_groups)


def group_sum(
    values: Shaped[Array, " n"],
    group: Int[Array, " n"],
    weight: Float[Array, " n"],
    num_groups: int,
) -> Float[Array, " G"]:
    """Weighted sum of `values` in each group; NaN for a group with no weight."""
    weighted = jnp.where(weight > 0, weight * values.astype(weight.dtype), 0.0)
    summed = jax.ops.segment_sum(weighted, group, num_groups)
    return jnp.where(group_count(group, weight, num_groups) > 0, summed, jnp.nan)


def by_group(
    values: Shaped[Array, " n"],
    group: Int[Array, " n"],
    weight: Float[Array, " n"],
    num_groups: int,
) -> Float[Array, " G"]:
    """Weighted mean of `values` in each group; NaN for a group with no weight."""
    total = group_count(group, weight, num_groups)
    # A group without weight has a NaN sum already; dividing it by 1 keeps gradients finite.
    return group_sum(values, group, weight, num_groups) / jnp.where(total > 0, total, 1.0)


def selection_rate(outcome: Outcome, num_groups: int) -> Float[Array, " G"]:
    """P(decision = 1 | group); in lending, the approval rate."""
    return by_group(outcome.decision, outcome.group, outcome.weight, num_groups)


def qualified_weight(outcome: Outcome) -> Float[Array, " n"]:
    """The steps' weights, with those of label 0 set to 0."""
    return outcome.weight * outcome.label.astype(outcome.weight.dtype)


def unqualified_weight(outcome: Outcome) -> Float[Array, " n"]:
    """The steps' weights, with those of label 1 set to 0."""
    return outcome.weight * (1 - outcome.label).astype(outcome.weight.dtype)


def approved_weight(outcome: Outcome) -> Float[Array, " n"]:
    """The steps' weights, with those of decision 0 set to 0."""
    return outcome.weight * outcome.decision.astype(outcome.weight.dtype)


def true_positive_rate(outcome: Outcome, num_groups: int) -> Float[Array, " G"]:
    """P(decision = 1 | label = 1, group), also called recall."""
    return by_group(outcome.decision, outcome.group, qualified_weight(outcome), num_groups)


def false_positive_rate(outcome: Outcome, num_groups: int) -> Float[Array, " G"]:
    """P(decision = 1 | label = 0, group)."""
    return by_group(outcome.decision, outcome.group, unqualified_weight(outcome), num_groups)


def group_return(
    reward: Float[Array, " T"], outcome: Outcome, num_groups: int
) -> Float[Array, " G"]:
    """Sum of one signal over the steps that decided about each group."""
    return group_sum(reward, outcome.group, outcome.weight, num_groups)


def reward_per_decision(
    reward: Float[Array, " T"], outcome: Outcome, num_groups: int
) -> Float[Array, " G"]:
    """Mean of one signal over the decisions about each group, approvals and denials alike."""
    return by_group(reward, outcome.group, outcome.weight, num_groups)


def reward_per_approval(
    reward: Float[Array, " T"], outcome: Outcome, num_groups: int
) -> Float[Array, " G"]:
    """Mean of one signal over the approvals in each group."""
    return by_group(reward, outcome.group, approved_weight(outcome), num_groups)


def cumulative_sum(
    values: Shaped[Array, " T"],
    group: Int[Array, " T"],
    weight: Float[Array, " T"],
    num_groups: int,
) -> Float[Array, "T G"]:
    """Weighted sum of `values` in each group up to and including each step; starts at 0."""
    member = group[:, None] == jnp.arange(num_groups)[None, :]
    weighted = jnp.where(weight > 0, weight * values.astype(weight.dtype), 0.0)
    return jnp.cumsum(jnp.where(member, weighted[:, None], 0.0), 0)


def cumulative_approvals(outcome: Outcome, num_groups: int) -> Float[Array, "T G"]:
    """Approvals in each group up to and including each step."""
    return cumulative_sum(outcome.decision, outcome.group, outcome.weight, num_groups)


def cumulative_return(
    reward: Float[Array, " T"], outcome: Outcome, num_groups: int
) -> Float[Array, "T G"]:
    """Sum of one signal credited to each group up to and including each step."""
    return cumulative_sum(reward, outcome.group, outcome.weight, num_groups)


def running_mean(
    values: Shaped[Array, " T"],
    group: Int[Array, " T"],
    weight: Float[Array, " T"],
    num_groups: int,
) -> Float[Array, "T G"]:
    """Weighted mean of `values` in each group so far; NaN until the group first has weight."""
    total = cumulative_sum(jnp.ones_like(weight), group, weight, num_groups)
    summed = cumulative_sum(values, group, weight, num_groups)
    return jnp.where(total > 0, summed / jnp.where(total > 0, total, 1.0), jnp.nan)


def running_true_positive_rate(outcome: Outcome, num_groups: int) -> Float[Array, "T G"]:
    """Recall of each group over the steps so far."""
    return running_mean(outcome.decision, outcome.group, qualified_weight(outcome), num_groups)


def person_cost(
    cost: Float[Array, " T"], outcome: Outcome, num_people: int
) -> tuple[Float[Array, " P"], Int[Array, " P"], Float[Array, " P"]]:
    """Each person's total cost over their own steps, their group, and 1 where ever approved.

    Persons the episode never reached have group 0 and weight 0.
    """
    weighted = jnp.where(outcome.weight > 0, outcome.weight * cost, 0.0)
    total = jax.ops.segment_sum(weighted, outcome.person, num_people)
    present = outcome.weight > 0
    group = jnp.where(present, outcome.group, 0)
    group = jnp.maximum(jax.ops.segment_max(group, outcome.person, num_people), 0)
    approvals = jax.ops.segment_sum(approved_weight(outcome), outcome.person, num_people)
    return total, group.astype(jnp.int32), (approvals > 0).astype(cost.dtype)
