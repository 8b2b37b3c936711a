"""Steps of many robots a second: our threads, MuJoCo's rollout, Gymnasium's vector environments.

    python benchmarks/robots.py
    python benchmarks/robots.py --robot Humanoid --columns 16,64

All sides play the same random actions with the stock robot. `rollout` is the physics alone: no
observation, no reward, and no warm start of the constraint solver between steps, so its paths
leave Gymnasium's; the last line says how far. Repeats are short and interleaved: of the wall clock
the shortest counts (neighbours only lengthen it), of CPU seconds, all processes, the mean.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import mujoco
import numpy as np
from mujoco.rollout import Rollout

from evenhand.envs.robots.columns import Columns
from evenhand.envs.robots.model import load_model
from evenhand.envs.robots.robot import ROBOTS
from evenhand.envs.robots.world import robot_world

FULL = mujoco.mjtState.mjSTATE_FULLPHYSICS
Play = Callable[[np.ndarray], Any]


class RolloutAlone:
    """MuJoCo's own threads: states in, states out."""

    def __init__(self, robot: str, num_envs: int, num_threads: int):
        self.skip, model = ROBOTS[robot].frame_skip, load_model(robot, "default")
        self.models, self.engine = [model] * num_envs, Rollout(nthread=num_threads)
        self.data = [mujoco.MjData(model) for _ in range(num_threads)]
        start = Columns(ROBOTS[robot], self.models, 1)
        for i in range(num_envs):
            start.reset(i, np.random.default_rng(i))
        self.state = np.empty((num_envs, mujoco.mj_stateSize(model, FULL)))
        for data, row in zip(start.data, self.state, strict=True):
            mujoco.mj_getState(model, data, row, FULL)

    def step(self, actions: np.ndarray) -> None:
        """Every robot one step on."""
        control = np.repeat(actions[:, None], self.skip, axis=1)
        states, _ = self.engine.rollout(self.models, self.data, self.state, control)
        self.state = states[:, -1].copy()


def children_seconds(pids: list[int]) -> float:
    """CPU seconds of running child processes."""
    ticks = [
        Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13] for pid in pids
    ]
    return sum(int(tick) for pair in ticks for tick in pair) / os.sysconf("SC_CLK_TCK")


def sides(robot: str, num_envs: int) -> dict[str, tuple[Play, list[int]]]:
    """What is compared, each with the processes it runs in besides this one."""
    chosen: dict[str, tuple[Play, list[int]]] = {}
    for threads in (1, 2):
        world = robot_world(
            robot, ("default",), columns=[("default", "forward")] * num_envs, num_threads=threads
        )
        world.reset(0)
        chosen[f"ours, {threads} threads"] = (world.advance, [])
    world = robot_world(robot, ("default",), columns=[("default", "forward")] * num_envs)
    world.reset(0)
    chosen["ours, as Step"] = (world.step, [])
    chosen["rollout, 2 threads"] = (RolloutAlone(robot, num_envs, 2).step, [])
    sync = gymnasium.make_vec(f"{robot}-v5", num_envs, vectorization_mode="sync")
    spread = gymnasium.make_vec(f"{robot}-v5", num_envs, vectorization_mode="async")
    for name, envs in (("SyncVectorEnv", sync), ("AsyncVectorEnv", spread)):
        envs.reset(seed=0)
        chosen[name] = (envs.step, [p.pid for p in getattr(envs, "processes", [])])
    return chosen


def measured(play: Play, pids: list[int], actions: np.ndarray) -> tuple[float, float]:
    """Wall and CPU seconds of playing these actions."""
    wall, cpu = time.perf_counter(), time.process_time() + children_seconds(pids)
    for action in actions:
        play(action)
    return time.perf_counter() - wall, time.process_time() + children_seconds(pids) - cpu


def drift(robot: str, num_steps: int) -> float:
    """Largest difference of a coordinate between rollout and our robots after `num_steps`."""
    alone, world = RolloutAlone(robot, 4, 1), robot_world(robot, ("default",), copies=2)
    world.reset(0)
    rng = np.random.default_rng(0)
    for _ in range(num_steps):
        actions = rng.uniform(*world.action_bounds, (4, world.action_size))
        alone.step(actions)
        world.advance(actions)
    data = world.running.columns.data
    paths = np.stack([np.concatenate([one.qpos, one.qvel]) for one in data])
    return float(np.abs(alone.state[:, 1 : paths.shape[1] + 1] - paths).max())


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--robot", default="HalfCheetah", choices=sorted(ROBOTS))
    parser.add_argument("--columns", default="8,16,32,64")
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--steps", type=int, default=1600, help="of all robots, in one repeat")
    options = parser.parse_args()
    size = robot_world(options.robot, ("default",)).action_bounds
    print(f"{options.robot}: thousand steps a wall second (a CPU second)")
    for num_envs in map(int, options.columns.split(",")):
        rng = np.random.default_rng(0)
        steps = max(options.steps // num_envs, 1)
        actions = rng.uniform(*size, (steps, num_envs, len(size[0])))
        times: dict[str, list[tuple[float, float]]] = {}
        chosen = sides(options.robot, num_envs)
        for repeat in range(options.repeats + 1):
            for name, (play, pids) in chosen.items():
                seconds = measured(play, pids, actions)
                if repeat:
                    times.setdefault(name, []).append(seconds)
        for name, kept in times.items():
            walls, cpus = zip(*kept, strict=True)
            done = steps * num_envs / 1000
            shown = f"{done / min(walls):6.1f} ({done / statistics.mean(cpus):.1f})"
            print(f"{num_envs:3d} columns  {name:20s} {shown}", flush=True)
    if options.robot == "HalfCheetah":  # the others may fall
        apart = [f"{drift(options.robot, steps):.0e} in {steps} steps" for steps in (50, 200, 1000)]
        print(f"rollout leaves the path by {', '.join(apart)}")


if __name__ == "__main__":
    main()
