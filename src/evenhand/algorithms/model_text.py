"""A fitted model as a person writes it, `card.skops>=0.7`, and leave to load pickles; no jax."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from evenhand.core.errors import InputError

PICKLES = (".joblib", ".pickle", ".pkl")
MODELS = (".onnx", ".skops", *PICKLES)

_ALLOWED: ContextVar[bool] = ContextVar("evenhand_pickles_allowed", default=False)
_WRITTEN = re.compile(
    rf"(?P<path>.+?(?:{'|'.join(map(re.escape, MODELS))}))\s*(?P<rule>[<>:=@].*)?", re.IGNORECASE
)


class ModelText(NamedTuple):
    """A model's file and what becomes of its P(label 1)."""

    path: str
    rule: str
    """">=": approve from `cut` up; "<": approve below it; "random": approve with it."""
    cut: float

    @property
    def is_pickle(self) -> bool:
        """Whether reading the file runs code that it holds."""
        return self.path.lower().endswith(PICKLES)


def read_model_text(text: str) -> ModelText | None:
    """File and rule of a policy that is a model; None for text that names no model's file.

    `card.skops` is `card.skops>=0.5`: approve whom the model gives that chance of label 1. For a
    model of the bad outcome, `card.skops<0.2` approves whom it gives less than that chance of it.
    `card.skops:random` approves with the chance itself.
    """
    written = _WRITTEN.fullmatch(text.strip())
    if written is None:
        return None
    path, rule = written["path"], (written["rule"] or ">=0.5").strip()
    if rule == ":random":
        return ModelText(path, "random", 0.0)
    found = re.fullmatch(r"(>=|<)\s*(\S+)", rule)
    cut = _number(found[2]) if found else None
    if found is None or cut is None or not 0 <= cut <= 1:
        raise InputError(
            f"a model's policy reads {path}>=0.7 (label 1 is good), {path}<0.2 (label 1 is bad) or "
            f"{path}:random, with a probability in [0, 1], got {text.strip()!r}"
        )
    return ModelText(path, found[1], cut)


@contextmanager
def allow_pickles(allowed: bool = True) -> Iterator[None]:
    """Inside this context model files that are pickles are loaded, which runs code they hold."""
    token = _ALLOWED.set(allowed)
    try:
        yield
    finally:
        _ALLOWED.reset(token)


def check_pickle(model: ModelText) -> None:
    """Raise an `InputError` for a pickle that the caller did not say they trust."""
    if model.is_pickle and not _ALLOWED.get():
        raise InputError(
            f"{model.path} is a pickle, and loading a pickle runs any code that was put in it; add "
            "--allow-pickle (in Python: with allow_pickles()) if you trust who made it, otherwise "
            "have the model saved with skops or as ONNX"
        )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
