"""Pictures of CelebA with their targets, read with Pillow (extra `images`)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped, UInt8

from evenhand.core.errors import InputError
from evenhand.supervised.celeba_attributes import (
    GROUP_NAMES,
    choose_tasks,
    targets_and_groups,
)
from evenhand.supervised.celeba_files import IMAGES, celeba_path, read_celeba
from evenhand.supervised.multi_task_table import PARTS, MultiTaskTable


def load_celeba_images(
    root: str | Path,
    protected: str = "Male",
    size: int = 64,
    num_rows: int | None = None,
    normalise: bool = True,
    least_cell: int | None = None,
    seed: int = 0,
) -> MultiTaskTable:
    """CelebA with `X (N, size, size, 3)`: shorter side scaled to `size`, then the middle cut out.

    Values are (v / 255 - 0.5) / 0.5 as float32, or the bytes v as uint8 where `normalise` is
    False. All 202,599 pictures at size 64 hold 10 GB as float32 and 2.5 GB as bytes: `num_rows`
    reads at most so many of each part, drawn from `seed`. Targets are those of
    `load_celeba_attributes`; `root` holds the two lists and the folder `img_align_celeba`.
    """
    if size < 1 or (num_rows is not None and num_rows < 1):
        raise InputError(f"size = {size} and num_rows = {num_rows} must be at least 1")
    rows = read_celeba(root)
    tasks = choose_tasks(rows, protected, least_cell)
    folder = celeba_path(Path(root), IMAGES)
    rng = np.random.default_rng(seed)
    parts = [_drawn(rng, np.flatnonzero(rows.part == part), num_rows) for part in range(3)]
    images = {}
    for name, kept in zip(PARTS, parts, strict=True):
        images[f"X_{name}"] = _read_all(folder, [rows.files[i] for i in kept], size, normalise)
    return MultiTaskTable(
        **images,
        **targets_and_groups(rows, tasks, protected, parts),
        task_names=tasks,
        feature_names=("red", "green", "blue"),
        group_names=GROUP_NAMES[protected],
        name=f"celeba-images-{protected.lower()}",
        source="CelebA (Liu et al. 2015, non-commercial research only, files of the user)",
    )


def _drawn(rng: np.random.Generator, rows: np.ndarray, most: int | None) -> np.ndarray:
    if most is None or len(rows) <= most:
        return rows
    return np.sort(rng.choice(rows, most, replace=False))


def _read_all(
    folder: Path, files: Sequence[str], size: int, normalise: bool
) -> Shaped[np.ndarray, "N size size 3"]:
    """The pictures one after the other, each straight into its place."""
    pillow = _pillow()
    out = np.empty((len(files), size, size, 3), np.float32 if normalise else np.uint8)
    for i, file in enumerate(files):
        out[i] = _read_one(pillow, folder / file, size)
    if normalise:
        out /= 127.5
        out -= 1.0
    return out


def _read_one(pillow: Any, path: Path, size: int) -> UInt8[np.ndarray, "size size 3"]:
    try:
        with pillow.open(path) as file:
            image = file.convert("RGB")
    except FileNotFoundError as error:
        raise InputError(
            f"there is no picture {path}: unpack all of {IMAGES}.zip of CelebA there"
        ) from error
    except OSError as error:
        raise InputError(
            f"{path} cannot be read as a picture ({error}); unpack it again"
        ) from error
    scale = size / min(image.size)
    width, height = (max(size, round(side * scale)) for side in image.size)
    left, top = (width - size) // 2, (height - size) // 2
    resized = image.resize((width, height), pillow.Resampling.BILINEAR)
    return np.asarray(resized.crop((left, top, left + size, top + size)))


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise InputError(
            "reading pictures needs Pillow, which is not installed: pip install evenhand[images]"
        ) from error
    return Image
