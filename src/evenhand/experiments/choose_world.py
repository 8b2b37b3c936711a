"""From what a person writes to a world with its numbers."""

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from evenhand.core.errors import InputError, unknown_name
from evenhand.data.choose import choose_population
from evenhand.data.population_checks import as_numbers, check_numbers

# Id -> the class, imported only when asked for; each takes its numbers and `features`.
WORLDS: dict[str, str] = {
    "Admissions-v0": "evenhand.envs.admissions:Admissions",
    "Lending-v0": "evenhand.envs.lending:Lending",
}


def choose_world(
    env_id: str = "Lending-v0",
    preset: str | None = None,
    params: str | Path | None = None,
    groups: str | None = None,
    settings: Iterable[str] = (),
    features: tuple[str, ...] | None = None,
) -> tuple[Any, Any, Any]:
    """The world, its parameters, and the numbers they come from.

    `preset`, `params`, `groups` and `settings` are those of `choose_population`; `features` None
    keeps the world's own.
    """
    if env_id not in WORLDS:
        raise unknown_name("environment", env_id, WORLDS)
    if env_id == "Lending-v0":
        numbers = choose_population(preset, params, groups, settings)
    else:
        numbers = _admissions_numbers(preset, params, groups, settings)
    module, _, name = WORLDS[env_id].partition(":")
    env = getattr(import_module(module), name)(numbers)
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
    presets = {"college": admissions.college}
    if preset not in (None, *presets):
        raise unknown_name("preset of Admissions-v0", preset, presets)
    changes, known = parse_settings(settings), inspect.signature(admissions.college).parameters
    for name in changes:
        if name not in known:
            raise unknown_name("setting", name, known)
    if "population_per_group" in changes:
        check_numbers({"population_per_group": (changes["population_per_group"],)})
    if "cost" in changes:
        changes["cost"] = tuple(as_numbers("cost", changes["cost"]).ravel().tolist())
    try:
        return admissions.college(**changes)
    except InputError:
        raise
    except (TypeError, ValueError) as error:
        raise InputError(f"Admissions-v0: {error}") from error
