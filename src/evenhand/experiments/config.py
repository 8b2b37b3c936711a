"""What is to be run, as one frozen record with a stable digest."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evenhand.core.errors import InputError


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

    def __post_init__(self) -> None:
        for name in ("seeds", "steps", "episodes"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not self.methods:
            raise InputError("no methods to compare; name some with --algorithms or --policies")
        if len(set(self.methods)) < len(self.methods):
            raise InputError(f"methods {self.methods} name one twice; name each once")

    def to_json(self) -> dict[str, Any]:
        """The record as JSON-able data."""
        return json.loads(json.dumps(asdict(self)))

    def digest(self) -> str:
        """SHA-256 of the canonical JSON; a parameter file counts by its content, not its path."""
        content = self.to_json()
        if self.params is not None:
            content["params"] = hashlib.sha256(Path(self.params).read_bytes()).hexdigest()
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()
