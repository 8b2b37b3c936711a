"""Writing a file all or nothing."""

from pathlib import Path

from evenhand.core.errors import InputError
from evenhand.core.files import write_text


def check_writable(path: str | Path) -> None:
    """Raise an `InputError` if no file can be put there; cheap, so do it before long work."""
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder; name the file to write, such as {path}/params.toml")
    if not path.parent.is_dir():
        raise InputError(f"there is no folder {path.parent} to write {path.name} in; make it first")


def write_atomically(path: str | Path, text: str) -> None:
    """Put the text in the file by way of a temporary one beside it; its folder has to exist."""
    check_writable(path)
    write_text(Path(path), text)
