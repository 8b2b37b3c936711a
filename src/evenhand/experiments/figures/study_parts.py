"""What a figure of a study is made of: lines in panels, as plain data."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from evenhand.experiments.figures.style import MUTED

DASHED = (0, (4, 1.8))
# Nobody's line: the look of what chance alone makes.
FLOOR: dict[str, Any] = {"color": MUTED, "linewidth": 1.0, "linestyle": (0, (1, 2.2))}


@dataclass(frozen=True)
class Line:
    """A method's line: steps, mean with band (3, T); `level` is one value at every step."""

    method: str
    steps: np.ndarray
    band: np.ndarray
    dashed: bool = False
    level: bool = False


@dataclass(frozen=True)
class Floor:
    """What chance alone makes of a quantity, at steps; a single value is one level."""

    title: str
    steps: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class Panel:
    """One small picture; `above` is the scenario it belongs to, `whole` cuts no wild start."""

    title: str
    above: str
    unit: str
    lines: tuple[Line, ...]
    from_zero: bool = False
    whole: bool = False
    floor: Floor | None = None


@dataclass(frozen=True)
class Panels:
    """A figure: panels in rows of `columns`, over one quantity on the horizontal axis."""

    panels: tuple[Panel, ...]
    columns: int
    along: str
    methods: tuple[str, ...]
    banded: bool = True
