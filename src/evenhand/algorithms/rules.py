"""Rules that need no learning, as a person writes them: constants, thresholds, tables in a file.

In Python, `core.policy` has `constant_policy` and `threshold_policy`. Here every function takes
`(env, params, key, argument)`, as the table of policies wants, and uses what it needs.
"""

import csv
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from evenhand.core.errors import InputError, unknown_name
from evenhand.core.policy import TabularPolicy, constant_policy, threshold_policy

COLUMNS = ("group", "level", "approve")


def approve_all(env: Any, params: Any = None, key: Any = None, argument: Any = None) -> Any:
    """Everybody is approved."""
    return constant_policy(env, 1.0)


def deny_all(env: Any, params: Any = None, key: Any = None, argument: Any = None) -> Any:
    """Nobody is approved."""
    return constant_policy(env, 0.0)


def constant(env: Any, params: Any, key: Any, argument: str) -> TabularPolicy:
    """Everybody is approved with the same probability, as in "0.5"."""
    share = _number(argument, "the approval probability")
    if not 0 <= share <= 1:
        raise InputError(f"an approval probability lies in [0, 1], got {argument}; try 0.5")
    return constant_policy(env, share)


def level_threshold(env: Any, params: Any, key: Any, argument: str) -> TabularPolicy:
    """Approval from a level index up: "3" for everybody, "3,2" for each group its own.

    Level indices count from 0; the number of levels denies everybody. A fraction randomises.
    """
    cuts = [_number(part, "a threshold") for part in argument.split(",")]
    if len(cuts) not in (1, env.num_groups):
        raise InputError(
            f"threshold:{argument} has {len(cuts)} levels for {env.num_groups} groups; "
            "give one for all or one per group"
        )
    for cut in cuts:
        if not 0 <= cut <= env.num_levels:
            raise InputError(
                f"a threshold is a level index from 0 to {env.num_levels} "
                f"({env.num_levels} denies everybody), got {cut:g}"
            )
    return threshold_policy(env, np.array(cuts if len(cuts) > 1 else cuts[0], np.float32))


def score_threshold(env: Any, params: Any, key: Any, argument: str) -> TabularPolicy:
    """Approval from a score up, as in "620"; see `score_cut` for scores inside a level."""
    cut, _ = score_cut(_number(argument, "a score"), bin_edges(env))
    return threshold_policy(env, cut)


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


def bin_edges(env: Any) -> tuple[float, ...]:
    """The scores at which the world's levels begin and end."""
    edges = getattr(env.built_from.value, "bin_edges", None)
    if edges is None:
        raise InputError(
            "this population has levels but no score scale; write threshold:K with a level index "
            f"from 0 to {env.num_levels}"
        )
    return edges


def table(env: Any, params: Any, key: Any, argument: str | Path) -> TabularPolicy:
    """Approval probabilities from a CSV file with columns group, level and approve.

    `group` is a name or an index, `level` an index from 0; every pair must be there once.
    """
    approve = np.full((env.num_groups, env.num_levels), np.nan)
    for line, row in enumerate(_rows(Path(argument)), start=2):
        where = f"{argument} line {line}"
        group, level, share = _cell(env, row, where)
        if not np.isnan(approve[group, level]):
            raise InputError(f"{where}: group {row['group']}, level {level} came before")
        approve[group, level] = share
    if np.isnan(approve).any():
        group, level = np.argwhere(np.isnan(approve))[0]
        raise InputError(f"{argument} says nothing of group {_names(env)[group]}, level {level}")
    return TabularPolicy(jnp.asarray(np.stack([1 - approve, approve], -1), jnp.float32), env)


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


def _cell(env: Any, row: dict[str, str], where: str) -> tuple[int, int, float]:
    level = _number(row["level"], f"{where}: level")
    share = _number(row["approve"], f"{where}: approve")
    if level not in range(env.num_levels):
        raise InputError(f"{where}: level must be 0 to {env.num_levels - 1}, got {row['level']}")
    if not 0 <= share <= 1:
        raise InputError(f"{where}: approve lies in [0, 1], got {row['approve']}")
    return _group_index(env, row["group"], where), int(level), share


def _names(env: Any) -> tuple[str, ...]:
    return tuple(env.built_from.value.groups)


def _group_index(env: Any, text: str, where: str) -> int:
    names, text = _names(env), (text or "").strip()
    if text in names:
        return names.index(text)
    if text.isdecimal() and int(text) < env.num_groups:
        return int(text)
    raise unknown_name(f"group ({where})", text, names)


def _number(text: str | None, what: str) -> float:
    try:
        value = float(text or "")
    except ValueError:
        raise InputError(f"{what} must be a number, got {text!r}") from None
    if not np.isfinite(value):
        raise InputError(f"{what} must be a finite number, got {text!r}")
    return value
