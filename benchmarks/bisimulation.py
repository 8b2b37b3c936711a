"""Measure the group bisimulation metric beside plain sweeps over POT's transport solvers.

    python benchmarks/bisimulation.py                       print the table
    python benchmarks/bisimulation.py --json result.json    write it too

CPU seconds of this process on one thread, medians of interleaved repeats. A plain sweep computes
every pair's transport anew, on the supports of the two laws, once with `ot.emd2` and once with the
compiled kernel below it; both are given the supports and laws ready made.
"""

import argparse
import json
import os
import statistics
import sys
from pathlib import Path
from typing import Any

# Threads of the linear algebra would spin beside one another's work; the rivals use one.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from clock import Row, cpu_seconds, interleaved, print_table

from evenhand.core.solution import RESULTS
from evenhand.tabular.bisimulation import group_bisimulation_metric
from evenhand.tabular.evaluation import under
from evenhand.tabular.mdp import TabularMDP

TOL = 1e-6
KINDS = {"dense": None, "sparse": (2, 9)}
SWEEP = {"emd2": "141 ms dense and 89 ms sparse", "kernel": "42 ms dense and 7 ms sparse"}


class PlainSweeps:
    """Equation 5 applied again and again, with a loop over all pairs in every sweep."""

    def __init__(self, mdp: TabularMDP, policy: np.ndarray, discount: float, solver: Any) -> None:
        move, reward = under(mdp, policy)
        groups, states, _ = move.shape
        law = np.zeros((groups, states, groups, states))
        for g in range(groups):
            law[g, :, g] = move[g]
        law, r = law.reshape(groups * states, -1), reward[..., 0].ravel()
        self.size, self.discount, self.solver = len(law), discount, solver
        support = [np.flatnonzero(row) for row in law]
        mass = [row[nodes] for row, nodes in zip(law, support, strict=True)]
        self.pairs = [
            (x, y, mass[x], mass[y], np.ix_(support[x], support[y]), abs(r[x] - r[y]))
            for x in range(self.size)
            for y in range(x)
        ]

    def sweep(self, metric: np.ndarray) -> np.ndarray:
        """The distances after one more sweep."""
        swept = np.zeros_like(metric)
        for x, y, a, b, cells, gap in self.pairs:
            swept[x, y] = swept[y, x] = gap + self.discount * self.solver(a, b, metric[cells])
        return swept

    def solve(self, tol: float) -> tuple[np.ndarray, int]:
        """Distances within `tol` of the fixed point, and the sweeps it took from zero."""
        metric, off, count = np.zeros((self.size, self.size)), np.inf, 0
        while off > tol:
            swept = self.sweep(metric)
            off = np.abs(swept - metric).max() * self.discount / (1 - self.discount)
            metric, count = swept, count + 1
        return metric, count


def model(groups: int, states: int, width: tuple[int, int] | None) -> tuple[TabularMDP, np.ndarray]:
    """A random model and policy whose rows under it have `width` successors, or all states."""
    rng = np.random.default_rng(0)
    transition = np.zeros((groups, states, 2, states))
    for row in transition.reshape(-1, 2, states):
        count = states if width is None else rng.integers(width[0], width[1] + 1)
        row[:, rng.choice(states, count, replace=False)] = rng.dirichlet(np.ones(count), 2)
    rewards = rng.random((groups, states, 2, 1))
    uniform = np.full((groups, states), 1 / states)
    mdp = TabularMDP(transition, rewards, uniform, np.ones(groups), discount=0.9)
    return mdp, rng.dirichlet(np.ones(2), (groups, states))


def solvers() -> dict[str, Any]:
    """POT's two ways to one exact transport cost."""
    try:
        import ot
        from ot.lp.emd_wrap import emd_c
    except ImportError:
        sys.exit("This benchmark compares with POT: python -m pip install 'evenhand[transport]'")

    def kernel(a: np.ndarray, b: np.ndarray, cost: np.ndarray) -> float:
        return emd_c(a, b, cost, 100_000, 1)[1]

    return {"emd2": ot.emd2, "kernel": kernel}


