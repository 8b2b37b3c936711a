"""A process that does parts of a trial: jobs come as lines of JSON, progress goes back.

Subprocesses and not a pool: nothing is pickled, and a script needs no guard around its main part.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evenhand.core.errors import InputError
from evenhand.core.registry import register_trial
from evenhand.experiments.folder import state_file, write_part
from evenhand.experiments.trials.trial import Advance, Trial, make_trial


def main() -> None:
    """Do one job after another until there are no more."""
    answers, sys.stdout = sys.stdout, sys.stderr  # what a library prints is no answer

    def say(**answer: Any) -> None:
        print(json.dumps(answer), file=answers, flush=True)

    for line in sys.stdin:
        try:
            _do(json.loads(line), say)
        except InputError as error:
            say(refused=str(error))


def _do(job: dict[str, Any], say: Any) -> None:
    name, target, methods = job["kind"]
    register_trial(name, target, tuple(methods))
    trial = make_trial(name, job["fields"], "the trial")
    keep_parts(
        trial, job["method"], job["seeds"], Path(job["folder"]), lambda done: say(advance=done)
    )
    say(done=True)


def keep_parts(
    trial: Trial, method: str, seeds: Sequence[int], folder: Path, advance: Advance
) -> None:
    """Run a method with these seeds, in one call, and keep the rows of each."""
    states = [state_file(folder, method, seed) for seed in seeds]
    made = trial.run_parts(method, seeds, advance, states)
    for seed, rows in zip(seeds, made, strict=True):
        write_part(folder, (method, seed), whole(rows, trial.work(method)))


def whole(rows: dict[str, Any], work: int) -> dict[str, Any]:
    """The rows with every table and column that a part of a run has."""
    empty = {"final": [], "curves": [], "series": [], "distributions": [], "levels": []}
    head = {"update": 0, "env_steps": work, "signal": "", "count": 1.0}
    filled = [{**head, **row} for row in rows["final"]]
    curves = [{"update": 0, **row} for row in rows.get("curves", ())]
    return {**empty, **rows, "final": filled, "curves": curves}


if __name__ == "__main__":
    main()
