"""Who compiles first, and how far a run is."""

import threading
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any


class Gate:
    """Lets one thread go first for each key, so that a program is compiled once, not per thread.

    `enter(key)` returns a function that lets the others in; calling it again does nothing.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._open: set[str] = set()

    def enter(self, key: str) -> Callable[[], None]:
        with self._guard:
            if key in self._open:
                return lambda: None
            lock = self._locks.setdefault(key, threading.Lock())
        lock.acquire()
        released = threading.Event()

        def release() -> None:
            if not released.is_set():
                released.set()
                with self._guard:
                    self._open.add(key)
                lock.release()

        return release

    @contextmanager
    def first(self, key: str):
        """The same as a context: the first thread runs the block alone."""
        release = self.enter(key)
        try:
            yield
        finally:
            release()


class Progress:
    """A progress bar with the time left, safe to advance from any thread."""

    def __init__(self, total: int, title: str):
        from rich.console import Console
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        console = Console(stderr=True)
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(title, total=total)

    def __enter__(self) -> "Progress":
        self._bar.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._bar.stop()

    def advance(self, amount: int) -> None:
        self._bar.advance(self._task, amount)

    def say(self, text: str) -> None:
        self._bar.update(self._task, description=text)
