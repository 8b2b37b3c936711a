"""Lending-v0: one applicant a step, and a loan changes the applicant's score."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int

from evenhand.core.environment import BuiltFrom, Outcome, Population, Step
from evenhand.data.population import LendingPopulation
from evenhand.data.presets import gym
from evenhand.envs.features import Applicant, check_features, show
from evenhand.envs.lending_params import SIGNALS, LendingParams, lending_params
from evenhand.envs.stream import AbstractStream


class LendingState(eqx.Module):
    """Everybody as of now, and who applies."""

    level: Int[Array, " P"]
    observed: Float[Array, " P"]
    num_repaid: Int[Array, " P"]
    num_default: Int[Array, " P"]
    conscientiousness: Float[Array, " P"] | None
    person: Int[Array, ""]
    cash: Float[Array, ""]
    time: Int[Array, ""]


class Lending(AbstractStream[LendingState, LendingParams]):
    """A bank decides on one applicant a step; scores follow what the loans did to people.

    **State**: every person's true level, observed score, repayments and defaults so far, and who
    applies now. **Action**: 0 reject, 1 approve. **Observation**: the named `features` of the
    applicant. **Reward**: signal `profit`, `reward_repaid` or `reward_default` on approval, else
    0. Signals about the applicant's true level x: `qualification_gain`, the change of its potential
    phi; `qualification`, phi(x) before the decision; `baseline_gain`, the gain to expect if denied;
    `benefit`, how much more is to be expected if approved (Lear & Zhang 2025, sec. 4).
    **Dynamics**: applicants are drawn uniformly from everybody, with replacement; approval moves
    the true level `up[g]` on repayment and `down[g]` on default, plus drift, clipped once. The
    observed score moves alike, but with `observed_up` and `observed_down`: adjustable numbers that
    change what is seen and never what is true. With `conscientious`, each person carries an
    unseen shift z ~ N(0, std) and repays with clip(p(level) + z, .05, .95). **End**: terminated
    if cash falls below the loan of 1; truncated at `episode_steps`.
    **Source**: D'Amour et al. 2020 (ml-fairness-gym); individuals, two scores and
    conscientiousness after Rezaei-Shoshtari et al. 2024; drift after Lear & Zhang 2025.
    """

    signals: ClassVar[tuple[str, ...]] = SIGNALS

    population_per_group: tuple[int, ...] = eqx.field(static=True)
    num_levels: int = eqx.field(static=True)
    episode_steps: int = eqx.field(static=True)
    conscientious: bool = eqx.field(static=True)
    initial_levels: str = eqx.field(static=True)
    features: tuple[str, ...] = eqx.field(static=True)
    built_from: BuiltFrom[LendingPopulation] = eqx.field(static=True)
    num_actions: ClassVar[int] = 2
    known_features: ClassVar[tuple[str, ...]] = (
        *("score-onehot", "score-scaled", "group", "own-ratios", "time-left"),
    )

    def __init__(
        self,
        population: LendingPopulation | None = None,
        features: tuple[str, ...] = ("score-onehot", "group", "own-ratios"),
    ):
        population = gym() if population is None else population
        self.population_per_group = population.population_per_group
        self.num_levels = population.num_levels
        self.episode_steps = population.episode_steps
        self.conscientious = population.conscientiousness_std > 0
        self.initial_levels = population.initial_levels
        self.features = tuple(features)
        self.built_from = BuiltFrom(population)

    def __check_init__(self):
        check_features(self.features, self.known_features)

    @property
    def adjustable(self) -> dict[str, tuple[float, float]]:
        return {"observed_up": (0.0, 3.0), "observed_down": (0.0, 3.0)}

    def default_params(self) -> LendingParams:
        return lending_params(self.built_from.value)

    def reset(self, key, params):
        level_key, latent_key, arrive_key = jr.split(key, 3)
        level = self._initial_levels(level_key, params)
        latent = None
        if self.conscientious:
            latent = params.conscientiousness_std * jr.normal(latent_key, (self.num_people,))
        nobody = jnp.zeros(self.num_people, jnp.int32)
        return LendingState(
            level=level,
            observed=level.astype(jnp.float32),
            num_repaid=nobody,
            num_default=nobody,
            conscientiousness=latent,
            person=self._arrival(jr.uniform(arrive_key)),
            cash=params.cash,
            time=jnp.zeros((), jnp.int32),
        )

    def _initial_levels(self, key, params):
        """Exact proportions, or every person's level drawn from the group's law."""
        if self.initial_levels == "exact":
            counts = params.initial_counts.reshape(-1)
            levels = jnp.tile(jnp.arange(self.num_levels, dtype=jnp.int32), self.num_groups)
            return jnp.repeat(levels, counts, total_repeat_length=self.num_people)
        draw = jr.uniform(key, (self.num_people, 1))
        reach = jnp.cumsum(params.initial, -1)[self.group_of]
        return jnp.minimum(jnp.sum(draw >= reach, -1), self.num_levels - 1).astype(jnp.int32)

    def _arrival(self, draw):
        """The next applicant; 24 random bits leave a bias below people / 2^24."""
        person = (draw * self.num_people).astype(jnp.int32)
        return jnp.minimum(person, self.num_people - 1)

    def step(self, key, state, action, params):
        """Reject (0) or approve (1) the applicant; then the next one arrives."""
        repay_draw, move_draw, arrive_draw = jr.uniform(key, (3,))
        person, group = state.person, self.group(state.person)
        level, active = state.level[person], state.cash >= 1
        repay_prob = self._repay_prob(state, params, group, level)
        repaid = repay_draw < repay_prob
        approved = (action == 1) & active
        what = jnp.where(approved, 1 + repaid.astype(jnp.int32), 0)

        # One draw decides the drift, so worlds that share a key drift alike whatever is decided.
        drift = jnp.sum(move_draw >= params.drift_reach[what, group]) - params.drift_width
        drift = jnp.where(active, drift, 0).astype(jnp.int32)
        new_level, new_observed, profit = self._brought(state, params, what, drift)
        gains = params.gains(group, level, new_level, repay_prob)
        state = LendingState(
            level=state.level.at[person].set(new_level),
            observed=state.observed.at[person].set(new_observed),
            num_repaid=state.num_repaid.at[person].add((what == 2).astype(jnp.int32)),
            num_default=state.num_default.at[person].add((what == 1).astype(jnp.int32)),
            conscientiousness=state.conscientiousness,
            person=self._arrival(arrive_draw),
            cash=state.cash + profit,
            time=state.time + 1,
        )
        outcome = Outcome(
            group=group,
            person=person,
            decision=approved.astype(jnp.int32),
            label=repaid.astype(jnp.int32),
            weight=active.astype(jnp.float32),
            level=level,
        )
        return state, Step(
            rewards=jnp.stack([profit, *gains]),
            terminated=state.cash < 1,
            outcome=outcome,
            successor=self._show(state, person),
            revisit_prob=jnp.float32(1 / self.num_people),
        )

    def _brought(self, state, params, what, drift):
        """The applicant's new level and observed score, and the profit."""
        person, group, top = state.person, self.group(state.person), self.num_levels - 1
        repaid, defaulted = what == 2, what == 1
        move = jnp.select([repaid, defaulted], [params.up[group], -params.down[group]], 0)
        seen = [params.observed_up[group], -params.observed_down[group]]
        seen = jnp.select([repaid, defaulted], seen, 0.0) + drift.astype(jnp.float32)
        profit = jnp.select([repaid, defaulted], [params.reward_repaid, params.reward_default], 0.0)
        level = jnp.clip(state.level[person] + move + drift, 0, top)
        return level, jnp.clip(state.observed[person] + seen, 0.0, top), profit

    def _repay_prob(self, state, params, group, level):
        prob = params.repay_prob[group, level]
        if state.conscientiousness is None:
            return prob
        return jnp.clip(prob + state.conscientiousness[state.person], 0.05, 0.95)

    def _show(self, state, person):
        who = Applicant(
            group=self.group(person),
            observed=state.observed[person],
            num_repaid=state.num_repaid[person],
            num_default=state.num_default[person],
            time_left=jnp.maximum(0.0, 1.0 - state.time / self.episode_steps),
        )
        return show(self.features, who, self.num_groups, self.num_levels)

    def observe(self, state, params):
        return self._show(state, state.person)

    def population(self, state, params):
        return Population(
            group=self.group_of,
            weight=jnp.ones(self.num_people),
            true_score=state.level.astype(jnp.float32),
            observed_score=state.observed,
        )
