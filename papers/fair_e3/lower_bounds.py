"""The exact time that equal treatment of actions costs on two chains: numbers and a figure.

    python papers/fair_e3/lower_bounds.py

Left: the chain of Definition 6 (Jabbari et al. 2017) under fairness and under alpha-choice
fairness, with the slopes of Theorems 3 and 4 and the exact ones. Middle: alpha-action fairness on
the costly chain, and beside it the certified learner on the chain of Definition 6, where the
notion does not bind. Right: the longest costly chains against 1 / (1 - discount), with the slope
of Theorem 5. Points are means over walks drawn run by run. Everything goes to `results/`.
"""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from evenhand.core.files import write_text
from evenhand.experiments.figures.style import METHOD_COLOURS, margins, new_figure, save, styled
from evenhand.tabular.certified_actions import CertifiedActions, steps_to_last
from evenhand.tabular.families import chain, longest_costly_chain, relabelled
from evenhand.tabular.lower_bound import (
    Growth,
    action_exponent,
    ahead_chance,
    chain_deficit,
    chain_growth,
    costly_deficit,
    costly_growth,
    hitting_time,
)
from evenhand.tabular.run_lengths import sample_walks, sampled_steps

RESULTS = Path(__file__).parent / "results"
SIZES, EPS = tuple(range(4, 25, 2)), 0.1
CHAIN, COSTLY = 0.6, 0.95  # discounts
ALPHAS, ACTION_ALPHA = (0.0, 0.05, 0.1, 0.2), 0.05
DISCOUNTS = (0.8, 0.85, 0.9, 0.92, 0.94, 0.95)
DRAWN, WALKS = (6, 8, 10, 12, 14, 16), 200
CROSSED, RUNS = (8, 12, 16, 20, 24, 32), 20
HEADER = "panel,alpha,discount,n,kind,steps"


def chain_rows() -> list[tuple]:
    """Exact and drawn times on the chain of Definition 6."""
    rows, generator = [], np.random.default_rng(0)
    for alpha in ALPHAS:
        growth = chain_growth(SIZES, 2, CHAIN, EPS, alpha)
        rows += [
            ("choice", alpha, CHAIN, n, "exact", t)
            for n, t in zip(SIZES, growth.steps, strict=True)
        ]
        chance = ahead_chance(2, alpha)
        for n in DRAWN:
            walks = sample_walks(n, chance, WALKS, generator)
            drawn = sampled_steps(walks, chain_deficit(n, CHAIN), 2 * EPS / (1 - CHAIN))
            rows.append(("choice", alpha, CHAIN, n, "drawn", drawn))
    return rows


def costly_rows() -> list[tuple]:
    """Times on the costly chain; on that of Definition 6, mean steps to the last state."""
    a, d, generator = ACTION_ALPHA, COSTLY, np.random.default_rng(1)
    sizes = tuple(range(8, longest_costly_chain(a, d) + 1))
    growth = costly_growth(sizes, 2, d, EPS, a)
    rows = [("action", a, d, n, "exact", t) for n, t in zip(sizes, growth.steps, strict=True)]
    for n in DRAWN[1:]:
        walks = sample_walks(n, 0.5, WALKS, generator)
        drawn = sampled_steps(walks, costly_deficit(n, a, d), 2 * EPS / (1 - d))
        rows.append(("action", a, d, n, "drawn", drawn))
    for n in CROSSED:
        steps = [crossed(n, a, d, seed) for seed in range(RUNS)]
        rows.append(("action", a, d, n, "certified", np.mean(steps)))
        rows.append(("action", a, d, n, "uniform", hitting_time(n, 0.5)))
    return rows


def crossed(n: int, alpha: float, discount: float, seed: int) -> int:
    """Steps of one certified learner to the last state, actions named at random."""
    generator = np.random.default_rng(seed)
    names = generator.permuted(np.tile([0, 1], (n, 1)), axis=1)
    mdp = relabelled(chain(n, 2, discount), names)
    learner = CertifiedActions(n, 2, discount, alpha)
    moves, rewards = mdp.transition[0].argmax(-1), mdp.rewards[0, :, 0, 0]
    steps, _, _ = steps_to_last(learner, moves, rewards, generator, 10**6)
    if steps is None:
        raise RuntimeError(f"the last of {n} states was not reached")
    return steps


def discount_rows() -> list[tuple]:
    """Times on the longest costly chain of each discount."""
    rows = []
    for d in DISCOUNTS:
        n = longest_costly_chain(ACTION_ALPHA, d)
        (steps,) = costly_growth((n,), 2, d, EPS, ACTION_ALPHA).steps
        rows.append(("discount", ACTION_ALPHA, d, n, "exact", steps))
    return rows


