"""Writing a file all or nothing."""

import os
import tempfile
from pathlib import Path

from evenhand.core.errors import InputError


def check_writable(path: str | Path) -> None:
    """Raise an `InputError` if no file can be put there; cheap, so do it before long work."""
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder; name the file to write, such as {path}/params.toml")
    if not path.parent.is_dir():
        raise InputError(f"there is no folder {path.parent} to write {path.name} in; make it first")


def write_atomically(path: str | Path, text: str) -> None:
    """Put the text in the file by way of a temporary one beside it."""
    check_writable(path)
    path = Path(path)
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        # mkstemp makes files for the owner alone; a parameter file is an ordinary document.
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}; check the folder") from error
    finally:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
