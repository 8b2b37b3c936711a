"""Other assumptions for a lending world: what an audit runs again to see if its words survive."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from evenhand.data.population import DEFAULTED, DENIED, REPAID, LendingPopulation

# A slower world drops this share of all moves; a refusal moves this share of the refused.
_SLOWER, _REFUSED = 0.5, 0.25
MOVES = ("up", "down", "drift")
VARIED = (*MOVES, "reward_repaid", "reward_default", "gain", "initial", "episode_steps")


@dataclass(frozen=True)
class World:
    """A population with one assumption changed: `about` names what, `why` says how."""

    name: str
    why: str
    about: str
    population: LendingPopulation
    longer: int = 1
    """How many times as many decisions an episode has."""


def alternatives(population: LendingPopulation) -> list[World]:
    """One world per other choice of what the population marks as assumed; [] where nothing is."""
    assumed, made = population.assumed.keys(), []
    if assumed & {"up", "down"}:
        made += _other_moves(population)
    if "drift" in assumed:
        made += _after_refusal(population, 2 if made else 3)
    if assumed & {"reward_repaid", "reward_default"}:
        made += _payoffs(population)
    if "gain" in assumed:
        made.append(_alike(population))
    if "initial" in assumed:
        made.append(_weaker(population))
    if "episode_steps" in assumed:
        why = "everybody is decided about twice as often"
        made.append(World("Twice as long", why, "horizon", population, longer=2))
    return made


def assumes_moves(population: LendingPopulation) -> bool:
    """Whether some part of what a decision does to a level is an assumption."""
    return bool(population.assumed.keys() & set(MOVES))


def _other_moves(population: LendingPopulation) -> list[World]:
    up, down = np.array(population.up), np.array(population.down)
    slower = _sometimes(population, REPAID, -up, _SLOWER)
    slower = _sometimes(slower, DEFAULTED, down, _SLOWER)
    named: list[tuple[str, str, LendingPopulation]] = [
        ("Slower moves", "half of all rises and falls do not happen", slower),
        (
            "Faster moves",
            "every rise and fall is twice as large",
            _moves(population, 2 * up, 2 * down),
        ),
    ]
    if (down > up).any():
        why = "a default costs no more levels than a repayment earns"
        named.append(("A milder fall", why, _moves(population, up, np.minimum(up, down))))
    else:
        why = "a default costs twice as many levels, at least one more"
        named.append(("A harder fall", why, _moves(population, up, np.maximum(2 * down, down + 1))))
    why = "neither a repayment nor a default moves anybody"
    named.append(("No moves", why, _moves(population, 0 * up, 0 * down)))
    return [World(name, why, "moves", changed) for name, why, changed in named]


def _after_refusal(population: LendingPopulation, count: int) -> list[World]:
    one = np.ones(population.num_groups, int)
    rise: Callable[[LendingPopulation], LendingPopulation]
    rise = lambda world: _sometimes(world, DENIED, one, _REFUSED)  # noqa: E731
    fall = lambda world: _sometimes(world, DENIED, -one, _REFUSED)  # noqa: E731
    found = [
        World("Recovery after refusal", "one refusal in four is followed by a level up",
              "moves", rise(population)),
        World("Decline after refusal", "one refusal in four is followed by a level down",
              "moves", fall(population)),
        World("Wandering after refusal", "one refusal in four is followed by a level up, and one "
              "in four by a level down", "moves", _both(population, one)),
    ]  # fmt: skip
    return found[:count]


def _both(population: LendingPopulation, one: np.ndarray) -> LendingPopulation:
    # The second share is of what the first left alone.
    risen = _sometimes(population, DENIED, one, _REFUSED)
    law = population.drift_law
    stays = _shifted(law[DENIED], 0 * one, 1)
    rises, falls = (_shifted(law[DENIED], sign * one, 1) for sign in (1, -1))
    mixed = (1 - 2 * _REFUSED) * stays + _REFUSED * (rises + falls)
    drift = np.array(risen.drift)
    drift[DENIED] = mixed
    return replace(population, drift=drift)


def _payoffs(population: LendingPopulation) -> list[World]:
    made = []
    for factor, name in ((0.5, "Half the loss"), (2.0, "Twice the loss")):
        changed = replace(population, reward_default=factor * population.reward_default)
        why = (
            f"a default costs {'half' if factor < 1 else 'twice'} as much: break-even is a "
            f"repayment probability of {changed.break_even:.3g} instead of "
            f"{population.break_even:.3g}"
        )
        made.append(World(name, why, "payoffs", changed))
    return made


def _alike(population: LendingPopulation) -> World:
    levels = np.arange(population.num_levels, dtype=float)
    why = "a level up is worth the same everywhere, not more at the top"
    return World("Levels count alike", why, "gain", replace(population, gain=levels))


def _weaker(population: LendingPopulation) -> World:
    law = 0.75 * population.initial
    law[:, :-1] += 0.25 * population.initial[:, 1:]
    law[:, 0] += 0.25 * population.initial[:, 0]
    why = "a quarter of the applicants of each group start one level lower than in the records"
    return World("Weaker applicants", why, "applicants", replace(population, initial=law))


def _moves(population: LendingPopulation, up: np.ndarray, down: np.ndarray) -> LendingPopulation:
    return replace(population, up=tuple(up.tolist()), down=tuple(down.tolist()))


def _sometimes(
    population: LendingPopulation, what: int, move: np.ndarray, share: float
) -> LendingPopulation:
    """After `what`, in a share of cases, another `move (G,)` levels are added to the extra move."""
    law, wider = population.drift_law, int(np.abs(move).max(initial=0))
    drift = np.stack([_shifted(part, 0 * move, wider) for part in law])
    drift[what] = (1 - share) * drift[what] + share * _shifted(law[what], move, wider)
    return replace(population, drift=drift)


def _shifted(law: np.ndarray, move: np.ndarray, wider: int) -> np.ndarray:
    """`(G, 2W + 1 + 2 wider)` the law `(G, 2W + 1)` of an extra move, moved by `move (G,)`."""
    found = np.zeros((len(law), law.shape[1] + 2 * wider))
    for g, by in enumerate(move):
        start = wider + int(by)
        found[g, start : start + law.shape[1]] = law[g]
    return found
