"""Credit along each person's own visits instead of along the stream of strangers.

A stream of applicants mixes many people: what a decision does to the person decided about shows
only when that person comes again, and the next rows belong to others. Here the continuation of a
decision is the same person's next decision. The value of a person who shows x at a decision with
n decisions of the episode still to come after it is

    V(x, n) = E[ r + discount * sum_{j=1..n} h (1 - h)^(j-1) V(x', n - j) ],

h being the chance that a given later decision is about this person (`Transition.revisit_prob`,
1 / people in a lending stream) and x' the successor. The weights add up to c(n) = 1 - (1 - h)^n,
the chance of any further decision: it does the work of a discount, and no other is needed.

Advantages are GAE on a rollout sorted by person. A decision whose person is met again within the
rollout continues there; otherwise it bootstraps on the successor, at times drawn for the next
visit from the rollout's end on, times c of what is left then (0 if the episode ended before).
Visits within the rollout are real ones; h enters only in what lies beyond it.
**Source**: ours. **Assumes** a constant h: exact where people are drawn with replacement; where
the pool shrinks (Admissions) the present chance stands for the later ones. Where observations
show the crowd besides the person, the successor stands for it as it was just after the decision.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, Shaped

from evenhand.algorithms.parts.gae import gae
from evenhand.core.errors import InputError
from evenhand.core.rollout import Transition

Value = Callable[[Float[Array, "*B obs"]], Float[Array, "..."]]
# What a decision is credited with: the stream that follows it, or its own person.
CREDITS = ("stream", "individual")
# Times of the next visit per decision, one uniform draw shifted through equal parts of the law.
NUM_TIMES = 2


def clock(env: Any) -> slice:
    """Where the observation shows the share of the episode still to come."""
    if "time-left" not in env.slices:
        raise InputError(
            "credit='individual' depends on the time left; add the feature 'time-left' to the world"
        )
    return env.slices["time-left"]


def decisions_left(env: Any, obs: Float[Array, "*B obs"]) -> Float[Array, "*B"]:
    """Decisions still to come, the one this observation waits for included."""
    return jnp.round(obs[..., clock(env)][..., 0] * env.episode_steps)


def revisit_prob_of(batch: Transition) -> Float[Array, "T N"]:
    """The chance that a later decision is about the same person; an error where it is unknown."""
    if batch.revisit_prob is None:
        raise InputError(
            "credit='individual' needs Step.revisit_prob, which this world does not give; "
            "train with credit='stream'"
        )
    return batch.revisit_prob


def next_visit(
    draw: Float[Array, "*B"], revisit_prob: Float[Array, "*B"], left: Float[Array, "*B"]
) -> tuple[Float[Array, "*B"], Float[Array, "*B"]]:
    """P(another visit among `left` decisions), and at which of them (1, 2, ...) if there is one.

    The place is the inverse of the truncated geometric law at the uniform `draw`.
    """
    log_stay = jnp.log1p(-jnp.clip(revisit_prob, 1e-9, 1.0))
    chance = jnp.where(revisit_prob > 0, -jnp.expm1(left * log_stay), 0.0)
    chance = jnp.where(left > 0, chance, 0.0)
    place = 1.0 + jnp.floor(jnp.log1p(-draw * chance) / log_stay)
    return chance, jnp.clip(place, 1.0, jnp.maximum(left, 1.0))


def at_next_visit(
    draw: Float[Array, "*B"],
    env: Any,
    successor: Float[Array, "*B obs"],
    revisit_prob: Float[Array, "*B"],
    left: Float[Array, "*B"],
) -> tuple[Float[Array, "*B"], Float[Array, "*B obs"]]:
    """P(another visit), and what the person shows then if nothing but time has passed."""
    chance, place = next_visit(draw, revisit_prob, left)
    time_left = jnp.maximum(left - place + 1.0, 0.0) / env.episode_steps
    return chance, successor.at[..., clock(env)].set(time_left[..., None])


def next_rows(
    key: PRNGKeyArray, env: Any, batch: Transition
) -> tuple[Float[Array, "T N"], Float[Array, "T N obs"]]:
    """P(another decision about the same person) after each step, and what they show at it."""
    left = decisions_left(env, batch.successor)
    draw = jr.uniform(key, left.shape)
    return at_next_visit(draw, env, batch.successor, revisit_prob_of(batch), left)


def personal_advantage(
    key: PRNGKeyArray,
    env: Any,
    batch: Transition,
    last_obs: Float[Array, "N obs"],
    rewards: Float[Array, "T N *X"],
    value: Value,
    discount: Float[Array, ""] | float,
    lambda_: Float[Array, ""] | float,
) -> Float[Array, "T N *X"]:
    """Advantages along each person's own visits; `value(obs)` estimates V(x, n) of the module.

    `rewards` may have further axes X, with a value for each. A step of weight 0, or after the
    episode's end, is nobody's next visit.
    """
    lives = 1.0 - batch.terminated.astype(jnp.float32)
    counts = (batch.outcome.weight > 0) & (decisions_left(env, batch.obs) > 0)
    order, again = by_visits(jnp.where(counts, batch.outcome.person, -1))
    back = jnp.argsort(order, 0)
    met = jnp.take_along_axis(again.astype(jnp.float32), back, 0)
    beyond = _beyond(key, env, batch, last_obs, value)
    rewards = rewards + discount * _column(lives * (1.0 - met), rewards) * beyond
    rows = (rewards, lives * met, value(batch.obs))
    rewards_t, continues_t, values_tm1 = (_in_order(leaf, order) for leaf in rows)
    nothing = jnp.zeros_like(rewards[0])
    advantage = gae(rewards_t, continues_t, values_tm1, nothing, discount, lambda_)
    return _in_order(advantage, back)


def by_visits(person: Int[Array, "T N"]) -> tuple[Int[Array, "T N"], Bool[Array, "T N"]]:
    """The order that puts everybody's rows together, each in time, and whether the next is theirs.

    A row of person -1 is nobody's: none follows it, and it follows none.
    """
    order = jnp.argsort(person, 0, stable=True)
    sorted_ = jnp.take_along_axis(person, order, 0)
    same = (sorted_[1:] == sorted_[:-1]) & (sorted_[1:] >= 0)
    return order, jnp.concatenate([same, jnp.zeros_like(same[:1])])


def _beyond(
    key: PRNGKeyArray, env: Any, batch: Transition, last_obs: Float[Array, "N obs"], value: Value
) -> Float[Array, "T N *X"]:
    """Value of what follows the rollout, for a person who is not met again within it."""
    ended = jnp.any(batch.terminated, 0)
    left = jnp.where(ended, 0.0, decisions_left(env, last_obs))[None]
    revisit_prob = revisit_prob_of(batch)
    left = jnp.broadcast_to(left, revisit_prob.shape)
    draw, total = jr.uniform(key, left.shape), jnp.zeros(())
    for part in range(NUM_TIMES):
        share = (draw + part) / NUM_TIMES
        chance, shown = at_next_visit(share, env, batch.successor, revisit_prob, left)
        at_time = value(shown)
        total = total + _column(chance, at_time) * at_time
    return total / NUM_TIMES


def _in_order(leaf: Float[Array, "T N *X"], order: Int[Array, "T N"]) -> Float[Array, "T N *X"]:
    """The rows of each world in another order."""
    return jnp.take_along_axis(leaf, _column(order, leaf), 0)


def _column(values: Shaped[Array, "T N"], like: Float[Array, "T N *X"]) -> Shaped[Array, "T N *Y"]:
    """The values with as many axes as `like`."""
    return values.reshape(*values.shape, *(1,) * (like.ndim - 2))
