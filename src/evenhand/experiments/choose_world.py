"""From what a person writes to a world with its numbers."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from evenhand.core.errors import InputError, unknown_name
from evenhand.core.registry import ENVIRONMENTS, load
from evenhand.data.choose import choose_population
from evenhand.data.population_checks import as_numbers, check_numbers


def world_id(env_id: str | None, preset: str | None) -> str:
    """The environment meant: the one named, else the one the preset belongs to, else lending."""
    if env_id is not None:
        if env_id not in ENVIRONMENTS:
            raise unknown_name("environment", env_id, ENVIRONMENTS)
        return env_id
    from evenhand.data.admissions import ADMISSIONS_PRESETS

    return "Admissions-v0" if preset in ADMISSIONS_PRESETS else "Lending-v0"


def choose_world(
    env_id: str | None = None,
    preset: str | None = None,
    params: str | Path | None = None,
    groups: str | None = None,
    settings: Iterable[str] = (),
    features: tuple[str, ...] | None = None,
) -> tuple[Any, Any, Any]:
    """The world, its parameters, and the numbers they come from.

    A preset names its environment, so `env_id` may be left out. `preset`, `params`, `groups` and
    `settings` are those of `choose_population`; `features` None keeps the world's own.
    """
    env_id = world_id(env_id, preset)
    if env_id == "Admissions-v0":
        numbers = _admissions_numbers(preset, params, groups, settings)
    elif env_id == "RiverSwim-v0":
        numbers = _river_numbers(preset, params, groups, settings)
    else:
        numbers = choose_population(preset, params, groups, settings)
    env = load("environment", ENVIRONMENTS, env_id)(numbers)
    if features is not None:
        from evenhand.envs.observing import with_features

        env = with_features(env, features)
    return env, env.default_params(), numbers


def _admissions_numbers(
    preset: str | None, params: Any, groups: str | None, settings: Iterable[str]
) -> Any:
    """The college's numbers: options of its preset, named in `settings`."""
    import inspect

    from evenhand.data import admissions
    from evenhand.data.choose import parse_settings

    if params is not None or groups is not None:
        raise InputError("Admissions-v0 has no parameter files or named groups; use --set")
    presets = admissions.ADMISSIONS_PRESETS
    if preset not in (None, *presets):
        raise unknown_name("preset of Admissions-v0", preset, presets)
    make = presets[preset or "college"]
    changes, known = parse_settings(settings), inspect.signature(make).parameters
    for name in changes:
        if name not in known:
            raise unknown_name("setting", name, known)
    if "population_per_group" in changes:
        check_numbers({"population_per_group": (changes["population_per_group"],)})
    if "cost" in changes:
        changes["cost"] = tuple(as_numbers("cost", changes["cost"]).ravel().tolist())
    try:
        return make(**changes)
    except InputError:
        raise
    except (TypeError, ValueError) as error:
        raise InputError(f"Admissions-v0: {error}") from error


def _river_numbers(
    preset: str | None, params: Any, groups: str | None, settings: Iterable[str]
) -> Any:
    """The river's numbers: options of `data.river_swim.river`, named in `settings`."""
    import inspect

    from evenhand.data.choose import parse_settings
    from evenhand.data.river_swim import river

    if preset is not None or params is not None or groups is not None:
        raise InputError(
            "RiverSwim-v0 has no presets, parameter files or named groups; use --set, such as "
            "--set num_groups=3 --set tasks=predecessor,near-goal"
        )
    changes, known = parse_settings(settings), inspect.signature(river).parameters
    for name in changes:
        if name not in known:
            raise unknown_name("setting", name, known)
    return river(**changes)
