"""What a paper's experiment file asks for: scenarios, each an experiment of its own."""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from evenhand.core.errors import InputError, unknown_name
from evenhand.experiments.config import Experiment
from evenhand.experiments.paper.fields import experiment_fields, keys_checked
from evenhand.experiments.paper_records import experiment_digest, read_toml

MAIN = "experiment"
# Files of a paper's folder that are no experiments.
_OTHERS = ("claims", "figures")
_ABOUT = {"title", "reference", "url", "summary", "tuning", "deviations"}
_TOP = {"paper", "defaults", "scenarios"}


@dataclass(frozen=True)
class Scenario:
    """One comparison of a study; `title` is what people call it."""

    name: str
    title: str
    experiment: Experiment


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

    def changed(self, **numbers: int | None) -> "Study":
        """The study with the same change to every scenario; None changes nothing."""
        kept = {name: value for name, value in numbers.items() if value is not None}
        made = (replace(s, experiment=replace(s.experiment, **kept)) for s in self.scenarios)
        return replace(self, scenarios=tuple(made))


def read_study(path: Path, name: str | None = None) -> Study:
    """The study in a paper's folder, by default its main one, or in one experiment file."""
    if path.suffix == ".toml":
        if name is not None and name != path.stem:
            raise InputError(f"{path} and --study {name} name two studies; give one of them")
        folder, name = path.parent, path.stem
    else:
        folder, name = path, name or MAIN
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}; give one such as papers/<key>")
    studies = _studies(folder)
    if name not in studies:
        if not studies:
            raise InputError(f"{folder} has no experiment.toml; papers/README.md says what it is")
        raise unknown_name(f"study in {folder}", name, studies)
    return _study(folder, name, read_toml(folder / f"{name}.toml"))


def _studies(folder: Path) -> list[str]:
    """Names of the experiment files, the main one first."""
    found = sorted(f.stem for f in folder.glob("*.toml") if f.stem.partition("-")[0] not in _OTHERS)
    return sorted(found, key=lambda name: name != MAIN)


def _study(folder: Path, name: str, content: dict[str, Any]) -> Study:
    where = str(folder / f"{name}.toml")
    keys_checked("table", content, _TOP, where)
    about = content.get("paper", {})
    keys_checked("key of [paper]", about, _ABOUT, where)
    tables = content.get("scenarios", {})
    if not isinstance(tables, dict) or not tables:
        raise InputError(f"{where} has no [scenarios.NAME]; a study is one comparison for each")
    defaults = content.get("defaults", {})
    known = {f.name for f in fields(Experiment)} - {"name"} | {"sweep"}
    keys_checked("key of [defaults]", defaults, known, where)
    scenarios = []
    for scenario, table in tables.items():
        if not isinstance(table, dict):
            raise InputError(f"{where}: {scenario!r} must be a table, [scenarios.{scenario}]")
        keys_checked(f"key of [scenarios.{scenario}]", table, known | {"title"}, where)
        own = {key: value for key, value in table.items() if key != "title"}
        found = experiment_fields(defaults, own, f"{where}: [scenarios.{scenario}]")
        title = str(table.get("title", scenario.replace("-", " ").capitalize()))
        scenarios.append(Scenario(scenario, title, Experiment(name=scenario, **found)))
    words = {key: " ".join(str(value).split()) for key, value in about.items()}
    return Study(folder, name, words, tuple(scenarios))
