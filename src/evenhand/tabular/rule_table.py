"""Rules as a person writes them, as tables of approval probabilities; numpy only.

Worlds are meant by their groups' names, number of levels and, for scores, the levels' edges.
"""

import csv
from pathlib import Path
from typing import Any

import numpy as np

from evenhand.core.errors import InputError, unknown_name

COLUMNS = ("group", "level", "approve")


def share_of(argument: str) -> float:
    """The approval probability that "0.5" says."""
    share = read_number(argument, "the approval probability")
    if not 0 <= share <= 1:
        raise InputError(f"an approval probability lies in [0, 1], got {argument}; try 0.5")
    return share


def level_cuts(argument: str, num_groups: int, num_levels: int) -> np.ndarray:
    """`(G,)` level indices from which to approve: "3" for everybody, "3,2" each group its own.

    Level indices count from 0; the number of levels denies everybody. A fraction randomises.
    """
    cuts = [read_number(part, "a threshold") for part in argument.split(",")]
    if len(cuts) not in (1, num_groups):
        raise InputError(
            f"threshold:{argument} has {len(cuts)} levels for {num_groups} groups; "
            "give one for all or one per group"
        )
    for cut in cuts:
        if not 0 <= cut <= num_levels:
            raise InputError(
                f"a threshold is a level index from 0 to {num_levels} "
                f"({num_levels} denies everybody), got {cut:g}"
            )
    return np.broadcast_to(np.array(cuts), (num_groups,))


def threshold_table(cuts: np.ndarray, num_levels: int) -> np.ndarray:
    """`(G, K)` approval from a level up; 2.25 approves level 2 with probability .75, all above."""
    return np.clip(np.arange(num_levels) + 1.0 - cuts[:, None], 0.0, 1.0)


def score_cut(score: float, edges: tuple[float, ...]) -> tuple[int, str | None]:
    """The level to approve from so that scores of at least `score` are approved, and a note.

    Level k holds the scores between edges k and k + 1. A score that is no edge is moved to the
    nearest one, which the note says; it is None otherwise.
    """
    if not edges[0] <= score <= edges[-1]:
        raise InputError(f"scores lie between {edges[0]:g} and {edges[-1]:g}, got {score:g}")
    cut = int(np.argmin(np.abs(np.array(edges) - score)))
    if np.isclose(edges[cut], score, rtol=1e-6, atol=1e-9):
        return cut, None
    return cut, (
        f"score {score:g} lies inside a level; the nearest edge, {edges[cut]:g}, "
        f"was taken (threshold:{cut})"
    )


def score_edges(numbers: Any) -> tuple[float, ...]:
    """The scores at which the levels of a population begin and end."""
    edges = getattr(numbers, "bin_edges", None)
    if edges is None:
        raise InputError(
            "this population has levels but no score scale; write threshold:K with a level index "
            f"from 0 to {numbers.num_levels}"
        )
    return edges


def file_table(path: str | Path, groups: tuple[str, ...], num_levels: int) -> np.ndarray:
    """`(G, K)` approval probabilities from a CSV file with columns group, level and approve.

    `group` is a name or an index, `level` an index from 0; every pair must be there once.
    """
    approve = np.full((len(groups), num_levels), np.nan)
    for line, row in enumerate(_rows(Path(path)), start=2):
        where = f"{path} line {line}"
        group, level, share = _cell(row, groups, num_levels, where)
        if not np.isnan(approve[group, level]):
            raise InputError(f"{where}: group {row['group']}, level {level} came before")
        approve[group, level] = share
    if np.isnan(approve).any():
        group, level = np.argwhere(np.isnan(approve))[0]
        raise InputError(f"{path} says nothing of group {groups[group]}, level {level}")
    return approve


def read_number(text: str | None, what: str) -> float:
    """The finite number a person wrote for `what`."""
    try:
        value = float(text or "")
    except ValueError:
        raise InputError(f"{what} must be a number, got {text!r}") from None
    if not np.isfinite(value):
        raise InputError(f"{what} must be a finite number, got {text!r}")
    return value


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            names, rows = reader.fieldnames or (), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot read the policy table {path}: {error}") from error
    if missing := [name for name in COLUMNS if name not in names]:
        raise InputError(
            f"{path} lacks column {missing[0]!r}; its first line reads {','.join(COLUMNS)}"
        )
    return rows


def _cell(
    row: dict[str, str], groups: tuple[str, ...], num_levels: int, where: str
) -> tuple[int, int, float]:
    level = read_number(row["level"], f"{where}: level")
    share = read_number(row["approve"], f"{where}: approve")
    if level not in range(num_levels):
        raise InputError(f"{where}: level must be 0 to {num_levels - 1}, got {row['level']}")
    if not 0 <= share <= 1:
        raise InputError(f"{where}: approve lies in [0, 1], got {row['approve']}")
    return _group_index(row["group"], groups, where), int(level), share


def _group_index(text: str | None, names: tuple[str, ...], where: str) -> int:
    text = (text or "").strip()
    if text in names:
        return names.index(text)
    if text.isdecimal() and int(text) < len(names):
        return int(text)
    raise unknown_name(f"group ({where})", text, names)
