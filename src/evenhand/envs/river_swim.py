"""RiverSwim-v0: swimmers of several groups take turns in one river, with several tasks at once."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int

from evenhand.core.environment import BuiltFrom, Outcome, Population, Step
from evenhand.data.river_swim import RIGHT, River
from evenhand.envs.features import Applicant, check_features, show
from evenhand.envs.stream import AbstractStream


class RiverSwimParams(eqx.Module):
    """How every group moves, where it starts, and what a place and an action pay in each task."""

    transition: Float[Array, "G S A S"]
    initial: Float[Array, "G S"]
    rewards: Float[Array, "S A M"]


class RiverSwimState(eqx.Module):
    """Where each swimmer was last seen, where the one whose turn it is swims, and the time."""

    last_place: Int[Array, " G"]
    place: Int[Array, ""]
    time: Int[Array, ""]


class RiverSwim(AbstractStream[RiverSwimState, RiverSwimParams]):
    """One swimmer per group swims `horizon` strokes, then it is the next one's turn.

    **State**: everybody's place and the time; who swims follows from the time. **Action**: 0
    left, 1 right. **Observation**: the named `features` of the swimmer; a place is shown as a
    score, `turn-left` is the share of the turn still to come, and `time-left` that of the episode.
    **Reward**: one signal for every task of the river, in its order, so the first is "the" reward.
    **Dynamics**: left always succeeds; right succeeds, stays or drifts back as the group does.
    **Outcome**: `decision` is the action, `level` the place, `label` 1 where a stroke to the right
    would move the swimmer up now, drawn whatever is decided. `revisit_prob` is 1 within a turn and
    0 at its last stroke. **End**: truncated at `episode_steps`, after one turn of everybody; a
    longer rollout goes on with further turns from fresh starts. So J[g, m] is the expected return
    of group g on task m over `horizon` stages, that of `tabular.river_swim.river_swim_mdp`.
    **Source**: numbers in `data.river_swim`; the chain itself is that of Strehl and Littman 2008.
    """

    signals: tuple[str, ...] = eqx.field(static=True)  # pyright: ignore[reportIncompatibleVariableOverride]
    population_per_group: tuple[int, ...] = eqx.field(static=True)
    num_levels: int = eqx.field(static=True)
    horizon: int = eqx.field(static=True)
    features: tuple[str, ...] = eqx.field(static=True)
    built_from: BuiltFrom[River] = eqx.field(static=True)
    num_actions: ClassVar[int] = 2
    known_features: ClassVar[tuple[str, ...]] = (
        "score-onehot",
        "score-scaled",
        "group",
        "time-left",
        "turn-left",
    )

    def __init__(
        self,
        river: River | None = None,
        features: tuple[str, ...] = ("score-onehot", "group", "turn-left"),
    ):
        river = River() if river is None else river
        self.signals = river.tasks
        self.population_per_group = river.population_per_group
        self.num_levels = river.num_states
        self.horizon = river.horizon
        self.features = tuple(features)
        self.built_from = BuiltFrom(river)

    def __check_init__(self):
        check_features(self.features, self.known_features)

    @property
    def episode_steps(self) -> int:
        return self.num_groups * self.horizon

    def default_params(self) -> RiverSwimParams:
        river = self.built_from.value
        return RiverSwimParams(
            transition=jnp.asarray(river.transition, jnp.float32),
            initial=jnp.asarray(river.initial, jnp.float32),
            rewards=jnp.asarray(river.rewards, jnp.float32),
        )

    def reset(self, key, params):
        start = _drawn(jr.uniform(key, (self.num_groups,)), params.initial)
        return RiverSwimState(start, start[0], jnp.zeros((), jnp.int32))

    def step(self, key, state, action, params):
        """Swim left (0) or right (1); after the last stroke the next swimmer starts."""
        stroke_draw, start_draw = jr.uniform(key, (2,))
        group, place, time = self._turn(state.time), state.place, state.time + 1
        # One draw moves either way, so the label is what the right would have brought.
        landed, upstream = _drawn(stroke_draw, params.transition[group, place])[
            jnp.stack([action, jnp.int32(RIGHT)])
        ]
        last_place = state.last_place.at[group].set(landed)
        next_group, ends = self._turn(time), time % self.horizon == 0
        fresh = _drawn(start_draw, params.initial[next_group])
        start = jnp.where(time < self.episode_steps, last_place[next_group], fresh)
        step = Step(
            rewards=params.rewards[place, action],
            terminated=jnp.asarray(False),
            outcome=Outcome(
                group=group,
                person=group,
                decision=action.astype(jnp.int32),
                label=(upstream > place).astype(jnp.int32),
                weight=jnp.float32(1.0),
                level=place,
            ),
            successor=self._show(group, landed, jnp.where(ends, 0, self._left(time)), time),
            revisit_prob=jnp.where(ends, 0.0, 1.0),
        )
        return RiverSwimState(last_place, jnp.where(ends, start, landed), time), step

    def _turn(self, time):
        """Whose turn it is."""
        return (time // self.horizon) % self.num_groups

    def _left(self, time):
        """Strokes still to come in the turn of this time."""
        return self.horizon - time % self.horizon

    def _show(self, group, place, strokes_left, time):
        who = Applicant(
            group=group,
            observed=place.astype(jnp.float32),
            time_left=jnp.maximum(0.0, 1.0 - time / self.episode_steps),
            turn_left=strokes_left / self.horizon,
        )
        return show(self.features, who, self.num_groups, self.num_levels)

    def observe(self, state, params):
        group, left = self._turn(state.time), self._left(state.time)
        return self._show(group, state.place, left, state.time)

    def population(self, state, params):
        place = state.last_place.astype(jnp.float32)
        return Population(self.group_of, jnp.ones(self.num_groups), place, place)


def _drawn(draw: Float[Array, "*B"], law: Float[Array, "*C S"]) -> Int[Array, "*C"]:
    """Index drawn from each law by inverse CDF; the total may be off one by rounding."""
    reach = jnp.cumsum(law, -1)
    draw = jnp.broadcast_to(draw, reach.shape[:-1])[..., None]
    passed = jnp.sum(draw * reach[..., -1:] >= reach, -1)
    return jnp.minimum(passed, law.shape[-1] - 1).astype(jnp.int32)
