"""The numbers of RiverSwim with groups of swimmers: how they move, where they start, what pays.

Groups A and B and the task `predecessor` are those of the chain environment that comes with
Satija et al., "Group Fairness in Reinforcement Learning" (TMLR 2023). The other tasks and group C
are ours: the multi-task paper (Song et al. 2025, arXiv 2503.07817) speaks of a "modified
RiverSwim" and its numbers are not public.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from evenhand.core.errors import InputError, unknown_name

TASKS = ("predecessor", "near-goal", "middle-goal")
LEFT, RIGHT = 0, 1
# Right at the left bank: stay .4, swim .6. Right at the right bank: stay .6, drift back .4.
LEFT_BANK, RIGHT_BANK = (0.4, 0.6), (0.4, 0.6)
MOST_STATES, MOST_HORIZON = 200, 1000


@dataclass(frozen=True)
class Swimmer:
    """How a group swims right from an inner state (success, stay, fail), and where it starts."""

    name: str
    success: float
    stay: float
    fail: float
    start: int = 0

    def __post_init__(self) -> None:
        chances = (self.success, self.stay, self.fail)
        if min(chances) < 0 or not abs(sum(chances) - 1) < 1e-9:
            raise InputError(
                f"success, stay and fail of swimmer {self.name!r} must be 0 or more and add up "
                f"to 1, got {chances}"
            )


SWIMMERS = (
    Swimmer("A", success=0.35, stay=0.60, fail=0.05, start=0),
    Swimmer("B", success=0.90, stay=0.05, fail=0.05, start=1),
    Swimmer("C", success=0.65, stay=0.30, fail=0.05, start=0),
)


@dataclass(frozen=True)
class River:
    """A river with `num_states` places and one swimmer per group; tasks are rewards by name.

    A swimmer begins at its start with `spawn_prob`, else at any other place alike.
    """

    swimmers: tuple[Swimmer, ...] = SWIMMERS[:2]
    tasks: tuple[str, ...] = TASKS[:1]
    num_states: int = 7
    horizon: int = 10
    spawn_prob: float = 0.9999

    def __post_init__(self) -> None:
        _check_whole("num_states", self.num_states, 4, MOST_STATES)
        _check_whole("horizon", self.horizon, 1, MOST_HORIZON)
        if not self.swimmers:
            raise InputError("a river needs at least one swimmer; give `swimmers`")
        if not isinstance(self.spawn_prob, int | float) or not 0 <= self.spawn_prob <= 1:
            raise InputError(f"spawn_prob must be a number from 0 to 1, got {self.spawn_prob!r}")
        for swimmer in self.swimmers:
            if not 0 <= swimmer.start < self.num_states:
                raise InputError(
                    f"start of swimmer {swimmer.name!r} must lie in 0..{self.num_states - 1}, "
                    f"got {swimmer.start}"
                )
        if not self.tasks or len(set(self.tasks)) < len(self.tasks):
            raise InputError(f"tasks must be different and at least one, got {self.tasks}")
        for task in self.tasks:
            if task not in TASKS:
                raise unknown_name("task", task, TASKS)

    @property
    def name(self) -> str:
        return "river-swim"

    @property
    def groups(self) -> tuple[str, ...]:
        return tuple(swimmer.name for swimmer in self.swimmers)

    @property
    def num_levels(self) -> int:
        return self.num_states

    @property
    def population_per_group(self) -> tuple[int, ...]:
        return (1,) * len(self.swimmers)

    @property
    def transition(self) -> Float[np.ndarray, "G S A S"]:
        """P(next place | place, action) of every group."""
        last = self.num_states - 1
        place = np.arange(self.num_states)
        inner = place[1:-1]
        P = np.zeros((len(self.swimmers), self.num_states, 2, self.num_states))
        P[:, place, LEFT, np.maximum(place - 1, 0)] = 1.0
        P[:, 0, RIGHT, :2] = LEFT_BANK
        P[:, last, RIGHT, last - 1 :] = RIGHT_BANK
        for g, swimmer in enumerate(self.swimmers):
            P[g, inner, RIGHT, inner + 1] = swimmer.success
            P[g, inner, RIGHT, inner] = swimmer.stay
            P[g, inner, RIGHT, inner - 1] = swimmer.fail
        return P

    @property
    def initial(self) -> Float[np.ndarray, "G S"]:
        """Law of every group's first place."""
        law = np.full(
            (len(self.swimmers), self.num_states), (1 - self.spawn_prob) / (self.num_states - 1)
        )
        law[np.arange(len(self.swimmers)), [s.start for s in self.swimmers]] = self.spawn_prob
        return law

    @property
    def rewards(self) -> Float[np.ndarray, "S A M"]:
        """Reward of every task, the same for all groups."""
        return np.stack([task_reward(task, self.num_states) for task in self.tasks], -1)


def task_reward(task: str, num_states: int = 7) -> Float[np.ndarray, "S A"]:
    """Reward of a task at every place and action.

    `predecessor`: 0.01 for staying at the left bank, 1 for swimming right at the right bank, and
    0.1 for turning to the middle place from either side of it. `near-goal`: 1 for swimming right
    one place before the right bank. `middle-goal`: 1 for swimming right at the middle place.
    """
    reward = np.zeros((num_states, 2))
    middle = num_states // 2
    if task == "predecessor":
        reward[0, LEFT], reward[num_states - 1, RIGHT] = 0.01, 1.0
        reward[middle - 1, RIGHT] = reward[middle + 1, LEFT] = 0.1
    elif task == "near-goal":
        reward[num_states - 2, RIGHT] = 1.0
    elif task == "middle-goal":
        reward[middle, RIGHT] = 1.0
    else:
        raise unknown_name("task", task, TASKS)
    return reward


def without_goals(
    reward: Float[np.ndarray, "*axes S A M"],
) -> Float[np.ndarray, "*axes S A M"]:
    """The rewards with every goal, a reward of 1, taken away."""
    return np.where(reward >= 1, 0.0, reward)


def river(
    num_groups: int = 2,
    tasks: str | Sequence[str] = TASKS[:1],
    num_states: int = 7,
    horizon: int = 10,
    spawn_prob: float = 0.9999,
) -> River:
    """A river with the first so many of the swimmers A, B, C, as settings describe it."""
    return River(swimmers(num_groups), choose_tasks(tasks), num_states, horizon, spawn_prob)


def swimmers(num_groups: int) -> tuple[Swimmer, ...]:
    """The first so many of the swimmers A, B and C that come with the library."""
    if not isinstance(num_groups, int) or not 1 <= num_groups <= len(SWIMMERS):
        raise InputError(
            f"groups must be 1 to {len(SWIMMERS)} (swimmers A, B, C), got {num_groups!r}; in "
            "Python any number can be given as River(swimmers=...)"
        )
    return SWIMMERS[:num_groups]


def choose_tasks(text: str | Sequence[str]) -> tuple[str, ...]:
    """The task names in a comma-separated text, or in a sequence, in this order."""
    names = text.split(",") if isinstance(text, str) else text
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise InputError(f"tasks must be names such as {','.join(TASKS[:2])}, got {text!r}")
    return tuple(name.strip() for name in names)


def _check_whole(name: str, value: int, least: int, most: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise InputError(f"{name} must be a whole number from {least} to {most}, got {value!r}")
