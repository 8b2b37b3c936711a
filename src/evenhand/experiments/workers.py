"""Threads that do the parts of a run, and are left behind when somebody wants to stop."""

import atexit
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextvars import copy_context
from typing import Any

THREAD_NAME = "evenhand-part"

# Compiled code and solvers cannot be interrupted; a process that ends need not wait for them.
_GRACE_SECONDS = 1.0


class Stopped(Exception):  # noqa: N818 - not an error
    """Raised inside a part when the run is to stop."""


def run_jobs(
    jobs: Sequence[Any],
    work: Callable[[Any], None],
    num_workers: int,
    stop: threading.Event,
    tick: Callable[[], None] = lambda: None,
) -> None:
    """Do `work(job)` for every job in threads; the first error ends the rest and is raised.

    After an error or Ctrl-C `stop` is set, which a job notices when it next reports progress.
    Ctrl-C does not wait for that: the threads are left behind, and joined when the interpreter
    ends, unless the process ends without that. `tick` is called a few times a second.
    """
    waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
    for job in jobs:
        waiting.put(job)
    errors: list[BaseException] = []
    todo = (waiting, work, stop, errors)
    # Threads know nothing of their maker's context, such as leave to load pickles; this tells them.
    threads = [
        threading.Thread(
            target=copy_context().run, args=(_work, *todo), name=THREAD_NAME, daemon=True
        )
        for _ in range(min(num_workers, len(jobs)))
    ]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            while thread.is_alive():
                thread.join(0.2)
                tick()
    except BaseException:
        stop.set()
        _leave(threads)
        raise
    if errors:
        raise errors[0]


def _work(
    waiting: "queue.SimpleQueue[Any]",
    work: Callable[[Any], None],
    stop: threading.Event,
    errors: list[BaseException],
) -> None:
    while not stop.is_set():
        try:
            work(waiting.get_nowait())
        except queue.Empty:
            return
        except BaseException as error:
            if not isinstance(error, Stopped):
                errors.append(error)
            stop.set()


def _leave(threads: list[threading.Thread]) -> None:
    """Wait a little, and see to it that what still runs then is not killed inside native code."""
    end = time.monotonic() + _GRACE_SECONDS
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
        if thread.is_alive():
            atexit.register(thread.join)


def num_cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
