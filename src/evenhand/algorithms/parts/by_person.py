"""Credit along each person's own visits instead of along the stream of strangers.

A stream of applicants mixes many people: what a decision does to the person decided about shows
only when that person comes again, and the next rows belong to others. Here the continuation of a
decision is the same person's next decision. The value of person i at a decision with n decisions
of the episode still to come is

    V(x, n) = E[ r + discount * sum_{j=1..n} h (1 - h)^(j-1) V(x', n - j) ],

h being the chance that a given later decision is about i (`Transition.revisit_prob`, 1 / people in
a lending stream). The weights add up to c(n) = 1 - (1 - h)^n, the chance of any further decision:
it does the work of a discount, and no other is needed. A decision whose person is met again within
the rollout continues there, with GAE's lambda; otherwise it bootstraps on the successor, at times
drawn for the next visit from the rollout's end on, times c of what is left then.
**Source**: ours. **Assumes** a constant h: exact where people are drawn with replacement; where
the pool shrinks (Admissions) the present chance stands for the later ones.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, PRNGKeyArray

from evenhand.core.errors import InputError
from evenhand.core.rollout import Transition

Value = Callable[[Float[Array, "*B obs"]], Float[Array, "..."]]
# What a decision is credited with: the stream that follows it, or its own person.
CREDITS = ("stream", "individual")
# Draws of the next visit's time per decision; more make the bootstrap less noisy.
NUM_DRAWS = 2


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
    key: PRNGKeyArray,
    env: Any,
    successor: Float[Array, "*B obs"],
    revisit_prob: Float[Array, "*B"],
    left: Float[Array, "*B"],
) -> tuple[Float[Array, "*B"], Float[Array, "*B obs"]]:
    """P(another visit), and what the person shows then if nothing but time has passed."""
    chance, place = next_visit(jr.uniform(key, left.shape), revisit_prob, left)
    time_left = jnp.maximum(left - place + 1.0, 0.0) / env.episode_steps
    return chance, successor.at[..., clock(env)].set(time_left[..., None])


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

    `rewards` may have further axes X, with a value for each.
    """
    over = batch.terminated.astype(jnp.float32)
    left = jnp.broadcast_to(decisions_left(env, last_obs), over.shape)
    bootstrap = jnp.zeros_like(rewards)
    for draw_key in jr.split(key, NUM_DRAWS):
        chance, shown = at_next_visit(draw_key, env, batch.successor, revisit_prob_of(batch), left)
        bootstrap += _column(chance, rewards) * value(shown) / NUM_DRAWS
    values = value(batch.obs)
    inputs = (batch.outcome.person, batch.outcome.weight, over, rewards, values, bootstrap)
    one = jax.vmap(lambda *world: _along_visits(world, env.num_people, discount, lambda_), 1, 1)
    return one(*inputs)


def _along_visits(
    world: tuple[Array, ...], num_people: int, discount: Any, lambda_: Any
) -> Float[Array, "T *X"]:
    """One world's advantages by a reverse scan that remembers everybody's next visit."""
    rewards = world[3]
    nobody = jnp.zeros((num_people, *rewards.shape[1:]))
    start = (jnp.zeros(num_people, bool), nobody, nobody)

    def back(carry: tuple[Array, Array, Array], inputs: tuple[Array, ...]):
        seen, next_value, next_advantage = carry
        person, weight, over, reward, value, bootstrap = inputs
        met, lives = seen[person], 1.0 - over
        ahead = jnp.where(met, next_value[person], bootstrap) * lives
        delta = reward + discount * ahead - value
        chained = jnp.where(met, next_advantage[person], 0.0) * lives
        advantage = delta + discount * lambda_ * chained
        counts = weight > 0
        seen = seen.at[person].set(met | counts)
        next_value = next_value.at[person].set(jnp.where(counts, value, next_value[person]))
        kept = jnp.where(counts, advantage, next_advantage[person])
        return (seen, next_value, next_advantage.at[person].set(kept)), advantage

    return jax.lax.scan(back, start, world, reverse=True)[1]


def _column(values: Float[Array, "T N"], like: Float[Array, "T N *X"]) -> Float[Array, "T N *Y"]:
    """The values with as many axes as `like`."""
    return values.reshape(*values.shape, *(1,) * (like.ndim - 2))
