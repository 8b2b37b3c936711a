"""How far block-coordinate methods stop from the joint optimum, on RiverSwim.

    python papers/multitask_group_fairness/block_coordinate.py            everything
    python papers/multitask_group_fairness/block_coordinate.py --exact    exact turns alone
    python papers/multitask_group_fairness/block_coordinate.py --draw     the figure again

The optimum is the linear program over all groups' policies at once. Beside it stand (1) exact
turns: one group's policy is the best there is while the others' returns stay fixed, until nothing
changes, from several policies and in both orders; (2) FOCOPS, which takes the same turns in small
steps and from samples, with constraints on all tasks, on the first alone, and on none. Returns of
learned policies are exact: on RiverSwim with the strokes left shown they are finite tables. Its
settings were chosen among six on seeds 100 and 101, two groups, two tasks, tolerance 1.1; the
seeds reported are others. Results go to `results/block_coordinate_*.csv` and `.png`.
"""

import sys
from itertools import product
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
import matplotlib.pyplot as plt
import numpy as np

from evenhand.algorithms.focops import FOCOPS
from evenhand.algorithms.focops_variants import only_constraining
from evenhand.algorithms.parts.trust_region import TrustRegion
from evenhand.core.files import write_text
from evenhand.core.training import train
from evenhand.data.river_swim import TASKS, River, swimmers
from evenhand.envs.river_swim import RiverSwim
from evenhand.experiments.compilation import configure_compilation
from evenhand.experiments.figures.style import INK, MUTED, styled
from evenhand.experiments.training import pick
from evenhand.tabular.block_coordinate import block_ascent
from evenhand.tabular.evaluation import expected_returns
from evenhand.tabular.group_fair_lp import GroupFairLP
from evenhand.tabular.mdp import TabularMDP
from evenhand.tabular.river_swim import oracle_initial_policy, river_swim_mdp

RESULTS = Path(__file__).parent / "results"
TOLERANCES, SEEDS, UPDATES = (1.1, 0.5), 3, 800
# Groups, tasks and what is constrained; the neighbours of the full method at tolerance 1.1 alone.
LEARNERS = (
    (2, 2, "all"),
    (2, 1, "all"),
    (2, 2, TASKS[0]),
    (2, 2, "none"),
    (3, 2, "all"),
    (3, 1, "all"),
)
EXACT = "groups,tasks,tolerance,start,order,optimum,total,share,sweeps,excess"
LEARNED = "groups,tasks,tolerance,constrained,seed,optimum,total,share,largest_gap,gaps,returns"


def learner(env: RiverSwim, tolerance: float) -> FOCOPS:
    """FOCOPS with the settings of this study."""
    region = TrustRegion(
        num_epochs=6, num_minibatches=4, temperature=1.0, kl_limit=0.05, entropy_weight=1.0
    )
    return FOCOPS(
        num_envs=60, num_steps=env.episode_steps, width=32, learning_rate=3e-3, critic_rate=3e-3,
        discount=1.0, tolerance=tolerance, multiplier_rate=0.05, region=region,
        anneal_updates=UPDATES,
    )  # fmt: skip


def starts(mdp: TabularMDP) -> dict[str, np.ndarray]:
    """Policies that turns may start from; "free" breaks the constraints."""
    shape = (mdp.num_groups, mdp.num_states, mdp.num_actions)
    free, modest = GroupFairLP(mdp).solve().policy, oracle_initial_policy(mdp).policy
    left = np.broadcast_to([1.0, 0.0], shape)
    if free is None or modest is None:
        raise RuntimeError("a program without a solution")
    return {"initial": modest, "uniform": np.full(shape, 0.5), "left": left, "free": free}


def exact_rows(groups: int, tasks: int) -> list[str]:
    """One row for every tolerance, start and order."""
    mdp, rows = river_swim_mdp(River(swimmers(groups), TASKS[:tasks])), []
    for tolerance, (start, policy) in product(TOLERANCES, starts(mdp).items()):
        best = optimum(mdp, tolerance)
        for order in (tuple(range(groups)), tuple(range(groups))[::-1]):
            end = block_ascent(mdp, tolerance, policy, order=order)
            said = "".join("ABC"[g] for g in order)
            rows.append(
                f"{groups},{tasks},{tolerance},{start},{said},{best:.6f},{end.totals[-1]:.6f},"
                f"{end.totals[-1] / best:.4f},{end.sweeps},{end.excess:.1e}"
            )
    return rows


def optimum(mdp: TabularMDP, tolerance: float) -> float:
    """The joint optimum of the total return."""
    J = GroupFairLP(mdp, tolerance).solve().J
    if J is None:
        raise RuntimeError(f"no policies keep the tolerance {tolerance}")
    return float(J.sum())


