"""Bisimulator under its four names: around PPO or DQN, in full or of the reward only."""

from typing import Any

from evenhand.algorithms.bisimulator import Bisimulator
from evenhand.algorithms.dqn import DQN
from evenhand.algorithms.parts.observation_search import NoSearch
from evenhand.algorithms.ppo import PPO


def bisimulator_ppo(**options: Any) -> Bisimulator:
    """Bisimulator with PPO as its solver."""
    given: dict[str, Any] = {"solver": PPO(), **options}
    return Bisimulator(**given)


def bisimulator_dqn(**options: Any) -> Bisimulator:
    """Bisimulator with DQN as its solver."""
    given: dict[str, Any] = {"solver": DQN(), **options}
    return Bisimulator(**given)


def reward_only_ppo(**options: Any) -> Bisimulator:
    """Bisimulator with PPO that leaves the observation as it is."""
    return bisimulator_ppo(**{"search": NoSearch(), **options})


def reward_only_dqn(**options: Any) -> Bisimulator:
    """Bisimulator with DQN that leaves the observation as it is."""
    return bisimulator_dqn(**{"search": NoSearch(), **options})
