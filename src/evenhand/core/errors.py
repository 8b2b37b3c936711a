"""The one error that is meant for the person at the keyboard."""

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Input that cannot be used: one sentence naming the thing, the value and the remedy.

    The command line prints the sentence and ends with exit code 2; in Python it is a ValueError.
    """


def unknown_name(kind: str, name: str, known: Iterable[str]) -> InputError:
    """An `InputError` for a name that does not exist, with the nearest ones that do."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = (
        f"did you mean {' or '.join(map(repr, near))}?"
        if near
        else f"choose from: {', '.join(known)}"
    )
    return InputError(f"there is no {kind} {name!r}; {hint}")
