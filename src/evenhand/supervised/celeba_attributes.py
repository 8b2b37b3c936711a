"""Targets among the attributes of CelebA, and the other attributes to predict them from."""

from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int

from evenhand.core.errors import InputError, unknown_name
from evenhand.supervised.celeba_files import CelebaRows, read_celeba
from evenhand.supervised.multi_task_table import PARTS, MultiTaskTable

# In the authors' order, so that "task 11" is theirs.
GENDER_TASKS = (
    "Attractive Bags_Under_Eyes Bangs Big_Lips Big_Nose Black_Hair Brown_Hair Bushy_Eyebrows "
    "High_Cheekbones Mouth_Slightly_Open Narrow_Eyes Oval_Face Pointy_Nose Smiling Straight_Hair "
    "Wavy_Hair Young"
)
NOT_AGE_TASKS = "Young Bald Blurry Chubby Double_Chin Gray_Hair Pale_Skin Rosy_Cheeks Wearing_Hat"
GROUP_NAMES = {"Male": ("male", "female"), "Young": ("young", "not young")}
"""The attribute that makes the groups; those without it are protected."""
_LICENCE = "Liu et al. 2015, non-commercial research only, files of the user"


def load_celeba_attributes(
    root: str | Path,
    protected: str = "Male",
    least_cell: int | None = None,
    include_protected: bool = True,
) -> MultiTaskTable:
    """CelebA without its images: attributes predicted from the other attributes, coded -1 and 1.

    `protected` is `Male` (17 targets from the 22 others) or `Young` (31 from the 8 others), each
    with itself as a further input unless `include_protected` is False. `least_cell` chooses the
    targets by a rule instead: the smallest of a target's four counts of (group, label) among all
    rows is at least this. On the full list any value from 6,251 to 6,950 gives the 17 targets, and
    from 3,571 to 3,998 the 31. `root` is what `read_celeba` takes.
    """
    rows = read_celeba(root)
    tasks = choose_tasks(rows, protected, least_cell)
    inputs = [name for name in rows.names if name not in tasks and name != protected]
    inputs += [protected] if include_protected else []
    if not inputs:
        raise InputError(f"least_cell = {least_cell} leaves no attribute to predict from; raise it")
    values = rows.values[:, [rows.names.index(name) for name in inputs]]
    X = np.where(values, np.float32(1), np.float32(-1))
    parts = [np.flatnonzero(rows.part == part) for part in range(3)]
    features = {f"X_{n}": X[kept] for n, kept in zip(PARTS, parts, strict=True)}
    return MultiTaskTable(
        **features,
        **targets_and_groups(rows, tasks, protected, parts),
        task_names=tasks,
        feature_names=tuple(inputs),
        group_names=GROUP_NAMES[protected],
        name=f"celeba-attributes-{protected.lower()}",
        source=f"CelebA attributes, no images ({_LICENCE})",
    )


def choose_tasks(rows: CelebaRows, protected: str, least_cell: int | None) -> tuple[str, ...]:
    """The targets of Roy & Ntoutsi 2022 for this group, or those the rule of `least_cell` keeps."""
    if protected not in GROUP_NAMES:
        raise unknown_name("protected attribute of CelebA", protected, GROUP_NAMES)
    if least_cell is not None:
        smallest = smallest_cell(rows.values, ~rows.values[:, rows.names.index(protected)])
        kept = zip(rows.names, smallest, strict=True)
        tasks = tuple(name for name, count in kept if count >= least_cell and name != protected)
    elif protected == "Male":
        tasks = tuple(GENDER_TASKS.split())
    else:
        tasks = tuple(name for name in rows.names if name not in NOT_AGE_TASKS.split())
    missing = sorted({*tasks, protected} - set(rows.names))
    if missing or not tasks:
        raise InputError(
            f"no target passes least_cell = {least_cell}; lower it"
            if not tasks
            else f"the list of attributes lacks {', '.join(missing)}; fetch the official list"
        )
    return tasks


def smallest_cell(Y: Bool[np.ndarray, "N A"], s: Bool[np.ndarray, " N"]) -> Int[np.ndarray, " A"]:
    """The smallest of the four counts of (group, label) of each attribute."""
    ones = np.stack([Y[~s].sum(0), Y[s].sum(0)])
    sizes = np.array([[(~s).sum()], [s.sum()]])
    return np.minimum(ones, sizes - ones).min(0)


def targets_and_groups(
    rows: CelebaRows, tasks: tuple[str, ...], protected: str, parts: list[np.ndarray]
) -> dict[str, np.ndarray]:
    """`Y` and `s` of the three parts, whose rows are given by index."""
    Y = rows.values[:, [rows.names.index(task) for task in tasks]].astype(np.int8)
    s = (~rows.values[:, rows.names.index(protected)]).astype(np.int8)
    fields = {f"Y_{name}": Y[kept] for name, kept in zip(PARTS, parts, strict=True)}
    return fields | {f"s_{name}": s[kept] for name, kept in zip(PARTS, parts, strict=True)}
