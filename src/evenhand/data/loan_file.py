"""From a file of loan records to a table; every way a file can be wrong has its one sentence."""

import csv
import gzip
import io
import zlib
from pathlib import Path

import polars as pl

from evenhand.core.errors import InputError

SUFFIXES = (".csv", ".csv.gz", ".parquet")
_NULLS = ["", "NA", "NaN", "nan", "null", "NULL"]


def read_table(path: str | Path) -> pl.DataFrame:
    """The rows of a CSV, gzipped CSV or parquet file; NaN becomes null."""
    path = Path(path)
    _check_file(path)
    data = _contents(path)
    table = _read_parquet(data, path) if path.name.endswith(".parquet") else _read_csv(data, path)
    if table.height == 0:
        raise InputError(f"{path} has column names but no rows; give a file with records")
    floats = [name for name, dtype in table.schema.items() if dtype.is_float()]
    return table.with_columns(pl.col(floats).fill_nan(None)) if floats else table


def _check_file(path: Path) -> None:
    if not path.exists():
        near = sorted(p.name for p in path.parent.glob("*") if p.name.endswith(SUFFIXES))[:5]
        hint = f"; that folder holds {', '.join(near)}" if near else "; check the path"
        raise InputError(f"there is no file {path}{hint}")
    if path.is_dir():
        raise InputError(f"{path} is a folder; give one file of records in it")
    if not path.name.endswith(SUFFIXES):
        raise InputError(
            f"{path} does not end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}, the formats "
            "that can be read; rename or convert it"
        )


def _contents(path: Path) -> bytes:
    """The bytes of the file, unpacked where the name ends in .gz."""
    try:
        data = path.read_bytes()
        if not data:
            raise InputError(f"{path} is empty; give a file with records")
        return gzip.decompress(data) if path.name.endswith(".gz") else data
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(
            f"{path} is not a whole gzip file ({error}); fetch it again, or drop .gz from its name "
            "if it is not compressed"
        ) from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}; check its rights") from error


def _read_parquet(data: bytes, path: Path) -> pl.DataFrame:
    # Polars answers some damaged files with a panic, which is no Exception.
    damaged = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError)
    if data[:4] != b"PAR1" or data[-4:] != b"PAR1":
        raise InputError(
            f"{path} is not a whole parquet file: it does not begin and end with the format's "
            "mark; fetch or write it again"
        )
    try:
        return pl.read_parquet(io.BytesIO(data))
    except damaged as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"{path} cannot be read as parquet ({first}); write it again, with column names that "
            "differ"
        ) from error


def _read_csv(data: bytes, path: Path) -> pl.DataFrame:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not text in UTF-8 (byte {error.start}); save it as CSV in UTF-8"
        ) from error
    _check_header(text, path)
    try:
        return pl.read_csv(io.BytesIO(text.encode()), infer_schema_length=None, null_values=_NULLS)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        first = str(error).splitlines()[0]
        raise InputError(
            f"{path} cannot be read as CSV ({first}); every row needs one value per column, "
            "separated by commas"
        ) from error


def _check_header(text: str, path: Path) -> None:
    header = next(csv.reader(io.StringIO(text)), [])
    if not any(name.strip() for name in header):
        raise InputError(f"{path} has no column names in its first line; add them")
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise InputError(
            f"{path} has more than one column named {', '.join(map(repr, twice))}; rename them"
        )
    if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
        raise InputError(
            f"{path} seems to separate its columns by something else than commas; save it with "
            "commas"
        )
