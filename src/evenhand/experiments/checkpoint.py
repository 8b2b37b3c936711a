"""Runs on disk: written whole or not at all, and refused when they do not fit."""

import hashlib
import io
import json
import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import equinox as eqx
import jax

from evenhand.core.algorithm import TrainState
from evenhand.core.errors import InputError

_MAGIC = b"evenhand checkpoint 1\n"


def save_state(path: str | Path, state: TrainState, digest: str = "", notes: Any = None) -> None:
    """Write a run to a file; a reader sees the old file or the new one, never a part.

    `digest` names the experiment the run belongs to; `load_state` can insist on it. `notes` is
    JSON-able data that stays with the state, see `read_header`.
    """
    path = Path(path)
    body = io.BytesIO()
    eqx.tree_serialise_leaves(body, state)
    header = {
        "digest": digest,
        "update": int(state.update),
        "versions": {name: _version(name) for name in ("evenhand", "jax", "equinox")},
        "leaves": _leaves(state),
        "notes": notes,
        "sha256": hashlib.sha256(body.getbuffer()).hexdigest(),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            file.write(_MAGIC + json.dumps(header).encode() + b"\n")
            file.write(body.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def load_state(path: str | Path, like: TrainState, digest: str | None = None) -> TrainState:
    """The run in a file, shaped like `like` (a fresh run, or its shapes from `eval_shape`)."""
    path = Path(path)
    header, body = _read(path)
    if digest is not None and header["digest"] != digest:
        raise InputError(
            f"checkpoint {path} belongs to experiment {header['digest'] or '(unnamed)'}, not to "
            f"{digest}; remove it or go back to the settings it was made with"
        )
    for found, wanted in zip(header["leaves"], _leaves(like), strict=False):
        if found != wanted:
            raise InputError(
                f"checkpoint {path} does not fit this run: it holds {found} where {wanted} is "
                "needed; use the world and algorithm it was made with"
            )
    if len(header["leaves"]) != len(_leaves(like)):
        raise InputError(
            f"checkpoint {path} does not fit this run: it holds {len(header['leaves'])} arrays "
            f"where {len(_leaves(like))} are needed; use the world and algorithm it was made with"
        )
    return eqx.tree_deserialise_leaves(io.BytesIO(body), like)


def read_header(path: str | Path) -> dict[str, Any]:
    """What a checkpoint says of itself: digest, update, versions, leaves, notes and sha256."""
    return _read(Path(path))[0]


def _read(path: Path) -> tuple[dict[str, Any], bytes]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"checkpoint {path} cannot be read: {error.strerror}") from error
    head, _, body = content.removeprefix(_MAGIC).partition(b"\n")
    try:
        header = json.loads(head) if content.startswith(_MAGIC) else None
    except ValueError:
        header = None
    if not isinstance(header, dict):
        raise InputError(f"{path} is not a checkpoint of evenhand; give the file a run wrote")
    if hashlib.sha256(body).hexdigest() != header.get("sha256"):
        raise InputError(
            f"checkpoint {path} is damaged (truncated or changed); remove it to start again"
        )
    return header, body


def _leaves(state: Any) -> list[str]:
    """Name, type and shape of every array, in the order they are written."""
    leaves = jax.tree.leaves_with_path(eqx.filter(state, _is_array))
    return [f"{jax.tree_util.keystr(path)} {leaf.dtype}{list(leaf.shape)}" for path, leaf in leaves]


def _is_array(leaf: Any) -> bool:
    return eqx.is_array(leaf) or isinstance(leaf, jax.ShapeDtypeStruct)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
