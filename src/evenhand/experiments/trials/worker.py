"""A process that does parts of a trial: jobs come as lines of JSON, progress goes back.

Subprocesses and not a pool: nothing is pickled, and a script needs no guard around its main part.
"""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from evenhand.core.errors import InputError
from evenhand.experiments.folder import state_file, write_part
from evenhand.experiments.trials.values import coerced


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
    from dataclasses import fields

    module, _, name = job["target"].partition(":")
    made = getattr(import_module(module), name)
    known = {field.name: field for field in fields(made)}
    values = {key: coerced(known[key], v, "job") for key, v in job["fields"].items()}
    trial, method, seed = made(**values), job["method"], job["seed"]
    folder = Path(job["folder"])
    state = state_file(folder, method, seed)
    rows = trial.run_part(method, seed, lambda amount: say(advance=amount), state)
    write_part(folder, (method, seed), whole(rows))
    say(done=True)


def whole(rows: dict[str, Any]) -> dict[str, Any]:
    """The rows with every table that a part of a run has; those that are absent are empty."""
    empty = {"final": [], "curves": [], "series": [], "distributions": [], "levels": []}
    return {**empty, **rows}


if __name__ == "__main__":
    main()
