"""Per-group statistics of whole evaluations: what the catalogue's metrics are made of.

Each takes `(evaluation, env, params)` and returns one number and one count per episode and group.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from evenhand.core.environment import Population
from evenhand.core.rollout import Evaluation
from evenhand.metrics import groups
from evenhand.metrics.distance import over_pairs, pairwise_w1


class GroupStatistic(NamedTuple):
    """A statistic of each group in each episode; `pairs` where it compares two groups itself."""

    by_group: Float[Array, "E G"]
    count: Float[Array, "E G"]
    pairs: Float[Array, "E pairs"] | None = None


def no_data(evaluation: Evaluation, num_groups: int) -> GroupStatistic:
    """NaN with a count of 0 everywhere: the world has no such quantity."""
    shape = (evaluation.rewards.shape[0], num_groups)
    return GroupStatistic(jnp.full(shape, jnp.nan), jnp.zeros(shape))


def _decisions(evaluation: Evaluation, num_groups: int) -> Float[Array, "E G"]:
    outcomes = evaluation.outcomes
    count = partial(groups.group_count, num_groups=num_groups)
    return jax.vmap(count)(outcomes.group, outcomes.weight)


def signal_sum(name: str | None, evaluation: Evaluation, env: Any, params: Any) -> GroupStatistic:
    """Sum of a signal over the decisions about each group; None names `signals[0]`."""
    name = env.signals[0] if name is None else name
    if name not in env.signals:
        return no_data(evaluation, env.num_groups)
    reward = evaluation.rewards[..., env.signals.index(name)]
    summed = jax.vmap(groups.group_return, (0, 0, None))(
        reward, evaluation.outcomes, env.num_groups
    )
    return GroupStatistic(summed, _decisions(evaluation, env.num_groups))


def reward_rate(evaluation: Evaluation, env: Any, params: Any) -> GroupStatistic:
    """Reward per decision about each group."""
    summed, count, _ = signal_sum(None, evaluation, env, params)
    return GroupStatistic(summed / jnp.where(count > 0, count, 1.0), count)


def approval_rate(evaluation: Evaluation, env: Any, params: Any) -> GroupStatistic:
    """Share of the decisions about each group that are approvals."""
    rate = jax.vmap(groups.selection_rate, (0, None))(evaluation.outcomes, env.num_groups)
    return GroupStatistic(rate, _decisions(evaluation, env.num_groups))


def recall(evaluation: Evaluation, env: Any, params: Any) -> GroupStatistic:
    """Share of each group's qualified applicants who were approved, over the whole episode."""
    outcomes, num_groups = evaluation.outcomes, env.num_groups
    rate = jax.vmap(groups.true_positive_rate, (0, None))(outcomes, num_groups)
    count = jax.vmap(
        lambda one: groups.group_count(one.group, groups.qualified_weight(one), num_groups)
    )(outcomes)
    return GroupStatistic(rate, count)


def final_score(score: str, evaluation: Evaluation, env: Any, params: Any) -> GroupStatistic:
    """Mean score of each group when the episode ends, in levels; `pairs` are W1 distances.

    `score` is a field of `Population`: `true_score` or `observed_score`.
    """
    num_groups = env.num_groups

    def one(people: Population) -> tuple[Array, Array, Array]:
        values = getattr(people, score)
        mean = groups.by_group(values, people.group, people.weight, num_groups)
        count = groups.group_count(people.group, people.weight, num_groups)
        return mean, count, pairwise_w1(values, people.group, people.weight, num_groups)

    last = jax.tree.map(lambda leaf: leaf[:, -1], evaluation.population)
    mean, count, matrix = jax.vmap(one)(last)
    return GroupStatistic(mean, count, over_pairs(matrix))


def admitted_cost(evaluation: Evaluation, env: Any, params: Any) -> GroupStatistic:
    """Mean total cost that the admitted of each group paid over the episode."""
    num_groups = env.num_groups
    if "cost_paid" not in env.signals:
        return no_data(evaluation, num_groups)
    cost = evaluation.rewards[..., env.signals.index("cost_paid")]

    def one(cost: Array, outcome: Any) -> tuple[Array, Array]:
        paid, group, admitted = groups.person_cost(cost, outcome, env.num_people)
        mean = groups.by_group(paid, group, admitted, num_groups)
        return mean, groups.group_count(group, admitted, num_groups)

    return GroupStatistic(*jax.vmap(one)(cost, evaluation.outcomes))


def approvals_over_time(evaluation: Evaluation, env: Any) -> Float[Array, "E T G"]:
    """Approvals of each group up to and including each step of each episode."""
    return jax.vmap(groups.cumulative_approvals, (0, None))(evaluation.outcomes, env.num_groups)


def scores_over_time(evaluation: Evaluation, env: Any, score: str = "true_score") -> GroupStatistic:
    """`final_score` at every kept moment: leaves lead with (E, C + 1)."""
    people = evaluation.population

    def at(moment: Array) -> GroupStatistic:
        cut = jax.tree.map(lambda leaf: leaf[:, moment][:, None], people)
        one = Evaluation(evaluation.J, evaluation.rewards, evaluation.outcomes, cut)
        return final_score(score, one, env, None)

    found = jax.lax.map(at, jnp.arange(people.group.shape[1]))
    return jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 0, 1), found)
