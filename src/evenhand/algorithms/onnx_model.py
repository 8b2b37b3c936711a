"""A model in an ONNX file, run by onnxruntime on the processor in one thread."""

from typing import Any

import numpy as np

from evenhand.algorithms.model_contract import (
    AbstractFileModel,
    first_line,
    labels_error,
    missing,
)
from evenhand.core.errors import InputError

_TYPES = {
    "tensor(bool)": np.bool_,
    "tensor(double)": np.float64,
    "tensor(float)": np.float32,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(string)": np.object_,
}
_KNOWN = {"level", "score", "group"}


class OnnxModel(AbstractFileModel):
    """What an ONNX model wants and answers.

    One input per column goes by the inputs' names; one input with several columns by their number.
    """

    def __init__(self, path: str, session: Any) -> None:
        self.path, self.session = path, session
        self.inputs = session.get_inputs()
        for one in self.inputs:
            if one.type not in _TYPES:
                raise InputError(
                    f"{path}: input {one.name!r} has type {one.type}; export the model with inputs "
                    f"of {', '.join(_TYPES)}"
                )
        first, shape = self.inputs[0], self.inputs[0].shape
        width = shape[1] if len(shape) == 2 else 1
        named = len(self.inputs) > 1 or first.name in _KNOWN or first.name.startswith("group_")
        self.columns = tuple(one.name for one in self.inputs) if named else None
        self.num_columns: int | None = width if isinstance(width, int) else None

    def group_codes(self, groups: tuple[str, ...]) -> list[list[Any]]:
        """The names for an input of text, the indices for one of numbers."""
        by_name = {one.name: one for one in self.inputs}
        one = by_name.get("group", self.inputs[0])
        text = one.type == "tensor(string)"
        return [list(groups) if text else list(range(len(groups)))]

    def positive(self, columns: dict[str, np.ndarray]) -> np.ndarray:
        """`(n,)` P(label 1), or the predicted label."""
        if self.columns is None:
            one = self.inputs[0]
            rows = np.stack([values.astype(object) for values in columns.values()], 1)
            feed = {one.name: _as(rows if len(one.shape) == 2 else rows[:, 0], one.type)}
        else:
            feed = {
                one.name: _as(columns[one.name].reshape(-1, *[1] * (len(one.shape) - 1)), one.type)
                for one in self.inputs
            }
        return self._read(self.session.run(None, feed))

    def _read(self, outputs: list[Any]) -> np.ndarray:
        """P(label 1) where there are probabilities, as columns or as a dict a row."""
        for found in outputs:
            if isinstance(found, list) and found and isinstance(found[0], dict):
                self._check_labels(found[0])
                return np.array([_of_one(row) for row in found])
        arrays = [np.asarray(found) for found in outputs]
        shares = [found for found in arrays if found.dtype.kind == "f"]
        labels = [found for found in arrays if found.dtype.kind != "f"]
        if labels:
            self._check_labels(np.unique(labels[0]).tolist())
        found = (shares or labels)[0]
        if found.ndim == 2 and found.shape[1] > 2:
            raise InputError(
                f"{self.path} decides between {found.shape[1]} labels; fit it on labels 0 and 1"
            )
        return found[:, -1] if found.ndim == 2 else found

    def _check_labels(self, labels: Any) -> None:
        if any(str(label) not in ("0", "1", "False", "True") for label in labels):
            raise labels_error(self.path, labels)


def load_onnx(path: str, data: bytes) -> OnnxModel:
    """The model in an ONNX file's content."""
    try:
        import onnxruntime
    except ImportError as error:
        raise missing(path, "onnxruntime") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # What goes wrong is raised, and said in one sentence.
    try:
        providers = ["CPUExecutionProvider"]
        session = onnxruntime.InferenceSession(data, options, providers=providers)
    except Exception as error:  # onnxruntime's own kinds have no common ancestor but this.
        raise InputError(
            f"{path} cannot be loaded as an ONNX model ({first_line(error)}); export it again"
        ) from error
    return OnnxModel(path, session)


def _as(values: np.ndarray, type_name: str) -> np.ndarray:
    return values.astype(_TYPES[type_name])


def _of_one(row: dict[Any, float]) -> float:
    return next((share for label, share in row.items() if str(label) in ("1", "True")), 0.0)
