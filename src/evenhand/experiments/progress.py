"""Who compiles first, and how far a run is."""

import sys
import threading
import time
from collections.abc import Callable, Hashable
from contextlib import contextmanager
from typing import Any


class Gate:
    """Lets one thread go first for each key, so that a program is compiled once, not per thread.

    `enter(key)` returns a function that lets the others in; calling it again does nothing.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[Hashable, threading.Lock] = {}
        self._open: set[Hashable] = set()

    def enter(self, key: Hashable) -> Callable[[], None]:
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
    def first(self, key: Hashable):
        """The same as a context: the first thread runs the block alone."""
        release = self.enter(key)
        try:
            yield
        finally:
            release()


def program_key(name: str, *trees: Any) -> Hashable:
    """What decides whether two calls of a compiled function share one program."""
    import jax

    leaves, structure = jax.tree.flatten(trees)
    kinds = tuple((x.shape, x.dtype) if hasattr(x, "dtype") else x for x in leaves)
    return name, structure, kinds


class Progress:
    """How far a run is: a bar on a terminal, else a line now and then; safe from any thread."""

    LINE_SECONDS = 10.0

    def __init__(self, total: int, num_parts: int):
        from rich.console import Console

        self._total, self._num_parts = max(total, 1), num_parts
        self._done = self._parts = 0
        self._guard = threading.Lock()
        self._began = self._said = time.monotonic()
        console = Console(stderr=True)
        self._bar = _bar(console) if console.is_terminal else None
        if self._bar is not None:
            self._task = self._bar.add_task(self._count(), total=total)

    def __enter__(self) -> "Progress":
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: Any) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self, amount: int) -> None:
        """Count work that is done, in environment steps."""
        with self._guard:
            self._done += amount
        if self._bar is not None:
            self._bar.advance(self._task, amount)

    def part_done(self) -> None:
        """Count a finished part."""
        with self._guard:
            self._parts += 1
        if self._bar is not None:
            self._bar.update(self._task, description=self._count())
        self.tick(1.0 if self._parts < self._num_parts else 0.0)

    def tick(self, every: float = LINE_SECONDS) -> None:
        """Say where the run is, unless that was said less than `every` seconds ago."""
        with self._guard:
            now = time.monotonic()
            if self._bar is not None or now - self._said < every:
                return
            self._said = now
            print(f"evenhand: {self._count()}, {self._left(now)}", file=sys.stderr, flush=True)

    def _count(self) -> str:
        return f"{self._parts}/{self._num_parts} parts"

    def _left(self, now: float) -> str:
        share = min(self._done / self._total, 1.0)
        if self._parts == self._num_parts:
            return f"done in {_clock(now - self._began)}"
        if not share:
            return "compiling"
        left = (now - self._began) * (1 - share) / share
        return f"{share:.0%} of the work, about {_clock(left)} left"


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _bar(console: Any) -> Any:
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        Remaining(elapsed_when_finished=True),
        console=console,
    )
