"""Collecting experience and measuring what a policy does over whole episodes."""

from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Bool, Float, Key, PRNGKeyArray, Shaped

from evenhand.core.environment import AbstractEnvironment, Outcome, Population


class Actors(eqx.Module):
    """N parallel worlds in the middle of an episode; `alive` is False after a termination."""

    state: Any
    obs: Float[Array, "N obs"]
    alive: Bool[Array, " N"]


class Transition(eqx.Module):
    """One step of experience; leaves lead with (T, N). Steps after a termination weigh 0."""

    obs: Float[Array, "*axes obs"]
    action: Shaped[Array, "..."]
    rewards: Float[Array, "*axes M"]
    terminated: Bool[Array, "*axes"]
    outcome: Outcome
    successor: Float[Array, "*axes obs"]
    revisit_prob: Float[Array, "*axes"] | None = None


class Evaluation(eqx.Module):
    """What a policy did in E whole episodes of T steps.

    `J (E, G, M)` is each episode's undiscounted return of each signal, credited to the group
    decided about. `outcomes` leaves are `(E, T)`, `rewards` `(E, T, M)`. `population` leaves are
    `(E, C + 1, P)`: everybody at the start and after each of C equal parts of the episode.
    """

    J: Float[Array, "E G M"]
    rewards: Float[Array, "E T M"]
    outcomes: Outcome
    population: Population


def start(key: PRNGKeyArray, env: AbstractEnvironment, params: Any, num_envs: int) -> Actors:
    """Freshly reset worlds."""
    state = jax.vmap(env.reset, (0, None))(jr.split(key, num_envs), params)
    obs = jax.vmap(env.observe, (0, None))(state, params)
    return Actors(state, obs, jnp.ones(num_envs, bool))


def rollout(
    key: PRNGKeyArray, env: AbstractEnvironment, params: Any, act: Any, actors: Actors, steps: int
) -> tuple[Actors, Transition]:
    """The worlds `steps` later and what happened, leaves (T, N); never resets.

    `act(key, obs)` chooses for one world. All keys are split before the loop, so the loop body
    draws its few numbers straight from them.
    """
    num_envs = actors.alive.shape[0]
    keys = jr.split(key, (steps, 2, num_envs))

    def body(actors: Actors, keys: Key[Array, "2 N"]) -> tuple[Actors, Transition]:
        action = jax.vmap(act)(keys[0], actors.obs)
        state, step = jax.vmap(env.step, (0, 0, 0, None))(keys[1], actors.state, action, params)
        obs = jax.vmap(env.observe, (0, None))(state, params)
        alive = actors.alive.astype(jnp.float32)
        outcome = eqx.tree_at(lambda o: o.weight, step.outcome, step.outcome.weight * alive)
        transition = Transition(
            obs=actors.obs,
            action=action,
            rewards=step.rewards * alive[:, None],
            terminated=step.terminated & actors.alive,
            outcome=outcome,
            successor=step.successor,
            revisit_prob=step.revisit_prob,
        )
        return Actors(state, obs, actors.alive & ~step.terminated), transition

    return cast(tuple[Actors, Transition], jax.lax.scan(body, actors, keys))


def group_returns(
    rewards: Float[Array, "T M"], outcome: Outcome, num_groups: int
) -> Float[Array, "G M"]:
    """Sum of each signal over the steps that decided about each group."""
    weighted = rewards * outcome.weight[:, None]
    return jax.ops.segment_sum(weighted, outcome.group, num_groups)


@eqx.filter_jit
def evaluate(
    key: PRNGKeyArray,
    env: AbstractEnvironment,
    params: Any,
    policy: Any,
    *,
    num_episodes: int,
    steps: int | None = None,
    num_parts: int = 20,
) -> Evaluation:
    """Whole episodes of a policy from fresh starts, all of them in parallel.

    `steps` defaults to the world's episode; the population is kept at `num_parts` + 1 moments
    (the number is lowered to a divisor of `steps`).
    """
    steps = env.episode_steps if steps is None else steps
    parts = next(n for n in range(min(num_parts, steps), 0, -1) if steps % n == 0)
    reset_key, run_key = jr.split(key)
    actors = start(reset_key, env, params, num_episodes)
    people = jax.vmap(env.population, (0, None))
    first = people(actors.state, params)

    def part(actors: Actors, key: PRNGKeyArray):
        actors, done = rollout(key, env, params, policy.act, actors, steps // parts)
        return actors, (done.rewards, done.outcome, people(actors.state, params))

    _, (rewards, outcomes, later) = jax.lax.scan(part, actors, jr.split(run_key, parts))

    def by_episode(leaf: Array) -> Array:
        return jnp.moveaxis(leaf.reshape(steps, *leaf.shape[2:]), 1, 0)

    rewards, outcomes = jax.tree.map(by_episode, (rewards, outcomes))
    population = jax.tree.map(
        lambda a, b: jnp.moveaxis(jnp.concatenate([a[None], b]), 1, 0), first, later
    )
    J = jax.vmap(group_returns, (0, 0, None))(rewards, outcomes, env.num_groups)
    return Evaluation(J, rewards, outcomes, population)
