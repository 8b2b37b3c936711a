"""Many robots at once, one column each, stepped by a few threads.

Every column keeps MuJoCo data of its own, so that the constraint solver starts from where it was
(as in a single environment) and contact forces are there to be read. MuJoCo releases the
interpreter's lock while it steps.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from evenhand.envs.robots.model import mujoco
from evenhand.envs.robots.robot import Robot


class Columns:
    """N robots of one kind, each with the model of its group."""

    def __init__(self, robot: Robot, models: Sequence[Any], num_threads: int):
        self.robot, self.models = robot, list(models)
        self.data = [mujoco.MjData(model) for model in models]
        self.masses = np.stack([model.body_mass for model in models])
        one = models[0]
        self.dt = one.opt.timestep * robot.frame_skip
        names = ["qpos", "qvel", *(name for name, _ in robot.shown)]
        if robot.place != "qpos":
            names.append(robot.place)
        sizes = [getattr(self.data[0], name).size for name in names]
        ends = np.cumsum([0, *sizes]).tolist()
        self.slices = {name: slice(*ends[i : i + 2]) for i, name in enumerate(names)}
        # Views stay valid while the data lives: one call of concatenate reads all columns.
        self._views = [[getattr(data, name).reshape(-1) for name in names] for data in self.data]
        self._controls = [data.ctrl for data in self.data]
        threads = min(num_threads, len(models))
        self._shares = [range(i, len(models), threads) for i in range(threads)]
        self._pool = ThreadPoolExecutor(threads - 1) if threads > 1 else None

    def reset(self, column: int, generator: np.random.Generator) -> None:
        """Put one robot back to its start, with noise drawn as Gymnasium draws it."""
        model, data, noise = self.models[column], self.data[column], self.robot.reset_noise
        mujoco.mj_resetData(model, data)
        data.qpos += generator.uniform(low=-noise, high=noise, size=model.nq)
        if self.robot.normal_speed_noise:
            data.qvel += noise * generator.standard_normal(model.nv)
        else:
            data.qvel += generator.uniform(low=-noise, high=noise, size=model.nv)
        mujoco.mj_forward(model, data)

    def advance(self, actions: Float[np.ndarray, "N A"], over: Iterable[bool]) -> None:
        """Hold each action for `frame_skip` steps of the physics; columns that are over rest."""
        moving = [not rests for rests in over]
        if self._pool is None:
            return self._advance_share(self._shares[0], actions, moving)
        others = [
            self._pool.submit(self._advance_share, share, actions, moving)
            for share in self._shares[1:]
        ]
        self._advance_share(self._shares[0], actions, moving)
        for other in others:
            other.result()

    def _advance_share(self, share: range, actions: np.ndarray, moving: list[bool]) -> None:
        step, skip, feels = mujoco.mj_step, self.robot.frame_skip, self.robot.feels_contact
        for i in share:
            if moving[i]:
                model, data = self.models[i], self.data[i]
                self._controls[i][:] = actions[i]
                step(model, data, skip)
                if feels:
                    mujoco.mj_rnePostConstraint(model, data)

    def read(self, columns: Int[np.ndarray, " n"]) -> Float[np.ndarray, "n numbers"]:
        """One row of raw numbers a column; `slices` names its parts."""
        views = [self._views[i] for i in columns.tolist()]
        flat = np.concatenate([part for parts in views for part in parts])
        return flat.reshape(len(views), -1)
