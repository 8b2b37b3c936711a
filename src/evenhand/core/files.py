"""Files that appear whole under their name, or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evenhand.core.errors import InputError


def write_text(path: Path, text: str) -> None:
    """Write a text file: either the whole file appears under its name, or nothing does."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` that takes its name once it is safely on disk."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        why = error.strerror or error
        raise InputError(f"{path} cannot be written: {why}; check the folder's rights") from error
    finally:
        remove(temporary)


def remove(path: Path) -> None:
    """Delete a file if it is there and can be deleted."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return
