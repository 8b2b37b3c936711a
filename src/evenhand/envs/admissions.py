"""Admissions-v0: one applicant a step, scores that can be bought up, and the admitted leave."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int

from evenhand.core.environment import BuiltFrom, Outcome, Population, Step
from evenhand.data.admissions import AdmissionsPopulation, college
from evenhand.envs.admissions_params import AdmissionsParams, admissions_params
from evenhand.envs.features import Applicant, check_features, show
from evenhand.envs.pool import Pool
from evenhand.envs.stream import AbstractStream


class AdmissionsState(eqx.Module):
    """Everybody as of now, who can still apply, and who applies."""

    level: Int[Array, " P"]
    observed: Float[Array, " P"]
    budget: Float[Array, " P"]
    pool: Pool
    person: Int[Array, ""]
    paid: Float[Array, ""]
    """What the present applicant paid on applying this time."""
    time: Int[Array, ""]


class Admissions(AbstractStream[AdmissionsState, AdmissionsParams]):
    """A college decides on one applicant a step; applicants can buy score, the admitted leave.

    **State**: every person's true and observed score and budget, who has not been admitted yet,
    and who applies now. **Action**: 0 reject, 1 admit. **Observation**: the named `features` of
    the applicant; the budget is hidden. **Reward**: signal `reward`, `payoff[decision, label]`;
    signal `cost_paid`, what the applicant paid on applying this time. **Dynamics**: an applicant
    is drawn uniformly from those not yet admitted. On applying, with probability `modify_prob`,
    one who can afford `cost[g]` and is below the top pays it for one point of observed score,
    which stays. P(success) depends on the true score alone, and is drawn anew at every visit.
    True scores never move. `cost` is an adjustable number: it changes what is seen (and paid),
    never who succeeds. `successor` of a rejected person includes the purchase they would make if
    they applied again at once; an admitted person's stays. `population` weighs everybody 1,
    admitted or not. **End**: terminated when nobody is left; truncated at `episode_steps`.
    **Payoff**: "accuracy" (+1 an admission that succeeds, -1 one that fails) by default. The
    reward as printed (+1 an admission that succeeds, -1 rejecting one who would have) makes
    admitting everybody optimal, so it is an option: `Admissions(college(payoff="printed"))`.
    **Exactness**: how often a person applies depends on who else has left, so a person is no
    finite problem of their own and there is no `TabularMDP`; the tests enumerate tiny populations.
    **Source**: mechanism of Rezaei-Shoshtari et al. 2024; all numbers are assumptions.
    """

    signals: ClassVar[tuple[str, ...]] = ("reward", "cost_paid")

    population_per_group: tuple[int, ...] = eqx.field(static=True)
    num_levels: int = eqx.field(static=True)
    num_budgets: int = eqx.field(static=True)
    episode_steps: int = eqx.field(static=True)
    initial_levels: str = eqx.field(static=True)
    max_cost: float = eqx.field(static=True)
    features: tuple[str, ...] = eqx.field(static=True)
    built_from: BuiltFrom[AdmissionsPopulation] = eqx.field(static=True)
    num_actions: ClassVar[int] = 2
    known_features: ClassVar[tuple[str, ...]] = (
        "score-onehot",
        "score-scaled",
        "group",
        "time-left",
    )

    def __init__(
        self,
        population: AdmissionsPopulation | None = None,
        features: tuple[str, ...] = ("score-onehot", "group"),
    ):
        population = college() if population is None else population
        self.population_per_group = population.population_per_group
        self.num_levels = population.num_levels
        self.num_budgets = population.max_budget + 1
        self.episode_steps = population.episode_steps
        self.initial_levels = population.initial_levels
        self.max_cost = 2.0 * max(population.cost) or 1.0
        self.features = tuple(features)
        self.built_from = BuiltFrom(population)

    def __check_init__(self):
        check_features(self.features, self.known_features)

    @property
    def consequence(self) -> str:
        """What a person pays: true scores never move, so being decided about costs, or nothing."""
        return "cost_paid"

    @property
    def adjustable(self) -> dict[str, tuple[float, float]]:
        return {"cost": (0.0, self.max_cost)}

    def default_params(self) -> AdmissionsParams:
        return admissions_params(self.built_from.value)

    def reset(self, key, params):
        people_key, arrive_key = jr.split(key)
        level, budget = self._people(people_key, params)
        everybody = jnp.arange(self.num_people, dtype=jnp.int32)
        pool = Pool(everybody, everybody, jnp.int32(self.num_people))
        first, second, buy = jr.uniform(arrive_key, (3,))
        observed, time = level.astype(jnp.float32), jnp.zeros((), jnp.int32)
        person = pool.draw(first, second)
        return self._apply(buy, person, level, observed, budget, pool, time, params)

    def _people(self, key, params):
        """True scores and budgets: exact joint proportions, or each person drawn from the law."""
        if self.initial_levels == "exact":
            cells = self.num_levels * self.num_budgets
            cell = jnp.tile(jnp.arange(cells, dtype=jnp.int32), self.num_groups)
            counts = params.initial_counts.reshape(-1)
            cell = jnp.repeat(cell, counts, total_repeat_length=self.num_people)
            level, budget = jnp.divmod(cell, self.num_budgets)
        else:
            draws = jr.uniform(key, (2, self.num_people, 1))
            level = _inverse(draws[0], params.initial[self.group_of])
            budget = _inverse(draws[1], params.initial_budget[self.group_of])
        return level, budget.astype(jnp.float32)

    def _apply(self, buy_draw, person, level, observed, budget, pool, time, params):
        """The state in which `person` applies, after a purchase that is drawn now."""
        point, paid = self._purchase(buy_draw, person, observed, budget, params)
        open_ = pool.remaining > 0
        point, paid = jnp.where(open_, point, 0.0), jnp.where(open_, paid, 0.0)
        return AdmissionsState(
            level=level,
            observed=observed.at[person].add(point),
            budget=budget.at[person].add(-paid),
            pool=pool,
            person=person,
            paid=paid,
            time=time,
        )

    def _purchase(self, draw, person, observed, budget, params):
        """Points bought (0 or 1) and the price paid if `person` applies."""
        cost = params.cost[self.group(person)]
        wants = (draw < params.modify_prob) & (observed[person] < self.num_levels - 1)
        buys = wants & (budget[person] >= cost)
        return jnp.where(buys, 1.0, 0.0), jnp.where(buys, cost, 0.0)

    def step(self, key, state, action, params):
        """Reject (0) or admit (1) the applicant; then the next one applies."""
        label_draw, first, second, buy_draw = jr.uniform(key, (4,))
        person, group = state.person, self.group(state.person)
        active = state.pool.remaining > 0
        admitted = (action == 1) & active
        level = state.level[person]
        succeeds = label_draw < params.success_prob[group, level]
        decision, label = admitted.astype(jnp.int32), succeeds.astype(jnp.int32)
        reward = jnp.where(active, params.payoff[decision, label], 0.0)

        observed, time = state.observed, state.time + 1
        point, _ = self._purchase(buy_draw, person, observed, state.budget, params)
        seen_again = observed[person] + jnp.where(active & ~admitted, point, 0.0)
        pool = state.pool.without(person, admitted)
        arrived = pool.draw(first, second)
        step = Step(
            rewards=jnp.stack([reward, state.paid]),
            terminated=pool.remaining == 0,
            outcome=Outcome(group, person, decision, label, active.astype(jnp.float32), level),
            successor=self._show(person, seen_again, time),
            revisit_prob=jnp.where(admitted, 0.0, 1 / jnp.maximum(pool.remaining, 1)),
        )
        state = self._apply(
            buy_draw, arrived, state.level, observed, state.budget, pool, time, params
        )
        return state, step

    def _show(self, person, observed, time):
        left = jnp.maximum(0.0, 1.0 - time / self.episode_steps)
        who = Applicant(group=self.group(person), observed=observed, time_left=left)
        return show(self.features, who, self.num_groups, self.num_levels)

    def observe(self, state, params):
        return self._show(state.person, state.observed[state.person], state.time)

    def population(self, state, params):
        return Population(
            group=self.group_of,
            weight=jnp.ones(self.num_people),
            true_score=state.level.astype(jnp.float32),
            observed_score=state.observed,
        )


def _inverse(draw: Float[Array, "P 1"], law: Float[Array, "P K"]) -> Int[Array, " P"]:
    """Each row's index at which its cumulative law passes the draw."""
    passed = jnp.sum(draw >= jnp.cumsum(law, -1), -1)
    return jnp.minimum(passed, law.shape[-1] - 1).astype(jnp.int32)
