"""`evenhand list`: everything that has a name."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evenhand.core import registry

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class ListOptions:
    """Names of environments, presets, algorithms, policies and metrics."""


def run(options: ListOptions) -> dict[str, Any]:
    """The names, sorted, and for each preset its environment and one line about it."""
    return {
        "environments": sorted(registry.ENVIRONMENTS),
        "presets": _presets(),
        "algorithms": sorted(registry.ALGORITHMS),
        "policies": [registry.POLICY_FORMS.get(name, name) for name in sorted(registry.POLICIES)],
        "metrics": list(registry.METRIC_IDS),
    }


def show(result: dict[str, Any], console: "Console") -> None:
    """Print the names, one kind after the other."""
    for kind, names in result.items():
        if not names:
            continue
        console.print(kind, style="bold")
        for name in names:
            summary = names[name]["summary"] if kind == "presets" else ""
            console.print(f"  {name:<22}{summary}".rstrip(), highlight=False, soft_wrap=True)


def _presets() -> dict[str, dict[str, str]]:
    from evenhand.data.admissions import ADMISSIONS_PRESETS
    from evenhand.data.presets import PRESETS

    return {
        name: {"environment": environment, "summary": (make.__doc__ or "").partition("\n")[0]}
        for environment, presets in (("Lending-v0", PRESETS), ("Admissions-v0", ADMISSIONS_PRESETS))
        for name, make in presets.items()
    }
