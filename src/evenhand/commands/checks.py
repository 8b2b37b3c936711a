"""Options that several commands take, checked with the same words."""

from evenhand.core.errors import InputError, unknown_name

MOST_STEPS = 10_000_000


def check_steps(steps: int | None, most: int | None = MOST_STEPS) -> None:
    """Raise an `InputError` unless an episode can have so many decisions; None is the world's."""
    if steps is None or (steps >= 1 and (most is None or steps <= most)):
        return
    top = "" if most is None else f" and at most {most:,}"
    raise InputError(f"--steps must be at least 1{top}, got {steps}")


def check_seed(seed: int) -> None:
    """Raise an `InputError` unless a random key can be made of the seed."""
    if not 0 <= seed < 2**32:
        raise InputError(f"--seed must be a whole number from 0 to 2^32 - 1, got {seed}")


def check_radius(radius: float) -> None:
    """Raise an `InputError` unless benefits can be compared within the radius."""
    if not 0 < radius < float("inf"):
        raise InputError(f"--radius must be a finite number above 0, got {radius:g}")


def read_pair(text: str, groups: tuple[str, ...]) -> tuple[int, int]:
    """The indices of the two groups that `--pair first,second` names, in this order."""
    names = [part.strip() for part in text.split(",")]
    if len(names) != 2 or names[0] == names[1]:
        raise InputError(f"--pair takes two different groups, as first,second; got {text!r}")
    for name in names:
        if name not in groups:
            raise unknown_name("group", name, groups)
    return groups.index(names[0]), groups.index(names[1])
