"""Predict several targets from one's own CSV: accuracy and equalised odds of every target.

    python examples/several_targets.py people.csv employed,insured sex
    python examples/several_targets.py people.csv employed=yes,insured race black

A target of words says which one counts as 1; a group of several values, which one is protected.
Without a file it writes a small one of its own: people of two groups whose targets depend on the
same inputs, with a shift by group.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl


def main(
    path: str | None = None,
    targets: str = "employed,insured",
    group: str = "sex",
    protected: str | None = None,
) -> dict:
    """Accuracy and violation `(M,)` by method."""
    from evenhand.metrics.multi_task import equalized_odds_violation, task_accuracy
    from evenhand.supervised import L2TFMT, VanillaMTL, load_table

    named = {name: value for name, _, value in (word.partition("=") for word in targets.split(","))}
    positive = {target: value for target, value in named.items() if value}
    table = load_table(path or made_up(), list(named), group, protected, positive)
    held = table.X_val, table.Y_val, table.s_val
    found = {}
    for model in (VanillaMTL(random_state=0), L2TFMT(random_state=0)):
        model.fit(table.X_train, table.Y_train, sensitive_features=table.s_train, validation=held)
        decided = model.predict(table.X_test)
        accuracy = task_accuracy(table.Y_test, decided)
        apart = equalized_odds_violation(table.Y_test, decided, table.s_test)
        found[type(model).__name__] = accuracy, apart
        for task, right, gap in zip(table.task_names, accuracy, apart, strict=True):
            print(f"{type(model).__name__:10} {task:10} accuracy {right:.3f}, violation {gap:.3f}")
    return found


def made_up() -> Path:
    """A CSV of 6,000 people."""
    rng = np.random.default_rng(0)
    sex, skill, age = rng.integers(0, 2, 6000), rng.normal(size=6000), rng.uniform(18, 70, 6000)
    latent = np.stack([skill + 0.8 * sex, 0.5 * skill + (age - 44) / 20 - 0.6 * sex], 1)
    targets = latent + rng.normal(size=latent.shape) > 0.3
    frame = pl.DataFrame(
        {
            "sex": np.where(sex, "m", "f"),
            "skill": skill,
            "age": age,
            "employed": targets[:, 0].astype(int),
            "insured": targets[:, 1].astype(int),
        }
    )
    path = Path(tempfile.mkdtemp()) / "people.csv"
    frame.write_csv(path)
    return path


if __name__ == "__main__":
    main(*sys.argv[1:])
