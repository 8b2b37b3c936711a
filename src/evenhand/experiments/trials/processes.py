"""Worker processes of a trial, one for each thread that waits for it."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from evenhand.core.errors import InputError
from evenhand.core.registry import TRIAL_METHODS, TRIALS
from evenhand.experiments.trials.trial import Trial


class Processes:
    """Runs parts in processes of their own; leaving the context ends them all.

    They have a session of their own, so that Ctrl-C reaches only this process, which ends them.
    One whose parent was killed ends when it next tells of its progress.
    """

    def __init__(self, trial: Trial, folder: Path):
        self._head = {
            # Kinds that were registered by the program that runs are unknown to a new process.
            "kind": (trial.kind, TRIALS[trial.kind], TRIAL_METHODS.get(trial.kind, ())),
            "fields": {k: v for k, v in trial.to_json().items() if k != "kind"},
            "folder": str(folder.resolve()),
        }
        self._own = threading.local()
        self._all: list[subprocess.Popen[str]] = []

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *_: Any) -> None:
        for process in self._all:
            process.kill()
        for process in self._all:
            with process:  # closes its pipes and waits
                pass

    def run(self, method: str, seeds: Sequence[int], advance: Callable[[int], None]) -> None:
        """Have parts of a method done and kept, by this thread's process."""
        process = self._process()
        try:
            self._converse(process, self._head | {"method": method, "seeds": list(seeds)}, advance)
        except BaseException:
            process.kill()
            raise

    def _process(self) -> "subprocess.Popen[str]":
        if not hasattr(self._own, "process"):
            paths = os.pathsep.join(filter(None, sys.path))
            # One thread each: the parts themselves are what runs side by side.
            one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
            self._own.process = subprocess.Popen(
                [sys.executable, "-m", "evenhand.experiments.trials.worker"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                env={**os.environ, **one, "PYTHONPATH": paths}, start_new_session=True,
            )  # fmt: skip
            self._all.append(self._own.process)
        return self._own.process

    def _converse(
        self, process: "subprocess.Popen[str]", job: dict[str, Any], advance: Callable[[int], None]
    ) -> None:
        print(json.dumps(job), file=process.stdin, flush=True)
        for line in process.stdout or ():
            answer = json.loads(line)
            if "refused" in answer:
                raise InputError(answer["refused"])
            if "done" in answer:
                return
            advance(answer["advance"])
        raise RuntimeError(
            f"the worker for {job['method']} with seeds {job['seeds']} ended with code "
            f"{process.wait()}; what it printed stands above"
        )