def learned_rows(groups: int, tasks: int, limited: str) -> list[str]:
    """One row for every tolerance and seed."""
    river, rows = River(swimmers(groups), TASKS[:tasks]), []
    mdp, env = river_swim_mdp(river), RiverSwim(river)
    for tolerance in TOLERANCES if limited == "all" else TOLERANCES[:1]:
        algorithm = only_constraining(learner(env, tolerance), limited)
        states, _ = train(
            jr.split(jr.key(0), SEEDS), algorithm, env, env.default_params(),
            num_updates=UPDATES, train_episode_steps=env.episode_steps,
        )  # fmt: skip
        best = optimum(mdp, tolerance)
        for seed in range(SEEDS):
            policy = algorithm.policy(pick(states, seed, True))
            J = expected_returns(mdp, table(env, policy))
            gaps = np.ptp(J, 0)
            rows.append(
                f"{groups},{tasks},{tolerance},{limited},{seed},{best:.6f},{J.sum():.6f},"
                f"{J.sum() / best:.4f},{gaps.max():.4f},{_listed(gaps)},{_listed(J.ravel())}"
            )
            print(rows[-1], flush=True)
    return rows


def table(env: RiverSwim, policy: Any) -> np.ndarray:
    """`(G, H, S, A)` the policy as a finite table over group, stroke and place."""
    G, H, S = env.num_groups, env.horizon, env.num_levels
    obs = np.zeros((G, H, S, env.obs_size), np.float32)
    obs[..., env.slices["score-onehot"]] = np.eye(S)
    obs[..., env.slices["group"]] = np.eye(G)[:, None, None]
    left = (H - np.arange(H)) / H
    obs[..., env.slices["turn-left"]] = left[None, :, None, None]
    ask = jax.jit(jax.vmap(lambda row: policy.distribution(row).log_probs))
    found = np.exp(np.asarray(ask(jnp.asarray(obs.reshape(-1, env.obs_size))), np.float64))
    return (found / found.sum(-1, keepdims=True)).reshape(G, H, S, -1)


def _listed(numbers: np.ndarray) -> str:
    return " ".join(f"{number:.4f}" for number in numbers)


def draw() -> None:
    """The figure: a row per setting; hollow points exceed the tolerance by more than 0.01."""
    tables = {}
    for file in ("exact", "learned"):
        lines = (RESULTS / f"block_coordinate_{file}.csv").read_text().splitlines()
        names, *rows = [line.split(",") for line in lines]
        found = [dict(zip(names, row, strict=True)) for row in rows]
        tables[file] = [row for row in found if row.get("constrained", "all") == "all"]
    kinds = sorted({_kind(row) for rows in tables.values() for row in rows}, reverse=True)
    with styled():
        figure, axes = plt.subplots(1, 2, figsize=(9.5, 4.2), sharey=True)
        titles = ("Exact turns, from four starts in two orders", "FOCOPS, three seeds")
        for axis, rows, title in zip(axes, tables.values(), titles, strict=True):
            for row in rows:
                over = float(row.get("largest_gap", 0)) > float(row["tolerance"]) + 0.01
                face = "none" if over else INK
                place, share = kinds.index(_kind(row)), float(row["share"])
                axis.plot(share, place, "o", color=INK, markerfacecolor=face, alpha=0.7)
            axis.axvline(1.0, color=MUTED, linewidth=0.9)
            axis.set_title(title, size=9.5, loc="left")
            axis.set_xlabel("total return, share of the joint optimum", size=9)
        axes[0].set_yticks(range(len(kinds)), [_said(kind) for kind in kinds], size=8.5)
        axes[1].plot([], [], "o", color=INK, markerfacecolor="none", label="gap over the tolerance")
        axes[1].legend(loc="lower right", frameon=False, fontsize=8.5)
        figure.tight_layout()
        figure.savefig(RESULTS / "block_coordinate.png", dpi=120)


def _kind(row: dict[str, str]) -> tuple[str, str, str]:
    return row["tasks"], row["groups"], row["tolerance"]


def _said(kind: tuple[str, str, str]) -> str:
    tasks, groups, tolerance = kind
    return f"{groups} groups, {tasks} task{'s' * (tasks != '1')}, tolerance {tolerance}"


def main() -> None:
    """Compute what is asked for, and write it."""
    RESULTS.mkdir(exist_ok=True)
    if "--draw" in sys.argv:
        return draw()
    rows = [row for G, M in product((2, 3), (1, 2, 3)) for row in exact_rows(G, M)]
    write_text(RESULTS / "block_coordinate_exact.csv", "\n".join([EXACT, *rows]) + "\n")
    if "--exact" not in sys.argv:
        configure_compilation()
        rows = []
        for setting in LEARNERS:
            rows += learned_rows(*setting)
            text = "\n".join([LEARNED, *rows]) + "\n"
            write_text(RESULTS / "block_coordinate_learned.csv", text)
        draw()


if __name__ == "__main__":
    main()