def one_sweep(kind: str, rivals: dict[str, Any], repeats: int) -> list[Row]:
    """Milliseconds a sweep over the 435 pairs of 30 states, near the fixed point."""
    mdp, policy = model(1, 30, KINDS[kind])
    found = group_bisimulation_metric(mdp, policy, 0.99, TOL)
    sweeps = found.stats["iterations"]
    rows = []
    for name, solver in rivals.items():
        plain = PlainSweeps(mdp, policy, 0.99, solver)
        ours, other = interleaved(
            lambda _: group_bisimulation_metric(mdp, policy, 0.99, TOL),
            lambda _, plain=plain: plain.sweep(found.value),
            repeats,
        )
        row = Row(f"sweep, 30 states, {kind}, {name}", "CPU ms", [1e3 * s / sweeps for s in ours])
        row.other = [1e3 * s for s in other]
        row.note = (
            f"ours is a solution's share, set-up included, of its {sweeps} re-optimisations; "
            f"{name} on another machine: {SWEEP[name]}"
        )
        rows.append(row)
    return rows


def whole(kind: str, discount: float, rivals: dict[str, Any], repeats: int) -> list[Row]:
    """CPU seconds to within 1e-6 for 60 pairs of state and group."""
    mdp, policy = model(2, 30, KINDS[kind])
    found = group_bisimulation_metric(mdp, policy, discount, TOL)
    if found.result is not RESULTS.successful:
        raise RuntimeError(f"not solved: {found.stats}")
    steps, error = found.stats["iterations"], found.stats["error_bound"]
    # The contraction's own rate, from zero: discount^k max d <= tol.
    sweeps = int(np.ceil(np.log(TOL / found.value.max()) / np.log(discount)))
    rows = []
    for (name, solver), bar in zip(rivals.items(), (5, 1.5), strict=True):
        plain = PlainSweeps(mdp, policy, discount, solver)
        # Sweeps late in the run, as most of them are.
        ours, other = interleaved(
            lambda _: group_bisimulation_metric(mdp, policy, discount, TOL),
            lambda _, plain=plain: plain.sweep(found.value),
            repeats,
        )
        row = Row(f"|S| |G| = 60, {kind}, {discount}, {name}", "CPU s", ours)
        row.other = [sweeps * s for s in other]
        row.bar = f"< 60 s, other >= {bar}x"
        row.note = (
            f"other extrapolated: {sweeps} sweeps of {1e3 * statistics.median(other):.0f} ms; "
            f"ours: {steps} sweeps, error at most {error:.1e}"
        )
        rows.append(row)
    return rows


def run_out(kind: str, discount: float, rivals: dict[str, Any]) -> list[Row]:
    """CPU seconds of both to within 1e-6 with nothing extrapolated, once."""
    mdp, policy = model(2, 30, KINDS[kind])
    plain, found = PlainSweeps(mdp, policy, discount, rivals["kernel"]), []
    other = cpu_seconds(lambda: found.extend(plain.solve(TOL)))
    ours = cpu_seconds(
        lambda: found.append(group_bisimulation_metric(mdp, policy, discount, TOL).value)
    )
    metric, count, own = found
    apart = np.abs(metric - own).max()
    row = Row(f"run out, 60, {kind}, {discount}, kernel", "CPU s", [ours], [other])
    row.note = f"{count} sweeps run, not extrapolated; results at most {apart:.1e} apart"
    return [row]


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="file for the result")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    rivals, rows = solvers(), []
    for kind in KINDS:
        rows += one_sweep(kind, rivals, options.repeats)
        for discount in (0.9, 0.99):
            rows += whole(kind, discount, rivals, options.repeats)
    for kind, discount in (("dense", 0.9), ("sparse", 0.9), ("sparse", 0.99)):
        rows += run_out(kind, discount, rivals)
    print_table(rows)
    if options.json:
        options.json.write_text(json.dumps([row.record() for row in rows], indent=1) + "\n")


if __name__ == "__main__":
    main()
