"""FOCOPS and its neighbours on groups of robots that do several tasks (Song et al. 2025)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from evenhand.core.errors import InputError
from evenhand.experiments.trials.trial import Advance, Rows, Trial
from evenhand.experiments.variants import base_method
from evenhand.experiments.wording import Measure

_OPTIONS = ("tolerance", "learning_rate", "critic_rate", "multiplier_rate", "multiplier_max")
# A run of minutes is kept on disk after so many turns of a group.
_SAVED_EVERY = 20
# Final returns are those of so many whole episodes of every task and group, after training.
_EVALUATION_COPIES, _EVALUATION_EPISODES = 4, 3


@dataclass(frozen=True)
class RobotTrial(Trial):
    """Training of one agent per group, a turn each after the other, and returns at the end.

    `steps` are environment steps of every group on every task. A turn of a group runs `copies`
    robots for each task through one whole episode. `multi_head` gives each task a head of its own.
    """

    kind: ClassVar[str] = "robots"
    unit: ClassVar[str] = "environment steps of all groups and tasks"
    measures: ClassVar[Mapping[str, Measure]]

    robot: str = "HalfCheetah"
    groups: tuple[str, ...] = ("default", "BigFoot")
    tasks: tuple[str, ...] = ("forward", "backward")
    tolerance: float = 500.0
    steps: int = 200_000
    copies: int = 2
    episode_steps: int = 1000
    multi_head: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.steps < self.turn_steps:
            raise InputError(
                f"steps must be at least {self.turn_steps:,}, one turn of every group "
                f"(copies x episode_steps), got {self.steps:,}"
            )

    @classmethod
    def known_methods(cls) -> Mapping[str, tuple[str, ...]]:
        return {
            "focops": _OPTIONS,
            "focops-one-task": ("task", *_OPTIONS),
            "focops-unconstrained": _OPTIONS,
            "group-lagrangian-ppo": _OPTIONS,
            "group-ppo": _OPTIONS,
        }

    @property
    def turn_steps(self) -> int:
        """Environment steps of each task in a turn of a group."""
        return self.copies * self.episode_steps

    @property
    def updates(self) -> int:
        """Turns of all groups together."""
        return len(self.groups) * (self.steps // self.turn_steps)

    def world(self) -> dict[str, Any]:
        self._worlds(1)
        for method in self.methods:
            self._algorithm(method)
        return {"groups": list(self.groups), "tasks": list(self.tasks), "robot": self.robot}

    def work(self, method: str) -> int:
        return self.updates * self.turn_steps * len(self.tasks)

    def run_part(self, method: str, seed: int, advance: Advance, state: Path) -> Rows:
        import jax.random as jr

        from evenhand.core.training import train_on_host
        from evenhand.experiments.checkpoint import load_state, read_header, save_state
        from evenhand.experiments.compilation import configure_compilation

        configure_compilation()
        algorithm, worlds, key = self._algorithm(method), self._worlds(self.copies), jr.key(seed)
        curves: list[dict[str, Any]] = []
        begun = None
        if state.exists():
            like = algorithm.init(jr.split(key)[0], worlds, None)
            begun = load_state(state, like, self.digest())
            curves = read_header(state)["notes"]
        each = self.turn_steps * len(self.tasks)
        advance(0 if begun is None else int(begun.update) * each)

        def after(found: Any, _: Any, update: int) -> None:
            if update % len(self.groups) == 0:
                curves.extend(self._points(np.asarray(found.learner.returns.J), update * each))
            if update % _SAVED_EVERY == 0 and update < self.updates:
                save_state(state, found, self.digest(), curves)
            advance(each)

        trained, _ = train_on_host(
            key, algorithm, worlds, None, num_updates=self.updates, hooks=[after], state=begun
        )
        return {"final": self._final(trained, algorithm, seed), "curves": curves}

    def _points(self, J: np.ndarray, steps: int) -> list[dict[str, Any]]:
        """Rows of the returns `(G, M)` of the latest turns."""
        return [{**row, "env_steps": steps} for row in self._rows(J)]

    def _final(self, trained: Any, algorithm: Any, seed: int) -> list[dict[str, Any]]:
        """Rows of mean returns of fresh whole episodes under the trained policies."""
        from evenhand.algorithms.parts.group_learner import pick_group
        from evenhand.algorithms.parts.host_rollout import HostActor, host_rollout

        learner, J = trained.learner, []
        for z, world in enumerate(self._worlds(_EVALUATION_COPIES)):
            task = np.array(world.column_task, np.int32)
            agent = pick_group((learner.agents.actor, learner.scalers), z)
            actor = HostActor(agent[0], agent[1], float(algorithm.method.obs_reach), task)
            steps = _EVALUATION_EPISODES * self.episode_steps
            found = host_rollout(world, actor, steps, 2**30 + seed)
            own = found.paid[np.arange(len(task)), task]
            paid = np.bincount(task, own, len(self.tasks))
            J.append(paid / np.bincount(task, found.episodes, len(self.tasks)))
        return self._rows(np.array(J))

    def _rows(self, J: np.ndarray) -> list[dict[str, Any]]:
        """Returns of each group and task, gaps of each task, and the total."""
        rows = [{"metric": "total_return", "group": "", "value": float(J.sum())}]
        for m, task in enumerate(self.tasks):
            gap = float(np.ptp(J[:, m]))
            over = float(gap > self.tolerance)
            rows.append({"metric": f"gap:{task}", "group": "", "value": gap})
            rows.append({"metric": f"over:{task}", "group": "", "value": over})
            for z, group in enumerate(self.groups):
                row = {"metric": f"return:{task}", "group": group, "value": float(J[z, m])}
                rows.append(row)
        return rows

    def _worlds(self, copies: int) -> tuple[Any, ...]:
        """One world of robots for each group."""
        from evenhand.envs.robots.world import robot_world

        return tuple(
            robot_world(
                self.robot, self.groups, self.tasks,
                columns=[(group, task) for task in self.tasks], copies=copies, task_code=True,
                episode_steps=self.episode_steps, num_threads=1,
            )
            for group in self.groups
        )  # fmt: skip

    def _algorithm(self, method: str) -> Any:
        from evenhand.experiments.trials.robot_methods import algorithm_of

        options = {"tolerance": self.tolerance} | self.options(method)
        shape = (self.copies * len(self.tasks), self.episode_steps, self.multi_head)
        return algorithm_of(base_method(method), options, self.tasks, shape, self.updates)

    @cached_property
    def budget(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return f"{self.steps:,} environment steps of every group on every task, per seed"


_LOWER = "The group with the lower return on this task."
RobotTrial.measures = {
    "return": Measure(
        "Return",
        "reward",
        "Mean undiscounted return of whole episodes of a group on a task.",
        "A low value harms this group.",
    ),
    "total_return": Measure(
        "Total", "reward", "The sum of the returns of all groups and tasks.", ""
    ),
    "gap": Measure("Gap", "reward", "Largest difference of two groups' returns.", _LOWER),
    "over": Measure("Over the tolerance", "share", "Gaps above the tolerance, by seeds.", _LOWER),
}
