"""From names of features to a world that shows them."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from evenhand.core.environment import AbstractEnvironment
from evenhand.core.errors import InputError
from evenhand.envs.features import check_features
from evenhand.envs.history import HistoryWindow
from evenhand.envs.level_shares import LevelShares
from evenhand.envs.recent_rates import RecentRates
from evenhand.envs.windows import RunningRates
from evenhand.envs.wrapper import AbstractWrapper

# Name as an example -> (pattern of the names, wrapper of a world). Windows are put around a world
# in this order, whatever the order of the names, so equal sets of windows are equal worlds.
WINDOWS: dict[str, tuple[str, Callable[[Any, re.Match[str]], AbstractEnvironment]]] = {
    "running-rates": (r"running-rates", lambda env, match: RunningRates(env)),
    "recent-rates-300": (
        r"recent-rates-(\d+)",
        lambda env, match: RecentRates(env, int(match[1])),
    ),
    "history-300": (r"history-(\d+)", lambda env, match: HistoryWindow(env, int(match[1]))),
    "level-shares": (r"level-shares", lambda env, match: LevelShares(env)),
}


def known_features(env: Any) -> tuple[str, ...]:
    """All feature names that `with_features` takes for this world; 300 stands for any length."""
    return (*innermost(env).known_features, *WINDOWS)


def innermost(env: Any) -> Any:
    """The world (or class) without wrappers around it."""
    while isinstance(env, AbstractWrapper):
        env = env.env
    return env


def with_features(env: Any, names: Iterable[str]) -> AbstractEnvironment:
    """The world showing exactly these features: `with_features(Lending, ("group", ...))`.

    `env` is a class, for its default population, or a world, whose population is kept and whose
    own features and windows are replaced. The applicant's own features come first, in the order
    of the names; then what wrappers add: `running-rates`, and of the last W applicants
    `recent-rates-W` and `history-W`, which also append their signals, and the oracle's
    `level-shares`.
    """
    names, world = tuple(names), innermost(env)
    windows = {name: kind for name in names if (kind := _window(name)) is not None}
    own = tuple(name for name in names if name not in windows)
    for name in own:
        check_features((name,), known_features(world))
    check_features(own, world.known_features)
    if len(windows) + len(own) < len(names) or len(set(windows.values())) < len(windows):
        raise InputError(f"features {names} name a window twice; keep one of each kind")
    made = _rebuilt(world, own)
    for kind, (pattern, wrap) in WINDOWS.items():
        for name in windows:
            if windows[name] == kind and (match := re.fullmatch(pattern, name)):
                made = wrap(made, match)
    return made


def showing(env: Any, names: Iterable[str]) -> Any:
    """The world, showing these features besides its own; itself where it shows them all."""
    missing = [name for name in names if name not in env.slices]
    if not missing:
        return env
    return with_features(env, (*env.slices, *missing))


def _window(name: str) -> str | None:
    """The kind of window that a name asks for."""
    return next(
        (kind for kind, (pattern, _) in WINDOWS.items() if re.fullmatch(pattern, name)), None
    )


def _rebuilt(world: Any, features: tuple[str, ...]) -> Any:
    """The world of the same population with other features of its own."""
    if isinstance(world, type):
        return world(features=features)
    return type(world)(world.built_from.value, features=features)
