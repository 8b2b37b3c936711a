"""Measure the group program solved warm beside cold solves of HiGHS, by itself and under scipy.

    python benchmarks/group_fair_lp.py                       print the table
    python benchmarks/group_fair_lp.py --json result.json    write it too

The models are those of a learner: before each, every group swims one episode of the last optimum,
and counts, reward bounds and bonuses follow. All three solve the same programs, and their optima
must agree to 1e-8. CPU milliseconds of this process for one program, one thread, medians of
interleaved repeats over the whole sequence. `warm` is all of `GroupFairLP.solve`: writing the
model, solving, checking and reading the policy. The cold rivals get their matrix ready made.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from clock import Row, cpu_seconds, print_table
from scipy.optimize import linprog

from evenhand.data.river_swim import SWIMMERS, TASKS, River
from evenhand.tabular.group_fair_lp import GroupFairLP, gap_rows
from evenhand.tabular.group_program import GroupProgram
from evenhand.tabular.linear_program import HighsSolver
from evenhand.tabular.mdp import TabularMDP
from evenhand.tabular.river_swim import river_swim_mdp

TOLERANCE, SCALE, AGREED = 1.1, 1e-3, 1e-8
# Those of our solver; with scipy's own 1e-7 its optima were off by up to 3e-7 of 650.
TIGHT = {"primal_feasibility_tolerance": 1e-9, "dual_feasibility_tolerance": 1e-9}
# Name -> river, episodes before the first program, programs.
WORLDS = {
    "2 groups, 2 tasks, S 7, H 10": (River(tasks=TASKS[:2]), 3000, 200),
    "3 groups, 3 tasks, S 12, H 12": (River(SWIMMERS, TASKS, 12, 12), 3000, 40),
}


def sequence(mdp: TabularMDP, warm_up: int, length: int) -> list[tuple[np.ndarray, ...]]:
    """The models (transition, upper, lower, bonus) that a learner would pass, one an episode."""
    rng = np.random.default_rng(0)
    groups, states, actions, tasks = mdp.rewards.shape
    counts = np.zeros(mdp.transition.shape)
    policy = np.full((groups, len(mdp.weights), states, actions), 1 / actions)
    lp, models = GroupFairLP(mdp, TOLERANCE), []
    slack = states * len(mdp.weights)
    for _ in range(warm_up + length):
        swim(rng, mdp, policy, counts)
        if len(models) < length and counts.sum() >= warm_up * groups * len(mdp.weights):
            models.append(learned(mdp, counts, slack, tasks))
            found = lp.solve(*models[-1])
            if found.policy is None:
                raise RuntimeError(f"not solved: {found.result}")
            policy = found.policy
    return models


def swim(rng: Any, mdp: TabularMDP, policy: np.ndarray, counts: np.ndarray) -> None:
    """Count the strokes of one episode of every group."""
    for g in range(mdp.num_groups):
        place = rng.choice(mdp.num_states, p=mdp.initial[g])
        for k in range(len(mdp.weights)):
            action = rng.choice(mdp.num_actions, p=policy[g, k, place])
            landed = rng.choice(mdp.num_states, p=mdp.transition[g, place, action])
            counts[g, place, action, landed] += 1
            place = landed


def learned(mdp: TabularMDP, counts: np.ndarray, slack: float, tasks: int) -> tuple[Any, ...]:
    """Mean model, optimistic and pessimistic rewards, and bonus that these counts allow."""
    total = counts.sum(-1)
    mean = np.where(total > 0, 1.0, 0.0)[..., None] * counts / np.maximum(total, 1)[..., None]
    mean += (total == 0)[..., None] / mdp.num_states
    radius = SCALE * np.sqrt(22 / np.maximum(total, 1))
    bound = slack * radius[..., None]
    alpha = slack * (1 + 4 * mdp.num_groups * len(mdp.weights))
    return mean, mdp.rewards + bound, mdp.rewards - bound, tasks * alpha * radius


class Cold:
    """The same programs, each solved from nothing by HiGHS, by itself or under scipy."""

    def __init__(self, mdp: TabularMDP, solver: str) -> None:
        self.mdp, self.solver = mdp, solver
        tolerance = np.full(len(mdp.signals), TOLERANCE)
        self.program = GroupProgram(mdp, gap_rows(tolerance, mdp.num_groups))

    def solve(self, model: tuple[np.ndarray, ...]) -> tuple[float, float]:
        """The optimum, and the CPU seconds it took once the program was written."""
        self.program.write(*model[:3])
        self.program.aim(self.mdp.rewards.sum(-1) + model[3])
        lp, flow = self.program.lp, self.program.num_flow
        found: list[float] = []
        if self.solver == "highspy":
            seconds = cpu_seconds(lambda: found.append(HighsSolver().solve(lp).objective))
            return found[0], seconds
        rows = lp.matrix.tocsr()
        parts = rows[flow:].tocsc(), lp.row_upper[flow:], rows[:flow].tocsc(), lp.row_upper[:flow]
        seconds = cpu_seconds(lambda: found.append(-linprog(-lp.cost, *parts, options=TIGHT).fun))
        return found[0], seconds


class Warm:
    """One `GroupFairLP` for the whole sequence."""

    def __init__(self, mdp: TabularMDP) -> None:
        self.lp = GroupFairLP(mdp, TOLERANCE)
        self.stats: dict[str, Any] = {}

    def solve(self, model: tuple[np.ndarray, ...]) -> tuple[float, float]:
        """The optimum, and the CPU seconds of writing, solving, checking and reading it."""
        found: list[Any] = []
        seconds = cpu_seconds(lambda: found.append(self.lp.solve(*model)))
        self.stats = found[0].stats
        return self.stats["objective"], seconds


def measure(name: str, repeats: int) -> list[Row]:
    """Two rows: warm beside each cold solver; an error where the optima differ."""
    river, warm_up, length = WORLDS[name]
    mdp = river_swim_mdp(river)
    models, times, optima, stats = sequence(mdp, warm_up, length), {}, [], {}
    for _ in range(repeats):
        for solver in ("warm", "highspy", "scipy"):
            one = Warm(mdp) if solver == "warm" else Cold(mdp, solver)
            found = np.array([one.solve(model) for model in models])
            times.setdefault(solver, []).append(1e3 * found[:, 1].mean())
            optima.append(found[:, 0])
            stats = one.stats if isinstance(one, Warm) else stats
    worst = float(np.ptp(optima, axis=0).max())
    if not worst <= AGREED:
        raise RuntimeError(f"{name}: optima differ by {worst:.2g}, more than {AGREED:g}")
    note = (
        f"{length} programs; all optima agree to {worst:.1g}; the first of a warm sequence is "
        f"cold, {stats['num_cold_fallbacks']} of the others fell back"
    )
    return [
        Row(f"{name}: warm, {rival} cold", "CPU ms", times["warm"], times[rival], note=note)
        for rival in ("highspy", "scipy")
    ]


def main() -> None:
    """Measure, print, and write what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.repeats < 1:
        sys.exit("--repeats must be at least 1")
    rows = [row for name in WORLDS for row in measure(name, options.repeats)]
    print_table(rows)
    if options.json:
        options.json.write_text(json.dumps([row.record() for row in rows], indent=1) + "\n")


if __name__ == "__main__":
    main()
