"""Names of groups in figures: how many stand beside each other, and what is left of a long one."""

from collections.abc import Sequence
from unicodedata import east_asian_width

import numpy as np

from evenhand.experiments.figures.style import WIDTHS

# Inches: the line before a name with the space around it, and a letter.
_LOOK, _LETTER = 0.6, 0.075


def shortened(name: str, most: int) -> str:
    """The name, or its beginning and an ellipsis where it is more than `most` letters wide.

    For pictures only: the table beside each has the name in full.
    """
    if _wide(name) <= most:
        return name
    kept = next(n for n in range(len(name), -1, -1) if _wide(name[:n]) < most)
    return name[:kept].rstrip() + "…"


def in_key(names: Sequence[str], width: str) -> list[str]:
    """The names as a figure's key shows them: none is wider than the figure."""
    return [shortened(name, 40 if width == "wide" else 30) for name in names]


def key_columns(names: Sequence[str], width: str) -> int:
    """How many names a row of a figure's key holds."""
    shown = in_key(names, width)
    for columns in range(min(len(shown), 6 if width == "wide" else 3), 1, -1):
        # matplotlib fills the key column by column, as array_split does.
        beside = np.array_split([_wide(name) for name in shown], columns)
        if sum(_LOOK + _LETTER * column.max() for column in beside) <= WIDTHS[width]:
            return columns
    return 1


def _wide(name: str) -> int:
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in name)
