"""From frames of people to a table with several targets: split, encode, assemble."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Bool

from evenhand.core.errors import InputError, unknown_name
from evenhand.supervised.multi_task_table import PARTS, MultiTaskTable
from evenhand.supervised.table_encoding import fit_encoder

VAL_SHARE = 0.3
"""Share of the rows with which one trains that validates (Roy & Ntoutsi's 70/30)."""


@dataclass(frozen=True)
class Task:
    """A binary target, and the input columns from which it could be read off."""

    target: pl.Expr
    leaks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recipe:
    """What of a frame is input, target and group."""

    name: str
    source: str
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    protected: pl.Expr
    """True for people of the protected group."""
    group_column: str
    group_names: tuple[str, str]
    tasks: Mapping[str, Task]

    def choose(
        self, tasks: Sequence[str], include_protected: bool, exclude: Collection[str]
    ) -> "Recipe":
        """The recipe with these tasks, and without inputs that leak them or are not wanted."""
        inputs = (*self.numeric, *self.categorical)
        for name in exclude:
            if name not in inputs:
                raise unknown_name(f"input of {self.name}", name, inputs)
        for task in tasks:
            if task not in self.tasks:
                raise unknown_name(f"task of {self.name}", task, self.tasks)
        dropped = {*exclude, *(leak for task in tasks for leak in self.tasks[task].leaks)}
        dropped |= set() if include_protected else {self.group_column}
        if not set(inputs) - dropped:
            raise InputError(f"no input of {self.name} is left; exclude fewer of them")
        return Recipe(
            name=self.name,
            source=self.source,
            numeric=tuple(name for name in self.numeric if name not in dropped),
            categorical=tuple(name for name in self.categorical if name not in dropped),
            protected=self.protected,
            group_column=self.group_column,
            group_names=self.group_names,
            tasks={task: self.tasks[task] for task in tasks},
        )


def make_table(
    recipe: Recipe, train: pl.DataFrame, val: pl.DataFrame, test: pl.DataFrame
) -> MultiTaskTable:
    """The table of a recipe, with encodings fitted on `train` alone."""
    encoder = fit_encoder(train, recipe.numeric, recipe.categorical)
    targets = [task.target.cast(pl.Int8).alias(name) for name, task in recipe.tasks.items()]
    fields = {}
    for part, rows in zip(PARTS, (train, val, test), strict=True):
        fields[f"X_{part}"] = encoder.transform(rows)
        fields[f"Y_{part}"] = rows.select(targets).to_numpy().astype(np.int8, order="C")
        fields[f"s_{part}"] = rows.select(recipe.protected.cast(pl.Int8)).to_series().to_numpy()
    return MultiTaskTable(
        **fields,
        task_names=tuple(recipe.tasks),
        feature_names=encoder.feature_names,
        group_names=recipe.group_names,
        name=recipe.name,
        source=recipe.source,
    )


def held_out(num_rows: int, share: float, seed: int, name: str = "share") -> Bool[np.ndarray, " N"]:
    """True for a share of the rows, drawn with numpy's default generator from `seed`."""
    size = round(share * num_rows)
    if not 0 < size < num_rows:
        raise InputError(
            f"{name} = {share} leaves {size} of {num_rows} rows; give a share between 0 and 1 that "
            "leaves rows on both sides"
        )
    chosen = np.zeros(num_rows, bool)
    chosen[np.random.default_rng(seed).permutation(num_rows)[:size]] = True
    return chosen


def split_rows(
    rows: pl.DataFrame, share: float, seed: int, name: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows that stay, and the share that is held out, both in the order of the frame."""
    chosen = held_out(rows.height, share, seed, name)
    return rows.filter(~chosen), rows.filter(chosen)
