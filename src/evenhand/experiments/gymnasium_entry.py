"""What `gymnasium.make("evenhand/Lending-v0", ...)` calls."""

from typing import Any

from evenhand.envs.adapters import (
    GymnasiumEnv,
    GymnasiumVectorEnv,
    to_gymnasium,
    to_gymnasium_vector,
)
from evenhand.experiments.choose_world import choose_world

_CHOICES = ("preset", "params", "groups", "features")


def make_env(world: str, **options: Any) -> GymnasiumEnv:
    """The world of this name; options as on the command line: `preset="fico", cash=100`."""
    return to_gymnasium(*_world(world, options))


def make_vector_env(world: str, num_envs: int = 1, **options: Any) -> GymnasiumVectorEnv:
    """Many worlds of this name, stepped together."""
    env, params = _world(world, options)
    return to_gymnasium_vector(env, num_envs, params)


def _world(world: str, options: dict[str, Any]) -> tuple[Any, Any]:
    chosen = {name: options.pop(name) for name in _CHOICES if name in options}
    settings = [f"{name}={value!r}" for name, value in options.items()]
    env, params, _ = choose_world(world, **chosen, settings=settings)
    return env, params
