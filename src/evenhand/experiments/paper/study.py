"""What a paper's experiment file asks for: scenarios, each an experiment of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from evenhand.core.errors import InputError, unknown_name
from evenhand.core.registry import TRIALS
from evenhand.data.choose import parse_settings
from evenhand.experiments.config import Experiment
from evenhand.experiments.paper.fields import experiment_fields, keys_checked
from evenhand.experiments.paper_records import MAIN, experiment_digest, read_toml, study_names
from evenhand.experiments.trials.trial import Trial, make_trial, trial_class

_ABOUT = {"title", "reference", "url", "summary", "tuning", "deviations"}
_TOP = {"kind", "paper", "defaults", "scenarios"}


@dataclass(frozen=True)
class Scenario:
    """One comparison of a study; `title` is what people call it."""

    name: str
    title: str
    experiment: Experiment | Trial


@dataclass(frozen=True)
class Study:
    """One experiment file of a paper's folder.

    `about` holds the words of the `[paper]` table. The study of experiment.toml is the main one,
    whose results lie in `results`; any other has a folder of its own in there.
    """

    folder: Path
    name: str
    about: dict[str, str]
    scenarios: tuple[Scenario, ...]
    kind: str = ""
    """The kind of its trials; "" where it compares policies in worlds."""

    @property
    def file(self) -> Path:
        return self.folder / f"{self.name}.toml"

    @property
    def results(self) -> Path:
        here = self.folder / "results"
        return here if self.name == MAIN else here / self.name

    @property
    def key(self) -> str:
        """The name of the folder, by which people call the paper."""
        return self.folder.resolve().name

    @property
    def digest(self) -> str:
        return experiment_digest(self.file)

    def beside(self, kind: str) -> Path:
        """The file of this study's claims or figures: claims.toml, or claims-STUDY.toml."""
        return self.folder / (f"{kind}.toml" if self.name == MAIN else f"{kind}-{self.name}.toml")

    def runs(self, out: Path) -> Path:
        """The folder that holds the runs of this study."""
        return out / self.key if self.name == MAIN else out / self.key / self.name

    def scenario(self, name: str) -> Scenario:
        """The scenario of this name."""
        found = {scenario.name: scenario for scenario in self.scenarios}
        if name not in found:
            raise unknown_name(f"scenario of {self.file}", name, found)
        return found[name]

    def changed(self, settings: Sequence[str] = (), **numbers: int | None) -> "Study":
        """The study with the same change to every scenario; None changes nothing.

        Of scenarios that the change makes equal, the one is kept that the settings left as it was.
        """
        kept = {name: value for name, value in numbers.items() if value is not None}
        made: dict[str, Scenario] = {}
        for scenario in self.scenarios:
            found = replace(scenario, experiment=_changed(scenario.experiment, settings, kept))
            content = found.experiment.to_json() | {"name": ""}
            same = repr(sorted(content.items()))
            unset = replace(scenario, experiment=_changed(scenario.experiment, (), kept))
            if found == unset:
                made[same] = found
            elif same not in made:
                # What was changed may be what the title tells of.
                title = f"{scenario.title}, with {', '.join(settings)}"
                made[same] = replace(found, title=title)
        return replace(self, scenarios=tuple(made.values()))


def _changed(
    experiment: Experiment | Trial, settings: Sequence[str], numbers: dict[str, int]
) -> Experiment | Trial:
    known = {field.name for field in fields(experiment)} - {"name"}
    for name in numbers:
        if name not in known:
            raise InputError(f"--{name} means nothing in this study; its fields: {sorted(known)}")
    if isinstance(experiment, Trial):
        own = {f.name: getattr(experiment, f.name) for f in fields(experiment)}
        return make_trial(experiment.kind, own | parse_settings(settings) | numbers, "--set")
    return replace(experiment, settings=experiment.settings + tuple(settings), **numbers)


def read_study(path: Path, name: str | None = None) -> Study:
    """The study in a paper's folder, by default its main one, or in one experiment file."""
    if not path.exists() and (one := path.with_suffix(".toml")).is_file():
        path = one
    if path.suffix == ".toml":
        if name is not None and name != path.stem:
            raise InputError(f"{path} and --study {name} name two studies; give one of them")
        folder, name = path.parent, path.stem
    else:
        folder = path
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}; give one such as papers/<key>")
    studies = study_names(folder)
    if name is None:
        name = MAIN if MAIN in studies or len(studies) != 1 else studies[0]
    if name == MAIN and name not in studies and studies:
        raise InputError(
            f"{folder} has no main study; name one of its studies: "
            + ", ".join(str(folder / study) for study in studies)
        )
    if name not in studies:
        if not studies:
            raise InputError(f"{folder} has no experiment.toml; papers/README.md says what it is")
        raise unknown_name(f"study in {folder}", name, studies)
    return _study(folder, name, read_toml(folder / f"{name}.toml"))


def _study(folder: Path, name: str, content: dict[str, Any]) -> Study:
    where = str(folder / f"{name}.toml")
    keys_checked("table", content, _TOP, where)
    about = content.get("paper", {})
    keys_checked("key of [paper]", about, _ABOUT, where)
    kind = content.get("kind", "")
    if kind and kind not in TRIALS:
        raise InputError(f"{where}: {unknown_name('kind of study', str(kind), TRIALS)}")
    tables = content.get("scenarios", {})
    if not isinstance(tables, dict) or not tables:
        raise InputError(f"{where} has no [scenarios.NAME]; a study is one comparison for each")
    defaults = content.get("defaults", {})
    made = trial_class(kind) if kind else Experiment
    known = {f.name for f in fields(made)} - {"name"} | (set() if kind else {"sweep"})
    keys_checked("key of [defaults]", defaults, known, where)
    scenarios = []
    for scenario, table in tables.items():
        if not isinstance(table, dict):
            raise InputError(f"{where}: {scenario!r} must be a table, [scenarios.{scenario}]")
        keys_checked(f"key of [scenarios.{scenario}]", table, known | {"title"}, where)
        own = {key: value for key, value in table.items() if key != "title"}
        here = f"{where}: [scenarios.{scenario}]"
        if kind:
            experiment = make_trial(kind, {**defaults, **own, "name": scenario}, here)
        else:
            experiment = Experiment(name=scenario, **experiment_fields(defaults, own, here))
        title = str(table.get("title", scenario.replace("-", " ").capitalize()))
        scenarios.append(Scenario(scenario, title, experiment))
    words = {key: " ".join(str(value).split()) for key, value in about.items()}
    return Study(folder, name, words, tuple(scenarios), kind)
