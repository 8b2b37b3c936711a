"""Labels beside points, placed where they cover neither each other nor a point; titles that fit."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from matplotlib.transforms import Bbox, BboxBase

from evenhand.experiments.figures.style import INK

Label = tuple[float, float, str, str]

_H = {-1: "right", 0: "center", 1: "left"}
_V = {-1: "top", 0: "center", 1: "bottom"}
DIRECTIONS = ((1, 0), (1, 1), (1, -1), (0, -1), (0, 1), (-1, 0), (-1, -1), (-1, 1))
_REACHES = (7, 13, 21, 32, 46)


def place(
    axes: Axes,
    labels: Sequence[Label],
    obstacles: np.ndarray,
    reserved: Sequence[Text] = (),
    directions: Sequence[tuple[int, int]] = DIRECTIONS,
    optional: bool = False,
    size: float | int = 9,
) -> list[Text]:
    """The texts, one written beside its point for each (x, y, words, colour), in that order.

    `obstacles` `(n, 2)` are points in data coordinates that a label should not cover, `reserved`
    texts that are already there; `directions` are tried in their order. Labels of points that lie
    on each other become one, and an `optional` one without a good place is left out. A label that
    had to move away gets a thin line to its point.
    """
    figure = axes.get_figure(root=True)
    if figure is None:
        raise ValueError("labels need axes that belong to a figure")
    renderer = FigureCanvasAgg(figure).get_renderer()
    inside = axes.get_window_extent(renderer)
    pixels = figure.dpi / 72
    marks = axes.transData.transform(obstacles) if len(obstacles) else np.empty((0, 2))
    written: list[Text] = []
    taken: list[BboxBase] = [text.get_window_extent(renderer) for text in reserved]
    places = [(reach, direction) for reach in _REACHES for direction in directions]
    for x, y, words, colour in _merged(axes, labels, 5 * pixels):
        draft = axes.text(x, y, words, size=size, weight="bold")
        extent = draft.get_window_extent(renderer)
        draft.remove()
        point = axes.transData.transform((x, y))
        boxes = [_box(point, r * pixels, d, extent.width, extent.height) for r, d in places]
        costs = [_cost(box, inside, marks, taken) + 0.05 * rank for rank, box in enumerate(boxes)]
        best = int(np.argmin(costs))
        if optional and costs[best] > 5:
            continue
        taken.append(boxes[best])
        written.append(_write(axes, (x, y, words, colour), *places[best], size))
    return written


def _write(
    axes: Axes, label: Label, reach: int, direction: tuple[int, int], size: float | int
) -> Text:
    """The label `reach` points away, with a thin line to its point if that is far."""
    (x, y, words, colour), (dx, dy) = label, direction
    line = {"arrowstyle": "-", "color": colour, "lw": 0.6, "shrinkA": 1, "shrinkB": 3}
    return axes.annotate(
        words,
        (x, y),
        xytext=(reach * dx, reach * dy),
        textcoords="offset points",
        ha=_H[dx],
        va=_V[dy],
        color=colour,
        size=size,
        weight="bold",
        arrowprops=line if reach > 13 else None,
    )


def _merged(axes: Axes, labels: Sequence[Label], near: float) -> list[Label]:
    """The labels, those of points within `near` pixels of an earlier one appended to it."""
    merged: list[Label] = []
    for x, y, words, colour in labels:
        point = axes.transData.transform((x, y))
        for index, (at_x, at_y, said, _) in enumerate(merged):
            if np.hypot(*(axes.transData.transform((at_x, at_y)) - point)) < near:
                merged[index] = (at_x, at_y, f"{said}\n{words}", INK)
                break
        else:
            merged.append((x, y, words, colour))
    return merged


def _box(point: np.ndarray, reach: float, direction: tuple[int, int], wide: float, high: float):
    """The box of a text whose near edge is `reach` away from the point."""
    dx, dy = direction
    x, y = point[0] + reach * dx, point[1] + reach * dy
    left = x - wide * (1 - dx) / 2
    bottom = y - high * (1 - dy) / 2
    return Bbox.from_bounds(left, bottom, wide, high)


def _cost(box: Bbox, inside: BboxBase, marks: np.ndarray, taken: Sequence[BboxBase]) -> float:
    """How bad a place is: the edge, other labels, covered marks; 0 where it touches nothing."""
    near = box.padded(2)
    size = box.width * box.height
    overlap = sum(_shared(near, other) for other in taken) / size
    outside = 1 - _shared(box, inside) / size
    within = (marks > [near.x0, near.y0]) & (marks < [near.x1, near.y1])
    return 150 * outside + 60 * overlap + int(within.all(1).sum())


def _shared(a: BboxBase, b: BboxBase) -> float:
    both = Bbox.intersection(a, b)
    return 0.0 if both is None else both.width * both.height


def fit_titles(titles: Sequence[Text]) -> None:
    """Make all titles as small as the longest one needs, so that none runs into the next panel."""
    figure = titles[0].get_figure(root=True)
    if figure is None:
        raise ValueError("titles need axes that belong to a figure")
    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = [title.get_window_extent(renderer) for title in titles]
    shrunk, room = 1.0, 6 * figure.dpi / 72
    for box in boxes:
        until = min((b.x0 for b in boxes if b.x0 > box.x0 + 1), default=figure.bbox.x1)
        shrunk = min(shrunk, (until - box.x0 - room) / max(box.width, 1.0))
    for title in titles:
        title.set_fontsize(float(title.get_fontsize()) * shrunk)
