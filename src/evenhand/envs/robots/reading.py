"""What raw numbers of the physics mean: observation, place, health and rewards, for N robots."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from evenhand.envs.robots.columns import Columns
from evenhand.envs.robots.task import TASKS


class Reading:
    """Formulas of Gymnasium's version 5 robots on rows of `Columns.read`."""

    def __init__(self, columns: Columns, tasks: Sequence[str]):
        self.robot, self.slices, self.masses = columns.robot, columns.slices, columns.masses
        self.dt, self.tasks = columns.dt, [TASKS[name] for name in tasks]

    def observe(self, rows: Float[np.ndarray, "N numbers"]) -> Float[np.ndarray, "N shown"]:
        """Positions without the ones that only say where the robot is, speeds, and the rest."""
        robot, parts = self.robot, self.slices
        limit = robot.speed_limit
        shown = [rows[:, parts["qpos"]][:, robot.hidden :]]
        shown.append(np.clip(rows[:, parts["qvel"]], -limit, limit))
        for name, first in robot.shown:
            numbers = self._felt(rows) if name == "cfrc_ext" else rows[:, parts[name]]
            # Fields with a row of 6 or 10 numbers for each body lead with the fixed world.
            width = 1 if name == "qfrc_actuator" else numbers.shape[1] // self.masses.shape[1]
            shown.append(numbers[:, first * width :])
        return np.concatenate(shown, axis=1)

    def place(
        self, rows: Float[np.ndarray, "N numbers"], masses: Float[np.ndarray, "N bodies"]
    ) -> Float[np.ndarray, " N"]:
        """Where along the track each robot is, as its speed is measured."""
        where = rows[:, self.slices[self.robot.place]]
        if self.robot.place == "qpos":
            return where[:, 0].copy()
        if self.robot.place == "xpos":
            return where[:, 3].copy()  # the torso is body 1
        return (masses * where[:, ::3]).sum(axis=1) / masses.sum(axis=1)

    def healthy(self, rows: Float[np.ndarray, "N numbers"]) -> Bool[np.ndarray, " N"]:
        """Whether each robot still stands; the others' episode ends."""
        return self.robot.stands(rows[:, self.slices["qpos"]], rows[:, self.slices["qvel"]])

    def rewards(
        self,
        rows: Float[np.ndarray, "N numbers"],
        velocity: Float[np.ndarray, " N"],
        actions: Float[np.ndarray, "N A"],
        healthy: Bool[np.ndarray, " N"],
    ) -> Float[np.ndarray, "N M"]:
        """`weight * task(v) + healthy bonus - (control cost + contact cost)`, for every task."""
        robot = self.robot
        bonus = robot.healthy_reward * healthy
        costs = robot.ctrl_weight * np.square(actions).sum(axis=1)
        if robot.feels_contact:
            forces = np.square(self._felt(rows)).sum(axis=1)
            costs = costs + np.minimum(robot.contact_weight * forces, robot.contact_cost_max)
        paid = [robot.forward_weight * task(velocity) + bonus - costs for task in self.tasks]
        return np.stack(paid, axis=1)

    def _felt(self, rows: Float[np.ndarray, "N numbers"]) -> Float[np.ndarray, "N forces"]:
        limit = self.robot.force_limit
        return np.clip(rows[:, self.slices["cfrc_ext"]], -limit, limit)
