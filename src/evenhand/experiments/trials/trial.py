"""What a trial is: methods and seeds, a budget, and what a method with a seed comes to."""

import hashlib
import json
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

from evenhand.core.errors import InputError, unknown_name
from evenhand.core.registry import TRIALS, load
from evenhand.data.choose import parse_settings
from evenhand.experiments.trials.values import coerced
from evenhand.experiments.variants import base_method, identity, variant_settings
from evenhand.experiments.wording import Measure

# Rows of a part: {"final": [{"metric", "group", "value"}], "curves": [{"env_steps", ...}]}.
Rows = dict[str, list[dict[str, Any]]]
# Told how much more of the work is done; raises where the run is to stop.
Advance = Callable[[int], None]


@dataclass(frozen=True)
class Trial:
    """A comparison that is not of policies in one world: its fields are all that changes numbers.

    A subclass adds fields with defaults and says what a method with a seed comes to. `work` and
    the steps of curves are counted in `unit`. Parts that hold Python's lock run in processes of
    their own; those of compiled code (`separate = False`) in threads. Up to `together` seeds of a
    method are handed to one call of `run_parts`.
    """

    kind: ClassVar[str]
    unit: ClassVar[str] = "episodes"
    separate: ClassVar[bool] = True
    together: ClassVar[int] = 1
    measures: ClassVar[Mapping[str, Measure]]

    name: str
    methods: tuple[str, ...] = ()
    seeds: int = 10
    first_seed: int = 0

    def __post_init__(self) -> None:
        if self.seeds < 1 or self.first_seed < 0:
            raise InputError(
                f"seeds must be at least 1 and first_seed at least 0, got {self.seeds} and "
                f"{self.first_seed}"
            )
        if not self.methods:
            raise InputError(f"{self.name} has no methods; name some of: {self._known_methods()}")
        seen: dict[Any, str] = {}
        for method in self.methods:
            if base_method(method) not in self.known_methods():
                raise unknown_name("method", base_method(method), self.known_methods())
            other = seen.setdefault(identity(method), method)
            if other is not method:
                raise InputError(f"methods {other!r} and {method!r} are the same; name each once")
            self.options(method)

    @classmethod
    @abstractmethod
    def known_methods(cls) -> Mapping[str, tuple[str, ...]]:
        """The methods that can be named, each with the options a variant may set."""

    @abstractmethod
    def world(self) -> dict[str, Any]:
        """What the trial is about, `groups` among it; the first user error is raised here."""

    @abstractmethod
    def work(self, method: str) -> int:
        """How much there is to do for a method with one seed."""

    @abstractmethod
    def run_part(self, method: str, seed: int, advance: Advance, state: Path) -> Rows:
        """The rows of a method with a seed; long work may keep its state in a file meanwhile."""

    def run_parts(
        self, method: str, seeds: Sequence[int], advance: Advance, states: Sequence[Path]
    ) -> list[Rows]:
        """The rows of a method with each of these seeds, one after the other unless overridden."""
        each = zip(seeds, states, strict=True)
        return [self.run_part(method, seed, advance, state) for seed, state in each]

    def relative(self, rows: Mapping[str, Rows]) -> Mapping[str, list[dict[str, Any]]]:
        """Further final rows by method, from the rows of all methods with one seed.

        Called for each seed when all parts are done: for measures that compare a method with
        another of the same seed. Nothing unless overridden.
        """
        return {}

    @property
    def budget(self) -> str:
        """What every method was allowed, in words."""
        return f"{max(map(self.work, self.methods)):,} {self.unit} per seed"

    @classmethod
    def measure(cls, metric: str) -> Measure:
        """A measure in words; `gap:near-goal` is the measure `gap` of one thing by name."""
        base, _, of = metric.partition(":")
        if base not in cls.measures:
            raise unknown_name(f"metric of {cls.kind} trials", base, cls.measures)
        words = cls.measures[base]
        title = f"{words.title}, {of.replace('-', ' ')}" if of else words.title
        return Measure(title, words.unit, words.meaning, words.harm)

    def options(self, method: str) -> dict[str, Any]:
        """What a variant sets, its names checked: {} for a method by its bare name."""
        settings = variant_settings(method)
        known = self.known_methods()[base_method(method)]
        for option in settings:
            if option not in known:
                raise unknown_name(f"option of {base_method(method)}", option, known)
        return parse_settings([f"{name}={text}" for name, text in settings.items()], "--option")

    def to_json(self) -> dict[str, Any]:
        """The fields and the kind as JSON-able data."""
        return json.loads(json.dumps(asdict(self))) | {"kind": self.kind}

    def digest(self) -> str:
        """SHA-256 of the canonical JSON of everything that changes a number."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def _known_methods(self) -> str:
        return ", ".join(self.known_methods())


def trial_class(kind: str) -> type[Trial]:
    """The class of trials of this kind."""
    return load("kind of study", TRIALS, kind)


def make_trial(kind: str, given: Mapping[str, Any], where: str) -> Trial:
    """The trial with these fields, every name and type checked; `where` begins an error."""
    made = trial_class(kind)
    known = {field.name: field for field in fields(made)}
    values = {}
    for name, value in given.items():
        if name not in known:
            raise InputError(f"{where}: {unknown_name('key', name, known)}")
        values[name] = coerced(known[name], value, where)
    try:
        return made(**values)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
