"""Running a study: check everything first, then each scenario, then judge and write."""

import shlex
import sys
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evenhand.core.errors import InputError
from evenhand.experiments.config import Experiment
from evenhand.experiments.estimates import Estimates
from evenhand.experiments.folder import run_folder
from evenhand.experiments.paper.claims import Claim, read_claims
from evenhand.experiments.paper.study import Scenario, Study
from evenhand.experiments.record import read_run
from evenhand.experiments.runner import run_experiment
from evenhand.experiments.trials.running import run_trial
from evenhand.experiments.trials.trial import Trial


@dataclass(frozen=True)
class Sitting:
    """One call: which study, which of its scenarios, and changes that make it a scratch run."""

    study: Study
    out: Path
    scenarios: tuple[str, ...] = ()
    seeds: int | None = None
    steps: int | None = None
    seed_mode: str = "auto"
    settings: tuple[str, ...] = ()

    @property
    def scratch(self) -> bool:
        """Whether this is a trial of something smaller or larger than the study."""
        return bool(self.changes)

    @property
    def changes(self) -> dict[str, str]:
        """What differs from the study as its file has it, by the flag that changes it."""
        numbers = {"seeds": self.seeds, "steps": self.steps}
        found = {name: f"{value:,}" for name, value in numbers.items() if value is not None}
        pairs = (setting.partition("=") for setting in self.settings)
        return found | {name.strip(): text.strip() for name, _, text in pairs}

    @property
    def chosen(self) -> tuple[Scenario, ...]:
        """The scenarios to run, changed as asked for."""
        study = self.changed
        names = self.scenarios or tuple(s.name for s in study.scenarios)
        return tuple(study.scenario(name) for name in dict.fromkeys(names))

    @property
    def changed(self) -> Study:
        return self.study.changed(self.settings, seeds=self.seeds, steps=self.steps)

    @property
    def runs(self) -> Path:
        """The folder of the runs; scratch runs have one of their own."""
        return self.study.runs(self.out) / ("scratch" if self.scratch else ".")

    @property
    def command(self) -> str:
        """The command line that makes, or continues, these runs."""
        words = ["evenhand", "run", str(self.study.folder)]
        if self.study.file.stem != "experiment":
            words += ["--study", self.study.name]
        if self.scenarios:
            words += ["--scenarios", ",".join(self.scenarios)]
        for name in ("seeds", "steps"):
            if (value := getattr(self, name)) is not None:
                words += [f"--{name}", str(value)]
        words += [word for setting in self.settings for word in ("--set", setting)]
        if self.out != Path("runs"):
            words += ["--out", str(self.out)]
        return shlex.join(words)


def run_study(sitting: Sitting) -> dict[str, Estimates]:
    """The finished runs of the study by scenario: those just made, and those made before.

    Every name in the study's files is checked before anything long starts. An interrupted study
    is continued by the same call.
    """
    runs = sitting.runs
    if runs.exists() and not runs.is_dir():
        raise InputError(f"--out {sitting.out} is a file; name a folder for the runs")
    check_study(sitting.chosen, read_claims(sitting.study))
    began, chosen = time.monotonic(), sitting.chosen
    todo = [s for s in chosen if not _is_finished(s.experiment, runs)]
    for number, scenario in enumerate(todo):
        _say(scenario, number, len(todo), time.monotonic() - began)
        if isinstance(scenario.experiment, Trial):
            run_trial(scenario.experiment, runs, sitting.command)
            continue
        run_experiment(scenario.experiment, runs, sitting.command, sitting.seed_mode)
        from evenhand.experiments.compilation import forget_programs

        forget_programs()
    return finished(sitting)


def finished(sitting: Sitting) -> dict[str, Estimates]:
    """The runs of the study that are there whole, in its order."""
    found = {}
    for scenario in sitting.changed.scenarios:
        if _is_finished(scenario.experiment, sitting.runs):
            found[scenario.name] = Estimates(
                read_run(run_folder(scenario.experiment, sitting.runs))
            )
    return found


def _is_finished(experiment: Experiment | Trial, runs: Path) -> bool:
    try:
        read_run(run_folder(experiment, runs))
    except InputError:
        return False
    return True


def check_study(scenarios: Collection[Scenario], claims: Collection[Claim]) -> None:
    """Raise an `InputError` for the first name that a world, a method or a group does not have."""
    groups = {}
    for scenario in scenarios:
        try:
            groups[scenario.name] = _world(scenario.experiment)["groups"]
        except InputError as error:
            raise InputError(f"scenario {scenario.name!r}: {error}") from error
    for claim in claims:
        for used in (q for test in claim.tests for q in test.quantities):
            known = groups.get(used.scenario)
            for group in filter(None, (used.group, used.minus_group)):
                if known is not None and group not in known:
                    from evenhand.core.errors import unknown_name

                    error = unknown_name(f"group in scenario {used.scenario}", group, known)
                    raise InputError(f"claim {claim.id!r}: {error}")


def _world(experiment: Experiment | Trial) -> dict[str, Any]:
    """What the scenario is about, its names and options tried."""
    if isinstance(experiment, Trial):
        return experiment.world()
    # These import jax, which takes a second, and trials do without.
    from evenhand.experiments.preparation import check_methods, describe_world, world_of

    world = world_of(experiment)
    check_methods(experiment, world)
    return describe_world(world)


def _say(scenario: Scenario, number: int, total: int, seconds: float) -> None:
    left = ""
    if number:
        minutes = seconds / number * (total - number) / 60
        left = f", about {minutes:.0f} min left for all of them"
    words = f"evenhand: scenario {scenario.name} ({number + 1} of {total}{left})"
    print(words, file=sys.stderr, flush=True)
