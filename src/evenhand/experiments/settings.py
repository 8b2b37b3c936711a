"""Four settings of a lending world around the payoffs and moves that it assumes."""

from dataclasses import dataclass, replace

from evenhand.data.population import LendingPopulation

OWN = "As assumed"


@dataclass(frozen=True)
class Setting:
    """A world with other assumed numbers, and why these are worth a look."""

    name: str
    why: str
    population: LendingPopulation


def settings_of(population: LendingPopulation) -> tuple[Setting, ...]:
    """Up to four settings around the population's own numbers; () where none of them is assumed.

    One number changes at a time, so that a change of conclusion has one cause: what a default
    costs in both directions, and how far it lets a person fall.
    """
    moves = {"up", "down"} & population.assumed.keys()
    payoffs = {"reward_repaid", "reward_default"} & population.assumed.keys()
    own = Setting(OWN, "the world's own numbers", population)
    losses = [_loss(population, *pair) for pair in _LOSSES[: 2 if moves else 3]] if payoffs else []
    falls = _falls(population)[: 1 if payoffs else 3] if moves else []
    found = [own, *losses, *falls]
    return tuple(found) if len(found) > 1 else ()


_LOSSES = ((0.5, "Half the loss"), (2.0, "Twice the loss"), (0.25, "A quarter of the loss"))


def _loss(population: LendingPopulation, factor: float, name: str) -> Setting:
    changed = replace(population, reward_default=factor * population.reward_default)
    direction = "milder" if factor < 1 else "harsher"
    why = (
        f"a {direction} lender's book: an approval now breaks even at a repayment probability of "
        f"{changed.break_even:.3g} instead of {population.break_even:.3g}"
    )
    return Setting(name, why, changed)


def _falls(population: LendingPopulation) -> list[Setting]:
    """Worlds in which a default, or a repayment, moves a person further or less far."""
    up, down = population.up, population.down
    steeper = any(d > u for u, d in zip(up, down, strict=True))
    level = Setting(
        "A smaller fall",
        "a default costs a person no more levels than a repayment earns back",
        replace(population, down=up),
    )
    further = Setting(
        "A much larger fall",
        "a default costs a person four times as many levels, at least two more",
        replace(population, down=tuple(max(4 * d, d + 2) for d in down)),
    )
    larger = Setting(
        "A larger fall",
        "a default costs a person twice as many levels, at least one more",
        replace(population, down=tuple(max(2 * d, d + 1) for d in down)),
    )
    rise = Setting(
        "A larger rise",
        "a repayment lifts a person by one level more",
        replace(population, up=tuple(u + 1 for u in up)),
    )
    falls = [level, larger, further] if steeper else [larger, further]
    if "down" not in population.assumed:
        return [rise]
    return [*falls[:2], rise, *falls[2:]] if "up" in population.assumed else falls
