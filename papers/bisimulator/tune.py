"""The one small search behind the study's settings: the same budget for every method.

    python papers/bisimulator/tune.py runs/tuning            # about a quarter of an hour
    python papers/bisimulator/tune.py runs/tuning lending    # one world only

Every method gets SIX settings x TWO seeds (1000 and 1001; verdicts use seeds from 0) x 400,000
steps in each of two worlds, Lending (credit only, 1,000 people a group) and Admissions; the other
scenarios take Lending's choice. PPO is searched first; every method built on PPO then keeps PPO's
choice and searches its own weights, and likewise for DQN. PPO and DQN are chosen by return alone.
Methods that aim at groups are chosen by

    score = return / (return of the myopic rule) - recall gap - final gap of true scores / its start

on the mean of the two seeds; for Admissions, where true scores never move, by

    score = return / (return of the rule) - recall gap - (group 2's social burden) / (the rule's).

The rule is Max-util in Lending and the accuracy classifier in Admissions. Results go to
`results/tuning-<world>.csv`; finished settings are kept, so an interrupted search goes on.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from evenhand.experiments.compilation import configure_compilation
from evenhand.experiments.config import Experiment
from evenhand.experiments.paper.tuning import best_of, product, tried, write_rows, written

HERE = Path(__file__).parent
WORLDS = {
    "lending": ("Lending-v0", "gym", "max-util"),
    "admissions": ("Admissions-v0", "college", "accuracy-classifier"),
}
SEEDS, FIRST_SEED, STEPS = 2, 1000, 400_000


PLAIN = {
    "ppo": product(learning_rate=[1e-4, 2.5e-4, 1e-3], entropy_weight=[0.0, 0.01]),
    "dqn": product(learning_rate=[1e-4, 2.5e-4, 1e-3], last_epsilon=[0.01, 0.05]),
}
_BISIMULATOR = product(alpha=[0.05, 0.1, 0.2], reward_rate=[3e-4, 1e-3])
GRIDS: dict[str, list[dict[str, float]]] = {
    "bisimulator-ppo": _BISIMULATOR,
    "bisimulator-ppo-reward": _BISIMULATOR,
    "bisimulator-dqn": _BISIMULATOR,
    "bisimulator-dqn-reward": _BISIMULATOR,
    "elbert-po": product(alpha=[1e3, 3e3, 1e4, 3e4, 1e5, 3e5]),
    "a-ppo": product(threshold_weight=[0.25, 1.0, 4.0], decrease_weight=[0.25, 1.0]),
    "r-ppo": product(gap_weight=[0.1, 0.3, 1.0, 2.0, 5.0, 10.0]),
    "lagrangian-ppo": product(multiplier_rate=[0.01, 0.1, 1.0], tolerance=[0.01, 0.05]),
    "f-ppo-l": product(narrow_weight=[0.3, 1.12, 4.0], keep_weight=[0.3, 1.0]),
    "f-ppo-s": product(shrink=[0.95, 0.985, 0.995], iterations_per_update=[0.5, 2.0]),
}


def solver_of(method: str) -> str:
    """The plain learner a method is built on."""
    return "dqn" if "dqn" in method else "ppo"


def settings(method: str, chosen: dict[str, dict[str, float]]) -> Iterator[dict[str, float]]:
    """The six settings of a method, its solver's choice included."""
    for own in PLAIN.get(method) or GRIDS[method]:
        yield {**chosen.get(solver_of(method), {}), **own}


def run(world: str, method: str, setting: dict[str, float], runs: Path) -> dict[str, float]:
    """Mean results of one setting over the tuning seeds."""
    env, preset, _ = WORLDS[world]
    base = Experiment(
        name="tuning", env=env, preset=preset, seeds=SEEDS, first_seed=FIRST_SEED, steps=STEPS,
        criteria=(), frontier_points=2,
    )  # fmt: skip
    return tried(base, method, setting, runs)


def score(world: str, found: dict[str, float], rule: dict[str, float]) -> float:
    """The criterion of methods that aim at groups; higher is better."""
    earned = found["return"] / rule["return"]
    if world == "lending":
        # The groups' true scores start one level apart.
        return earned - found["recall_difference"] - found["credit_gap_true"]
    burden = found["social_burden:group 2"] / rule["social_burden:group 2"]
    return earned - found["recall_difference"] - burden


def search(world: str, runs: Path) -> list[dict[str, object]]:
    """One row per method and setting; the chosen setting of a method is marked."""
    rule = run(world, WORLDS[world][2], {}, runs)
    chosen: dict[str, dict[str, float]] = {}
    rows: list[dict[str, object]] = []
    for method in (*PLAIN, *GRIDS):
        tries = []
        for setting in settings(method, chosen):
            found = run(world, method, setting, runs)
            by = found["return"] if method in PLAIN else score(world, found, rule)
            tries.append((by, setting, found))
            print(f"{world} {method} {setting}: {by:.4g}", flush=True)
        # Nobody admitted: no burden to speak of, so no score; such a setting is never chosen.
        best = best_of(by for by, _, _ in tries)
        if method in PLAIN:
            chosen[method] = tries[best][1]
        rows += [_row(world, method, *one, i == best) for i, one in enumerate(tries)]
    return rows


SHOWN = (
    "return", "recall:group 1", "recall:group 2", "recall_difference", "credit_gap_true",
    "credit_gap_observed", "social_burden:group 2",
)  # fmt: skip


def _row(
    world: str,
    method: str,
    by: float,
    setting: dict[str, float],
    found: dict[str, float],
    best: bool,
) -> dict[str, object]:
    measures = {name: round(found[name], 4) for name in SHOWN if name in found}
    head = {"world": world, "method": method, "setting": written(method, setting)}
    return {**head, **measures, "criterion": round(by, 4), "chosen": best}


def main(arguments: list[str]) -> None:
    """Search the worlds named, or both, and write what came out."""
    configure_compilation()
    runs = Path(arguments[0] if arguments else "runs/tuning")
    for world in arguments[1:] or WORLDS:
        rows = search(world, runs / world)
        write_rows(HERE / "results" / f"tuning-{world}.csv", rows)
        for row in rows:
            if row["chosen"]:
                print(f"chosen in {world}: {row['setting']}")


if __name__ == "__main__":
    main(sys.argv[1:])
