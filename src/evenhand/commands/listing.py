"""`evenhand list`: everything that has a name."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evenhand.core import registry

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class ListOptions:
    """Names of environments, presets, algorithms, policies and metrics."""

    details: bool = False
    """Also which features of the world each algorithm reads besides those chosen for everybody;
    takes seconds, since the algorithms are imported."""


def run(options: ListOptions) -> dict[str, Any]:
    """The names, sorted, and for each preset its environment and one line about it.

    With `details` also, under that key, title, summary and features read of every algorithm.
    """
    names: dict[str, Any] = {
        "environments": sorted(registry.ENVIRONMENTS),
        "presets": _presets(),
        "algorithms": sorted(registry.ALGORITHMS),
        "policies": [registry.POLICY_FORMS.get(name, name) for name in sorted(registry.POLICIES)],
        "metrics": list(registry.METRIC_IDS),
    }
    return names | {"details": _details(names["algorithms"])} if options.details else names


def show(result: dict[str, Any], console: "Console") -> None:
    """Print the names, one kind after the other, with a line about each where there is one."""
    details = result.get("details", {})
    for kind, names in result.items():
        if not names or kind == "details":
            continue
        console.print(kind, style="bold")
        for name in names:
            summary = names[name]["summary"] if kind == "presets" else _summary(kind, name)
            console.print(f"  {name:<24}{summary}".rstrip(), highlight=False, soft_wrap=True)
            if kind == "algorithms" and (reads := details.get(name, {}).get("reads")):
                words = f"  {'':<24}reads {', '.join(reads)}"
                console.print(words, style="dim", highlight=False, soft_wrap=True)


def _summary(kind: str, name: str) -> str:
    """One line about a method; "" for other kinds, and where there is none."""
    from evenhand.experiments.wording import method_meaning

    if kind not in ("algorithms", "policies"):
        return ""
    return method_meaning(name).removeprefix("learned: ")


def _details(algorithms: list[str]) -> dict[str, dict[str, Any]]:
    """Title, one line, and the features each algorithm reads with its default options."""
    from evenhand.experiments.wording import method_title

    return {
        name: {
            "title": method_title(name),
            "summary": _summary("algorithms", name),
            "reads": list(registry.make_algorithm(name).reads),
        }
        for name in algorithms
    }


def _presets() -> dict[str, dict[str, str]]:
    from evenhand.data.admissions import ADMISSIONS_PRESETS
    from evenhand.data.presets import PRESETS

    return {
        name: {"environment": environment, "summary": (make.__doc__ or "").partition("\n")[0]}
        for environment, presets in (("Lending-v0", PRESETS), ("Admissions-v0", ADMISSIONS_PRESETS))
        for name, make in presets.items()
    }
