"""From words on the command line to a dataclass of options, with tyro, and back; errors plain."""

import io
import re
import shlex
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import fields
from typing import TYPE_CHECKING, TypeVar

from evenhand.core.errors import InputError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Options = TypeVar("Options")


def parse(options: type[Options], prog: str, summary: str, arguments: list[str]) -> Options | None:
    """The options that `arguments` ask for, or None after printing the help they ask for."""
    import tyro

    printed, errors = _page(), _page()
    try:
        with redirect_stdout(printed), redirect_stderr(errors):
            chosen = tyro.cli(options, prog=prog, description=summary, args=arguments)
    except SystemExit as stop:
        if stop.code:
            raise InputError(usage_sentence(_text(errors), prog)) from None
        print(without_boxes(_text(printed)), end="")
        return None
    print(_text(errors), end="", file=sys.stderr)
    return chosen


def usage_sentence(box: str, prog: str) -> str:
    """What tyro's box of an error says, in one sentence with the nearest options."""
    lines = [line.strip() for line in without_boxes(box).splitlines()[1:]]
    what, _, more = "\n".join(lines).partition("\n---\n")
    message = " ".join(what.split()).rstrip(".")
    message = message[:1].lower() + message[1:]
    near = re.findall(r"^(?:-\w, )?(--[a-z][\w-]*)", more, re.MULTILINE)
    if near and "meant" in more:
        message += f"; did you mean {' or '.join(dict.fromkeys(near))}?"
    return f"{message} (see {prog} --help)"


def without_boxes(text: str) -> str:
    """The text with frames taken away: a frame's title ends in a colon, a rule is `---`."""
    lines = []
    for line in text.splitlines():
        if title := re.match(r"\s*╭─ (.*?) ─*╮", line):
            lines.append(f"{title[1]}:")
        elif line.startswith("╰"):
            lines.append("")
        elif re.fullmatch(r"│ ─+ │", line.strip()):
            lines.append("---")
        else:
            lines.append(re.sub(r"^│ (.*?)\s*│$", r"  \1", line))
    # An option that may be left out says so by its default.
    joined = "\n".join(lines).rstrip() + "\n"
    return re.sub(r"\{None\}\|(\S+)", lambda found: found[1] + " " * 7, joined)


def command_line(command: str, options: "DataclassInstance") -> str:
    """The call of a command that gives these options: those that differ from the defaults."""
    words = ["evenhand", command]
    for field in fields(options):
        value = getattr(options, field.name)
        if value == field.default:
            continue
        flag = "--" + field.name.replace("_", "-")
        if value is True:
            words.append(flag)
            continue
        for item in value if isinstance(value, tuple) else (value,):
            words += [flag, str(item)]
    return shlex.join(words)


def _page() -> io.TextIOWrapper:
    # An encoding of its own: tyro draws its frames in ASCII where standard output has none.
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)


def _text(page: io.TextIOWrapper) -> str:
    page.seek(0)
    return page.read()
