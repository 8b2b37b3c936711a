"""What every model in a file offers, whatever its format, and the words of its errors."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from evenhand.core.errors import InputError


class AbstractFileModel(ABC):
    """A model as read: what it wants to be given, and what it answers."""

    columns: tuple[str, ...] | None
    """Names of the columns it wants; None where the file tells only how many."""
    num_columns: int | None

    @abstractmethod
    def group_codes(self, groups: tuple[str, ...]) -> list[list[Any]]:
        """Ways to write the groups that the model may understand, the likeliest first."""

    @abstractmethod
    def positive(self, columns: dict[str, np.ndarray]) -> np.ndarray:
        """`(n,)` P(label 1), or the predicted label where it knows no probabilities."""


def first_line(error: BaseException | str) -> str:
    """The first line of what went wrong, without its full stop."""
    lines = str(error).strip().splitlines()
    return lines[0].strip().rstrip(".") if lines else type(error).__name__


def labels_error(path: str, labels: Any) -> InputError:
    """The error for a model that decides between other labels than 0 and 1."""
    return InputError(
        f"{path} decides between labels {', '.join(map(repr, labels))}; fit it on labels 0 and 1"
    )


def missing(path: str, package: str) -> InputError:
    """The error for a file whose kind needs a package that is not installed."""
    return InputError(
        f"{path} needs the package {package}, which is not installed; "
        "run: pip install 'evenhand[models]'"
    )
