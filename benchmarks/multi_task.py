"""Seconds of L2T-FMT's training, beside plain PyTorch loops, and how they grow with the tasks.

    python benchmarks/multi_task.py                               ours alone
    python benchmarks/multi_task.py --rival-python OTHER/bin/python   both, interleaved
    python benchmarks/multi_task.py --tasks --out results.json --figure figure.png

ACS PUMS Massachusetts, 5 tasks, 40,365 rows to train on, 20 epochs, batches of 1,024, the small
network, two threads on both sides. `--tasks` times a batch with 2 to 31 targets made from the same
inputs. Each measurement has a process of its own; the first of ours compiles, and is told apart.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EPOCHS, THREADS = 20, 2
COUNTS = (2, 5, 10, 17, 24, 31)


def ours(path: str, epochs: int, method: str) -> dict[str, float]:
    """Seconds of a whole `fit`, of a first one and of one more in the same process."""
    import numpy as np

    from evenhand import supervised
    from evenhand.experiments.compilation import configure_compilation

    configure_compilation()
    data = np.load(path)
    held = data["X"][:1000], data["Y"][:1000], data["s"][:1000]
    found = {}
    for name in ("first ", ""):
        model = getattr(supervised, method)(random_state=0, epochs=epochs)
        cpu, wall = time.process_time(), time.perf_counter()
        model.fit(data["X"], data["Y"], sensitive_features=data["s"], validation=held)
        found[f"{name}cpu"] = time.process_time() - cpu
        found[f"{name}wall"] = time.perf_counter() - wall
    return found


def child(words: list[str]) -> dict[str, float]:
    """What a measuring process printed last."""
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def save_data(folder: Path, num_tasks: int | None) -> Path:
    """The rows to train on as a file; with `num_tasks`, targets are noisy signs of projections."""
    import numpy as np

    from evenhand.supervised import load_acs_massachusetts

    table = load_acs_massachusetts()
    Y = table.Y_train
    if num_tasks is not None:
        rng = np.random.default_rng(0)
        score = table.X_train @ rng.normal(size=(table.X_train.shape[1], num_tasks))
        Y = (score + score.std(0) * rng.normal(size=score.shape) > score.mean(0)).astype(np.int8)
    path = folder / f"data-{num_tasks}.npz"
    np.savez(path, X=table.X_train, Y=Y, s=table.s_train)
    return path


def beside(rival: str | None, repeats: int) -> dict[str, list[dict[str, float]]]:
    """Every repeat of both sides, interleaved."""
    rows: dict[str, list[dict[str, float]]] = {"ours": []} | ({"rival": []} if rival else {})
    loops = str(Path(__file__).with_name("torch_loops.py"))
    with tempfile.TemporaryDirectory() as folder:
        path = str(save_data(Path(folder), None))
        for _ in range(repeats):
            side = [sys.executable, __file__, "--side", path, "--method", "L2TFMT"]
            rows["ours"].append(child(side))
            if rival:
                rows["rival"].append(child([rival, loops, path, str(EPOCHS), str(THREADS)]))
    return rows


def by_tasks(repeats: int, epochs: int = 2) -> dict[str, list[dict[str, float]]]:
    """Milliseconds of CPU a batch, by method and number of tasks."""
    found: dict[str, list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for num_tasks in COUNTS:
            path = str(save_data(Path(folder), num_tasks))
            for method in ("VanillaMTL", "L2TFMT"):
                words = [sys.executable, __file__, "--side", path, "--method", method]
                rows = [child([*words, "--epochs", str(epochs)]) for _ in range(repeats)]
                batches = epochs * (40_365 // 1024)
                cpu = 1000 * statistics.median(row["cpu"] for row in rows) / batches
                found.setdefault(method, []).append({"tasks": num_tasks, "ms": cpu})
                print(f"{method}, {num_tasks} tasks: {cpu:.1f} ms of CPU a batch", flush=True)
    return found


def draw(found: dict[str, list[dict[str, float]]], path: Path) -> None:
    """The cost of a batch against the number of tasks, beside growth in proportion."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    # Above its point for the dearer method, below it for the other: the ends lie close together.
    for (method, rows), colour, up in zip(
        found.items(), ("#009e73", "#4b3a9b"), (-9, 9), strict=True
    ):
        tasks, ms = [row["tasks"] for row in rows], [row["ms"] for row in rows]
        axes.plot(tasks, ms, "o-", color=colour)
        axes.annotate(
            method,
            (tasks[-1], ms[-1]),
            (8, up),
            textcoords="offset points",
            va="center",
            color=colour,
        )
        if method == "L2TFMT":
            end = 10
            axes.plot([tasks[0], end], [ms[0], ms[0] * end / tasks[0]], ":", color="grey")
            axes.annotate(
                "in proportion", (end, ms[0] * end / tasks[0]), (6, 0),
                textcoords="offset points", va="center", color="grey",
            )  # fmt: skip
    axes.set(xlabel="tasks", ylabel="ms of CPU a batch of 1,024", ylim=(0, None))
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.02)
    axes.set_xlim(0, 40)
    figure.savefig(path, dpi=150)


def main() -> None:
    """Measure, print, and write what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rival-python", help="an interpreter with torch and numpy")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--tasks", action="store_true", help="the growth with the number of tasks")
    parser.add_argument("--side", help="ours alone on this data, as JSON")
    parser.add_argument("--method", default="L2TFMT")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--out", type=Path, help="write every repeat here")
    parser.add_argument("--figure", type=Path, help="draw the growth here")
    options = parser.parse_args()
    if options.side:
        print(json.dumps(ours(options.side, options.epochs, options.method)))
        return
    if options.tasks:
        rows = by_tasks(options.repeats)
        if options.figure:
            draw(rows, options.figure)
    else:
        rows = beside(options.rival_python, options.repeats)
        for name, found in rows.items():
            for clock in found[0]:
                print(f"{name}: {statistics.median(row[clock] for row in found):.1f} s, {clock}")
    if options.out:
        options.out.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
