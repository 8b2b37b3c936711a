"""One robot of a group as a Gymnasium environment: what `evenhand/HalfCheetahGroups-v0` makes."""

from typing import Any

import numpy as np

from evenhand.core.errors import InputError
from evenhand.envs.gymnasium_programs import gymnasium
from evenhand.envs.robots.model import find_robot, mujoco
from evenhand.envs.robots.task import TASKS
from evenhand.envs.robots.world import robot_world


class RobotEnv(gymnasium.Env):
    """A robot of one group with one task; the stock robot in the group `default`, task `forward`.

    After a step `info` holds the reward of every task under its name, `x_velocity`, and the group
    as a number among the robot's groups and by `group_name`. Truncated at `episode_steps`.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 20}  # noqa: RUF012

    def __init__(
        self,
        robot: str = "HalfCheetah",
        group: str = "default",
        task: str = "forward",
        tasks: tuple[str, ...] = tuple(TASKS),
        task_code: bool = False,
        episode_steps: int = 1000,
        render_mode: str | None = None,
    ):
        groups = tuple(find_robot(robot).groups)
        self.world = robot_world(
            robot, groups, tasks,
            columns=[(group, task)], task_code=task_code, episode_steps=episode_steps,
            auto_reset=False, num_threads=1,
        )  # fmt: skip
        if render_mode not in (None, "rgb_array"):
            raise InputError(f"render_mode {render_mode!r} is not known; use 'rgb_array'")
        self.render_mode = render_mode
        self._columns = self.world.running.columns
        self._renderer: Any = None
        self.metadata = self.metadata | {"render_fps": round(1 / self._columns.dt)}
        self.observation_space = gymnasium.spaces.Box(
            -np.inf, np.inf, (self.world.obs_size,), np.float64
        )
        low, high = self.world.action_bounds
        self.action_space = gymnasium.spaces.Box(
            low.astype(np.float32), high.astype(np.float32), dtype=np.float32
        )
        self._facts = {"group": self.world.column_group[0], "group_name": group}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        super().reset(seed=seed)
        return self.world.running.reset([self.np_random])[0], dict(self._facts)

    def step(self, action: Any):
        done = self.world.advance(np.asarray(action)[None])
        rewards = dict(zip(self.world.signals, done.rewards[0].tolist(), strict=True))
        info = rewards | {"x_velocity": float(done.velocity[0])} | self._facts
        reward = float(done.rewards[0, self.world.column_task[0]])
        return done.obs[0], reward, bool(done.terminated[0]), bool(done.truncated[0]), info

    def render(self) -> np.ndarray | None:
        """The picture of the tracking camera, `(240, 320, 3)`."""
        if self.render_mode is None:
            return None
        if self._renderer is None:
            self._renderer = mujoco.Renderer(self._columns.models[0], 240, 320)
        self._renderer.update_scene(self._columns.data[0], camera="track")
        return self._renderer.render()

    def close(self) -> None:
        """Give the renderer's memory back."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None


def make_robot(robot: str, **options: Any) -> RobotEnv:
    """What `gymnasium.make("evenhand/HalfCheetahGroups-v0", group="BigFoot")` calls."""
    return RobotEnv(robot, **options)
