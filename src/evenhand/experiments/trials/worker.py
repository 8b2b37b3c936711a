"""A process that does parts of a trial: jobs come as lines of JSON, progress goes back.

Subprocesses and not a pool: nothing is pickled, and a script needs no guard around its main part.
"""

import json
import sys
from pathlib import Path
from typing import Any

from evenhand.core.errors import InputError
from evenhand.core.registry import register_trial
from evenhand.experiments.folder import state_file, write_part
from evenhand.experiments.trials.trial import make_trial


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
    part, folder = (job["method"], job["seed"]), Path(job["folder"])
    rows = trial.run_part(*part, lambda amount: say(advance=amount), state_file(folder, *part))
    write_part(folder, part, whole(rows, trial.work(part[0])))
    say(done=True)


def whole(rows: dict[str, Any], work: int) -> dict[str, Any]:
    """The rows with every table and column that a part of a run has."""
    empty = {"final": [], "curves": [], "series": [], "distributions": [], "levels": []}
    head = {"update": 0, "env_steps": work, "signal": "", "count": 1.0}
    filled = [{**head, **row} for row in rows["final"]]
    curves = [{"update": 0, **row} for row in rows.get("curves", ())]
    return {**empty, **rows, "final": filled, "curves": curves}


if __name__ == "__main__":
    main()
