"""People with several binary targets and one binary group, in three parts: the one data contract.

Axes: N, V and M people of the training, validation and test part, F features, T tasks, G = 2
groups. The protected group is the last one, index 1, as g in Roy & Ntoutsi 2022, section 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float, Int8, Shaped

from evenhand.core.errors import InputError, unknown_name
from evenhand.supervised.multi_task_checks import check_part, check_training_cells, checked_names

PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class MultiTaskTable:
    """Inputs, targets and groups of people; features are fitted on the training part alone.

    `X` is `(N, F)` with one name per column, or images `(N, height, width, channels)` with one name
    per channel; float32, or uint8 for images that are not normalised yet. A training part in which
    a task lacks one of its four cells of group and label is answered with an `EmptyCellWarning`.
    """

    X_train: Shaped[np.ndarray, "N *image F"]
    Y_train: Int8[np.ndarray, "N T"]
    s_train: Int8[np.ndarray, " N"]
    X_val: Shaped[np.ndarray, "V *image F"]
    Y_val: Int8[np.ndarray, "V T"]
    s_val: Int8[np.ndarray, " V"]
    X_test: Shaped[np.ndarray, "M *image F"]
    Y_test: Int8[np.ndarray, "M T"]
    s_test: Int8[np.ndarray, " M"]
    task_names: tuple[str, ...]
    feature_names: tuple[str, ...]
    group_names: tuple[str, ...]
    """The other group, then the protected one."""
    name: str
    source: str
    """One sentence: who collected it, where it was taken from, under which licence."""

    def __post_init__(self) -> None:
        for field in ("task_names", "feature_names", "group_names"):
            object.__setattr__(self, field, checked_names(getattr(self, field), field, self.name))
        if len(self.group_names) != 2:
            raise InputError(
                f"{self.name} has {len(self.group_names)} groups ({', '.join(self.group_names)}); "
                "name two, the protected one last"
            )
        for part in PARTS:
            X, Y, s = self.part(part)
            where = f"the {part} part of {self.name}"
            check_part(X, Y, s, where, len(self.feature_names), self.task_names, self.group_names)
        check_training_cells(self.Y_train, self.s_train, self.task_names, self.group_names)

    @property
    def num_tasks(self) -> int:
        """The number of targets, T."""
        return len(self.task_names)

    def part(self, part: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """`X, Y, s` of one part, which is train, val or test."""
        if part not in PARTS:
            raise unknown_name("part of the table", part, PARTS)
        return tuple(getattr(self, f"{field}_{part}") for field in "XYs")  # pyright: ignore

    def subset(self, tasks: Sequence[str]) -> "MultiTaskTable":
        """The same people and inputs with only these tasks, in this order."""
        for task in tasks:
            if task not in self.task_names:
                raise unknown_name("task", task, self.task_names)
        if not tasks:
            raise InputError(f"no task of {self.name} is left; choose from {self.task_names}")
        kept = [self.task_names.index(task) for task in tasks]
        targets = {f"Y_{part}": self.part(part)[1][:, kept] for part in PARTS}
        return replace(self, task_names=tuple(tasks), **targets)

    def limited(self, num_rows: int, seed: int = 0) -> "MultiTaskTable":
        """At most `num_rows` people of each part, drawn within the groups so that shares stay."""
        if num_rows < 4:
            raise InputError(f"num_rows must be at least 4, two people per group, got {num_rows}")
        rng = np.random.default_rng(seed)
        fields = {}
        for part in PARTS:
            X, Y, s = self.part(part)
            kept = _drawn(rng, s, num_rows)
            fields |= {f"X_{part}": X[kept], f"Y_{part}": Y[kept], f"s_{part}": s[kept]}
        return replace(self, **fields)

    def base_rates(self, part: str = "train") -> Float[np.ndarray, "T G"]:
        """P(target = 1 | group) of each task in one part."""
        _, Y, s = self.part(part)
        return np.stack([Y[s == g].mean(0) for g in (0, 1)], axis=1)

    def summary(self) -> dict[str, Any]:
        """Rows, share of the protected group and base rates of each part, as plain data."""
        return {
            "name": self.name,
            "features": len(self.feature_names),
            "groups": list(self.group_names),
            "source": self.source,
            "parts": {part: self._facts(part) for part in PARTS},
        }

    def _facts(self, part: str) -> dict[str, Any]:
        _, Y, s = self.part(part)
        by_group = self.base_rates(part)
        rates = {
            task: {"all": float(Y[:, t].mean())}
            | {group: float(by_group[t, g]) for g, group in enumerate(self.group_names)}
            for t, task in enumerate(self.task_names)
        }
        return {"rows": len(s), "protected": float(s.mean()), "base_rate": rates}


def _drawn(rng: np.random.Generator, s: np.ndarray, num_rows: int) -> np.ndarray:
    """Sorted indices of `num_rows` people, at least two of each group where there are two."""
    if len(s) <= num_rows:
        return np.arange(len(s))
    protected = np.clip(round(num_rows * s.mean()), 2, num_rows - 2)
    sizes = (num_rows - int(protected), int(protected))
    kept = []
    for group, size in enumerate(sizes):
        members = np.flatnonzero(s == group)
        kept.append(rng.choice(members, min(size, len(members)), replace=False))
    return np.sort(np.concatenate(kept))
