"""Training steps a second of FOCOPS on groups of robots, beside Stable-Baselines3's PPO.

    python benchmarks/focops.py                                       ours alone
    python benchmarks/focops.py --rival-python OTHER/bin/python       both, interleaved

End to end: physics, policy, learning. Both sides run four HalfCheetahs for 1,024 steps an update
and take ten passes over minibatches of 64 with two hidden layers of 64; ours does that for two
groups in turn, with two tasks and a critic for each. The rival has a process of its own, in any
environment with stable-baselines3, gymnasium and mujoco, torch on one thread. CPU seconds of all
threads count, since a shared machine's wall clock does not; medians of repeats of `UPDATES`
updates, after one that compiles. Part of the results of `--out`.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

GROUPS, TASKS = ("default", "BigFoot"), ("forward", "backward")
STEPS, COLUMNS, UPDATES = 1024, 4, 2


def measured(once: Callable[[], None], repeats: int) -> list[dict[str, float]]:
    """Environment steps a CPU second and a second of the wall clock, of every repeat."""
    rows = []
    for _ in range(repeats):
        cpu, wall = time.process_time(), time.perf_counter()
        once()
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        steps = UPDATES * STEPS * COLUMNS
        rows.append({"cpu": steps / cpu, "wall": steps / wall})
    return rows


def ours(repeats: int) -> list[dict[str, float]]:
    """FOCOPS with constraints on both tasks, a turn of each group in turn."""
    import jax
    import jax.random as jr

    from evenhand.algorithms.focops import FOCOPS
    from evenhand.algorithms.focops_on_host import HostFOCOPS
    from evenhand.algorithms.parts.tasks import TaskRule
    from evenhand.algorithms.parts.trust_region import TrustRegion
    from evenhand.core.training import train_on_host
    from evenhand.envs.robots.world import robot_world
    from evenhand.experiments.compilation import configure_compilation

    configure_compilation()
    worlds = [
        robot_world("HalfCheetah", GROUPS, TASKS, columns=[(group, task) for task in TASKS],
                    copies=COLUMNS // len(TASKS), task_code=True)
        for group in GROUPS
    ]  # fmt: skip
    algorithm = HostFOCOPS(
        FOCOPS(
            num_envs=COLUMNS, num_steps=STEPS, tolerance=500.0,
            rule=TaskRule(task_mode="conditioned"),
            region=TrustRegion(num_minibatches=STEPS * COLUMNS // 64, kl_stop=float("inf")),
        )
    )  # fmt: skip
    state, _ = train_on_host(jr.key(0), algorithm, worlds, None, num_updates=2)

    def once() -> None:
        nonlocal state
        until = int(state.update) + UPDATES
        state, _ = train_on_host(jr.key(0), algorithm, worlds, None, num_updates=until, state=state)
        jax.block_until_ready(state.learner.agents)

    return measured(once, repeats)


def rival(repeats: int) -> list[dict[str, float]]:
    """Stable-Baselines3's PPO on one group and one task."""
    import torch
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_vec_env

    torch.set_num_threads(1)
    world = make_vec_env("HalfCheetah-v5", COLUMNS, seed=0)
    model = PPO("MlpPolicy", world, n_steps=STEPS, batch_size=64, n_epochs=10, device="cpu")
    model.learn(STEPS * COLUMNS)
    return measured(
        lambda: model.learn(UPDATES * STEPS * COLUMNS, reset_num_timesteps=False), repeats
    )


def child(python: str, side: str, repeats: int) -> list[dict[str, float]]:
    """A side's rows, measured by another interpreter."""
    words = [python, __file__, "--side", side, "--repeats", str(repeats)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure, print, and write what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rival-python", help="an interpreter with stable-baselines3 and mujoco")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2, help="how often both sides are run")
    parser.add_argument("--side", choices=("ours", "rival"), help="one side, as JSON")
    parser.add_argument("--out", type=Path, help="write every repeat here")
    options = parser.parse_args()
    if options.side:
        print(json.dumps((ours if options.side == "ours" else rival)(options.repeats)))
        return
    sides = {"ours": sys.executable}
    if options.rival_python:
        sides["rival"] = options.rival_python
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in sides}
    for _ in range(options.rounds):
        for name, python in sides.items():
            rows[name] += child(python, name, options.repeats)
    for clock in ("cpu", "wall"):
        of = {name: statistics.median(row[clock] for row in found) for name, found in rows.items()}
        said = ", ".join(f"{name} {value:,.0f}" for name, value in of.items())
        ratio = f", ratio {of['ours'] / of['rival']:.1f} (bar: 3)" if "rival" in of else ""
        print(f"environment steps a {clock} second: {said}{ratio}")
    if options.out:
        options.out.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