def chosen(rows: list[tuple], panel: str, kind: str, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """(n, steps) of these rows."""
    found = [(r[3], r[5]) for r in rows if (r[0], r[4], r[1]) == (panel, kind, alpha)]
    return tuple(np.array(found, float).T)  # pyright: ignore[reportReturnType]


def draw(rows: list[tuple]) -> None:
    """The three panels."""
    with styled():
        figure = new_figure("wide", 3.5)
        left, middle, right = figure.subplots(1, 3)
        margins(figure, 0.55, 0.1, 0.45, 0.3, wspace=0.32)
        draw_choice(left, rows)
        draw_action(middle, rows)
        draw_discount(right, rows)
        for axes in (left, middle, right):
            axes.set_yscale("log")
            axes.tick_params(labelsize=7.5)
            axes.legend(fontsize=6, frameon=False, loc="upper left", handlelength=1.8)
        left.set_ylabel("steps to eps = 0.1", size=8)
    save(figure, RESULTS / "lower_bounds.png")


def draw_choice(axes: Axes, rows: list[tuple]) -> None:
    """Exact times, drawn ones, and the two slopes of each alpha."""
    for colour, alpha in zip(METHOD_COLOURS, ALPHAS, strict=False):
        n, steps = chosen(rows, "choice", "exact", alpha)
        growth = Growth((2, 3), (1, 1), 1 / ahead_chance(2, alpha), 2 / (1 + 2 * alpha))
        label = f"alpha {alpha:g}" if alpha else "fair"
        axes.plot(n, steps, color=colour, label=label)
        axes.plot(*chosen(rows, "choice", "drawn", alpha), "o", color=colour, markersize=3.5)
        # The theorem's lower slope starts where the curve does, so that it stays below it.
        for base, line, at in ((growth.exact_base, ":", -1), (growth.paper_base, "--", 0)):
            axes.plot(n, steps[at] * base ** (n - n[at]), line, color=colour, linewidth=0.9)
    axes.plot([], [], ":", color="black", linewidth=0.9, label="slope, exact base")
    axes.plot([], [], "--", color="black", linewidth=0.9, label="slope of the theorem")
    axes.plot([], [], "o", color="black", markersize=3.5, label="drawn walks")
    axes.set_title("Definition 6, choice", size=8.5)
    axes.set_xlabel("states n", size=8)
    axes.set_ylim(10, 1e11)


def draw_action(axes: Axes, rows: list[tuple]) -> None:
    """The costly chain, and what the certified learner needs on the other one."""
    a, (c0, c1, c2, *_) = ACTION_ALPHA, METHOD_COLOURS
    n, steps = chosen(rows, "action", "exact", a)
    axes.plot(n, steps, color=c0, label="costly chain, best learner")
    axes.plot(
        n, steps[-1] * 2.0 ** (n - n[-1]), ":", color=c0, linewidth=0.9, label="slope, base 2"
    )
    axes.plot(*chosen(rows, "action", "drawn", a), "o", color=c0, markersize=3.5)
    axes.plot(*chosen(rows, "action", "uniform", a), "s--", color=c2, markersize=3,
              label="Def. 6, uniform, to last state")  # fmt: skip
    axes.plot(*chosen(rows, "action", "certified", a), "^-", color=c1, markersize=4,
              label="Def. 6, certified, to last state")  # fmt: skip
    axes.set_title("alpha-action, alpha 0.05", size=8.5)
    axes.set_xlabel("states n", size=8)
    axes.set_ylim(10, 1e20)


def draw_discount(axes: Axes, rows: list[tuple]) -> None:
    """The longest costly chains over 1 / (1 - discount), and the slope of Theorem 5."""
    found = np.array([(1 / (1 - r[2]), r[5]) for r in rows if r[0] == "discount"])
    x, steps = found.T
    axes.plot(x, steps, "o-", color=METHOD_COLOURS[0], markersize=3.5, label="longest costly chain")
    for c, line in ((1.0, "--"), (0.5, ":")):
        theory = [2 ** action_exponent(1 - 1 / one, c) for one in x]
        axes.plot(
            x, theory, line, color="black", linewidth=0.9, label=f"2^(c/(1-discount)), c = {c}"
        )
    axes.set_title("Theorem 5's own axis", size=8.5)
    axes.set_xlabel("1 / (1 - discount)", size=8)
    axes.set_ylim(1, 1e24)


def main() -> None:
    """Compute, write and draw."""
    RESULTS.mkdir(exist_ok=True)
    rows = chain_rows() + costly_rows() + discount_rows()
    lines = [",".join(f"{one:.1f}" if isinstance(one, np.floating) else str(one) for one in row)
             for row in rows]  # fmt: skip
    write_text(RESULTS / "lower_bounds.csv", "\n".join([HEADER, *lines]) + "\n")
    draw(rows)


if __name__ == "__main__":
    main()
