"""The command line: which command, and what becomes of its result. Nothing here imports jax."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from importlib import import_module
from typing import Any

from evenhand import __version__
from evenhand.commands.table import COMMANDS, Command
from evenhand.core.errors import InputError, unknown_name

__all__ = ["COMMANDS", "Command", "main", "usage"]

USAGE_ERROR, INTERRUPTED, BROKEN_PIPE = 2, 130, 141


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code of one call: 0, 2 for input that cannot be used, 130 after Ctrl-C."""
    if argv is not None:
        return _exit_code(argv)
    try:
        code = _exit_code(sys.argv[1:])
    except Exception:
        if not _left_behind():
            raise
        sys.excepthook(*sys.exc_info())  # pyright: ignore[reportArgumentType]
        code = 1
    if _left_behind():
        # Threads inside compiled code cannot be stopped, and would crash the end of the process.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def _left_behind() -> bool:
    """Whether a thread of an interrupted run still computes."""
    import threading

    return any(thread.name == "evenhand-part" for thread in threading.enumerate())


def _exit_code(argv: Sequence[str]) -> int:
    try:
        code = _dispatch(list(argv))
        sys.stdout.flush()
        return code
    except InputError as error:
        print(f"evenhand: {' '.join(str(error).split())}", file=sys.stderr)
        return USAGE_ERROR
    except KeyboardInterrupt:
        print("\nevenhand: interrupted; the same command continues from here", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader, `head` for one, has seen enough. Python must not flush into the pipe again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return BROKEN_PIPE


def usage() -> str:
    """The text of `evenhand --help`."""
    commands = "\n".join(f"  {name:<15}{command.summary}" for name, command in COMMANDS.items())
    return (
        "usage: evenhand COMMAND [OPTIONS] [--json]\n\n"
        "What decision policies do, in the long run, to the people they decide about.\n\n"
        f"commands:\n{commands}\n\n"
        "options:\n"
        "  --json      one JSON object on standard output, everything else on standard error\n"
        "  --version   the version of evenhand\n"
        "  -h, --help  this text; `evenhand COMMAND --help` for the options of a command\n"
    )


def _dispatch(words: list[str]) -> int:
    as_json = "--json" in words
    words = [word for word in words if word != "--json"]
    if not words or words[0] in ("-h", "--help"):
        print(usage(), end="")
        return 0
    if words[0] == "--version":
        print(f"evenhand {__version__}")
        return 0
    name, *arguments = words
    if name.startswith("-"):
        raise InputError(f"a command comes first, got {name!r} (see evenhand --help)")
    if name not in COMMANDS:
        raise unknown_name("command", name, COMMANDS)
    return _run(name, arguments, as_json)


def _run(name: str, arguments: list[str], as_json: bool) -> int:
    from evenhand.commands.flags import parse

    command = COMMANDS[name]
    if command.uses_jax:
        from evenhand.experiments.compilation import configure_compilation

        configure_compilation()
    module = import_module(command.module)
    kind = getattr(module, command.options)
    options = parse(kind, f"evenhand {name}", command.summary, arguments)
    if options is None:
        return 0
    with _stdout_to_stderr():
        result: dict[str, Any] = module.run(options)
    if as_json:
        from evenhand.core.plain import to_json

        print(to_json(result))
    else:
        from rich.console import Console

        module.show(result, Console())
    return 0


@contextmanager
def _stdout_to_stderr() -> Iterator[None]:
    """Send standard output to standard error, C libraries' too, so that a result stays alone."""
    import ctypes

    sys.stdout.flush()
    saved = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        # What C wrote may still wait in its own buffer, which would empty into the restored one.
        ctypes.CDLL(None).fflush(None)
        os.dup2(saved, 1)
        os.close(saved)
