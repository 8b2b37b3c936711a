"""What is to be run, as one frozen record with a stable digest."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evenhand.algorithms.model_text import read_model_text
from evenhand.core.errors import InputError, unknown_name
from evenhand.experiments.variants import identity

# Steps are counted in 32 bits, and a run ends with a whole update.
_MOST_STEPS = 2_000_000_000
# Fields that later versions added: at these values they leave a digest as it was before them.
_LATER = {"curve_points": 0, "curve_episodes": 1}


@dataclass(frozen=True)
class Experiment:
    """A comparison of methods on one world, budget and seeds included.

    Everything that changes a number is a field, so equal digests mean equal results (up to the
    versions and the device, which the manifest records).
    """

    name: str = "compare"
    env: str = "Lending-v0"
    preset: str | None = None
    params: str | None = None
    groups: str | None = None
    settings: tuple[str, ...] = ()
    features: tuple[str, ...] | None = None
    methods: tuple[str, ...] = ("ppo", "max-util", "equal-opportunity", "approve-all")
    seeds: int = 10
    first_seed: int = 0
    steps: int = 400_000
    """Environment steps of training, for methods that learn by interaction."""
    episodes: int = 5
    evaluation_steps: int | None = None
    criteria: tuple[str, ...] = ("gain-disparity", "approval-gap", "score-w1", "recall-gap")
    frontier_points: int = 15
    """Points of every exact frontier; those that need a search (recall) get three fifths."""
    policy_class: str = "time"
    options: tuple[str, ...] = ()
    """`method.field=value` settings of the learners, e.g. `ppo.discount=0.999`."""
    curve_points: int = 0
    """Moments of training at which a learner is evaluated, the end included; 0 for none."""
    curve_episodes: int = 1

    def __post_init__(self) -> None:
        for name in ("seeds", "steps", "episodes", "evaluation_steps", "curve_episodes"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"{name} must be at least 1, got {value}")
        if not 0 <= self.curve_points <= 1000:
            raise InputError(f"curve_points must be 0 to 1000, got {self.curve_points}")
        if not 0 <= self.first_seed <= self.first_seed + self.seeds <= 2**32:
            raise InputError(
                f"seeds must lie from 0 to 2^32 - 1, got first_seed={self.first_seed} and "
                f"seeds={self.seeds}"
            )
        if self.steps > _MOST_STEPS:
            raise InputError(f"steps must be at most {_MOST_STEPS:,}, got {self.steps:,}")
        if not 2 <= self.frontier_points <= 1000:
            raise InputError(f"frontier_points must be 2 to 1000, got {self.frontier_points}")
        if not self.name.strip(". ") or set(self.name) & set("/\\\0") or len(self.name) > 100:
            raise InputError(
                f"name must be the name of a folder, without slashes, got {self.name!r}"
            )
        if not self.methods:
            raise InputError("no methods to compare; name some with --algorithms or --policies")
        self._check_twice()
        self._check_names()

    def _check_twice(self) -> None:
        first: dict[Any, str] = {}
        for name in self.methods:
            other = first.setdefault(identity(name), name)
            if self.methods.count(name) > 1:
                raise InputError(f"method {name!r} is named twice; name each once")
            if other != name:
                raise InputError(f"methods {other!r} and {name!r} are the same; name each once")

    def _check_names(self) -> None:
        from evenhand.tabular.criteria import CRITERIA
        from evenhand.tabular.lending import POLICY_CLASSES

        for kind, names, known in (
            ("criterion", self.criteria, CRITERIA),
            ("policy class", (self.policy_class,), POLICY_CLASSES),
        ):
            for name in names:
                if name not in known:
                    raise unknown_name(kind, name, known)

    def to_json(self) -> dict[str, Any]:
        """The record as JSON-able data."""
        return json.loads(json.dumps(asdict(self)))

    def digest(self) -> str:
        """SHA-256 of the canonical JSON; files count by their content, not by their path."""
        content = {k: v for k, v in self.to_json().items() if _LATER.get(k) != v or k not in _LATER}
        if self.params is not None:
            content["params"] = _content(self.params)
        content["methods"] = [_method(name) for name in self.methods]
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def _method(name: str) -> str:
    """What counts in a digest: a method's name, but of a file its content and its use."""
    if name.lower().endswith(".csv"):
        return f"table {_content(name)}"
    model = read_model_text(name)
    if model is None:
        return name
    short = f"{model.cut:g}"
    cut = short if float(short) == model.cut else repr(model.cut)
    return f"model {_content(model.path)} {model.rule} {cut}"


def _content(file: str) -> str:
    """SHA-256 of a file."""
    try:
        return hashlib.sha256(Path(file).read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}; check the path") from error
