"""A fitted model in a file as a policy: asked once about every group and level, then a table."""

import warnings
from functools import lru_cache
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from evenhand.algorithms.model_contract import AbstractFileModel, first_line
from evenhand.algorithms.model_file import load_model, read_bytes
from evenhand.algorithms.model_text import ModelText, read_model_text
from evenhand.core.errors import InputError
from evenhand.core.policy import TabularPolicy

_BY_NUMBER = {1: ("level",), 2: ("group", "level")}


class Cells(NamedTuple):
    """What a model can be told of a world: its groups, and its levels with their scores."""

    groups: tuple[str, ...]
    num_levels: int
    edges: tuple[float, ...] | None

    @property
    def shape(self) -> tuple[int, int]:
        """Groups and levels."""
        return len(self.groups), self.num_levels

    def columns(self, codes: list[Any]) -> dict[str, np.ndarray]:
        """Every column by its name, one row for each group and level, groups in the outer loop.

        `codes` are the groups as the model knows them; a score is the middle of its level.
        """
        group, level = np.indices(self.shape).reshape(2, -1)
        text = any(isinstance(code, str) for code in codes)
        found = {"level": level, "group": np.array(codes, object if text else None)[group]}
        if self.edges is not None:
            edges = np.array(self.edges, float)
            found["score"] = ((edges[:-1] + edges[1:]) / 2)[level]
        one_hot = {f"group_{name}": (group == g) * 1 for g, name in enumerate(self.groups)}
        return found | one_hot


def model_policy(env: Any, params: Any, key: Any, argument: str) -> TabularPolicy:
    """The policy of a model file as written, `card.skops>=0.7`; see `read_model_text`."""
    approve = jnp.asarray(_decisions(argument, env)[0], jnp.float32)
    return TabularPolicy(jnp.stack([1 - approve, approve], -1), env)


def model_notes(text: str, env: Any) -> list[str]:
    """What a person should know about how a model was read: versions, a group without a column."""
    return _decisions(text, env)[1]


def _decisions(text: str, env: Any) -> tuple[np.ndarray, list[str]]:
    model = read_model_text(text)
    if model is None:
        raise InputError(f"{text!r} is no model file; write a path such as card.skops or card.onnx")
    value = env.built_from.value
    edges = getattr(value, "bin_edges", None)
    edges = None if edges is None else tuple(edges)
    share, notes = _asked(model, read_bytes(model), Cells(value.groups, env.num_levels, edges))
    if model.rule == "random":
        return share, notes
    chosen = share >= model.cut if model.rule == ">=" else share < model.cut
    return chosen.astype(float), notes


# Cached, so that threads find it asked: warnings cannot be caught in several threads at once.
@lru_cache(maxsize=32)
def _asked(model: ModelText, data: bytes, cells: Cells) -> tuple[np.ndarray, list[str]]:
    """`(G, K)` P(label 1) of every group and level, and notes."""
    found, notes = load_model(model, data)
    wanted = _wanted(model.path, found, cells)
    failed: InputError | None = None
    for codes in found.group_codes(cells.groups) if "group" in wanted else [[0] * cells.shape[0]]:
        columns = cells.columns(codes)
        try:
            share = _answer(model.path, found, {name: columns[name] for name in wanted}, cells)
        except InputError as error:
            # A model of numbers refuses names, but a category it does not know is the news.
            failed = failed if failed and "categor" in str(failed) else error
            continue
        return share.reshape(cells.shape), notes + _reference_note(model.path, wanted, cells)
    raise failed or InputError(f"{model.path} understands no way to name a group")


def _wanted(path: str, model: AbstractFileModel, cells: Cells) -> tuple[str, ...]:
    """The columns to give, in order; an error where the world cannot give one."""
    offered = [*cells.columns(list(cells.groups))]
    names = model.columns
    if names is None:
        if model.num_columns not in _BY_NUMBER:
            raise InputError(
                f"{path} has {model.num_columns or 'an unknown number of'} columns without names; "
                f"fit it on a table with columns among {', '.join(offered)}, or on level alone, "
                "or on group and level in this order"
            )
        return _BY_NUMBER[model.num_columns]
    if strange := [name for name in names if name not in offered]:
        why = "; this population has no score scale" if "score" in strange else ""
        raise InputError(
            f"{path} wants {_listed(strange)}, which this world does not offer{why}; fit it on "
            f"columns among {', '.join(offered)}"
        )
    left = _without_column(names, cells)
    if len(left) > 1 and len(left) < len(cells.groups):
        raise InputError(
            f"{path} has no column for the groups {', '.join(left)} and cannot tell them apart; "
            "fit it on all groups, or choose groups with --groups"
        )
    return names


def _listed(names: list[str]) -> str:
    return f"column{'s' if len(names) > 1 else ''} {', '.join(map(repr, names))}"


def _without_column(wanted: tuple[str, ...], cells: Cells) -> list[str]:
    return [name for name in cells.groups if f"group_{name}" not in wanted]


def _reference_note(path: str, wanted: tuple[str, ...], cells: Cells) -> list[str]:
    left = _without_column(wanted, cells)
    if len(left) != 1 or len(cells.groups) == 1:
        return []
    return [f"{path} has no column for group {left[0]!r}, which it takes as its reference group"]


def _answer(
    path: str, model: AbstractFileModel, columns: dict[str, np.ndarray], cells: Cells
) -> np.ndarray:
    """The model's answers, checked to be one probability for every cell."""
    given = ", ".join(columns)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            share = np.asarray(model.positive(columns), float)
    except InputError:
        raise
    except Exception as error:  # It is somebody else's code.
        raise InputError(
            f"{path} fails on columns {given} ({first_line(error)}); fit it on columns that mean "
            "what this world's do"
        ) from error
    for warning in caught:
        if "unknown categories" in str(warning.message):
            raise InputError(
                f"{path} does not know a group or level: {first_line(str(warning.message))}"
            )
    rows = cells.shape[0] * cells.shape[1]
    if share.shape != (rows,):
        raise InputError(
            f"{path} answers with shape {share.shape} to {rows} rows; it must give one number a row"
        )
    wrong = ~((share >= -1e-6) & (share <= 1 + 1e-6))
    if wrong.any():
        row = int(np.argmax(wrong))
        values = ", ".join(f"{name}={column[row]}" for name, column in columns.items())
        raise InputError(
            f"{path} answers {share[row]:g} for {values}; it must answer with a label 0 or 1 or a "
            "probability in [0, 1]"
        )
    return np.clip(share, 0, 1)
