"""From the bytes of a model file to something that can be asked; every fault has its sentence."""

import io
import re
import warnings
from pathlib import Path
from typing import Any

from evenhand.algorithms.estimator_model import EstimatorModel
from evenhand.algorithms.model_contract import AbstractFileModel, first_line, missing
from evenhand.algorithms.model_text import ModelText, check_pickle
from evenhand.core.errors import InputError


def read_bytes(model: ModelText) -> bytes:
    """The content of a model's file, if it may be loaded."""
    path = Path(model.path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"the model {path} cannot be read: {error.strerror}; check the path"
        ) from error
    if not data:
        raise InputError(f"the model {path} is empty; save the fitted model again")
    check_pickle(model)
    return data


def load_model(model: ModelText, data: bytes) -> tuple[AbstractFileModel, list[str]]:
    """The model in `data`, and notes about versions that differ."""
    if model.path.lower().endswith(".onnx"):
        from evenhand.algorithms.onnx_model import load_onnx

        return load_onnx(model.path, data), []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = _unpickled(model, data) if model.is_pickle else _from_skops(model.path, data)
    if not hasattr(found, "predict") and not hasattr(found, "predict_proba"):
        raise InputError(
            f"{model.path} holds a {type(found).__name__}, which has no predict; save the fitted "
            "classifier itself"
        )
    return EstimatorModel(model.path, found), _version_notes(model.path, caught)


def _unpickled(model: ModelText, data: bytes) -> Any:
    check_pickle(model)  # Whoever hands the bytes over: nothing is unpickled without leave.
    try:
        import joblib
    except ImportError as error:
        raise missing(model.path, "joblib") from error
    try:
        return joblib.load(io.BytesIO(data))
    except Exception as error:  # A pickle may raise anything.
        raise _unreadable(model.path, error) from error


def _from_skops(path: str, data: bytes) -> Any:
    try:
        import skops
        from skops.io import get_untrusted_types, loads
    except ImportError as error:
        raise missing(path, "skops") from error
    _check_skops(path, skops.__version__)
    try:
        untrusted = get_untrusted_types(data=data)
        found = None if untrusted else loads(data)
    except Exception as error:  # Damaged files fail in many ways.
        raise _unreadable(path, error) from error
    if untrusted:
        raise InputError(
            f"{path} holds types that skops does not trust ({', '.join(untrusted)}) and is not "
            "loaded; save the model as ONNX, or load it in Python and use classifier_policy"
        )
    return found


def _check_skops(path: str, version: str) -> None:
    """Raise for a skops that can be made to run code by a file it calls trusted.

    Before 0.12 the types that were listed need not be those that were loaded (CVE-2025-54412 and
    CVE-2025-54413).
    """
    numbers = [int(part) for part in re.findall(r"\d+", version)[:2]]
    if numbers < [0, 12]:
        raise InputError(
            f"{path} is not loaded: skops {version} can be made to run code that a file holds; "
            "run: pip install 'skops>=0.12'"
        )


def _unreadable(path: str, error: Exception) -> InputError:
    return InputError(
        f"{path} cannot be loaded as a model ({first_line(error)}); save it again, with the "
        "versions of the packages that are installed here"
    )


def _version_notes(path: str, caught: list[warnings.WarningMessage]) -> list[str]:
    """One note where the model was saved by another version of scikit-learn."""
    for warning in caught:
        if warning.category.__name__ == "InconsistentVersionWarning":
            message: Any = warning.message
            return [
                f"{path} was saved with scikit-learn {message.original_sklearn_version} and is "
                f"read with {message.current_sklearn_version}; its answers may differ"
            ]
    return []
