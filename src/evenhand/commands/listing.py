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

    `matrix` says which method runs in which world and which worlds have an exact frontier,
    `trade_offs` by which field and values a method is swept unless others are given.
    With `details` also, under that key, title, summary and features read of every algorithm.
    """
    from evenhand.experiments.matrix import matrix

    names: dict[str, Any] = {
        "environments": sorted(registry.ENVIRONMENTS),
        "presets": _presets(),
        "algorithms": sorted(registry.ALGORITHMS),
        "policies": [registry.POLICY_FORMS.get(name, name) for name in sorted(registry.POLICIES)],
        "metrics": list(registry.METRIC_IDS),
        "trade_offs": {
            name: {"field": field, "values": [float(value) for value in values]}
            for name, (field, values) in sorted(registry.TRADE_OFFS.items())
        },
        "matrix": matrix(),
    }
    return names | {"details": _details(names["algorithms"])} if options.details else names


def show(result: dict[str, Any], console: "Console") -> None:
    """Print the names, one kind after the other, with a line about each where there is one."""
    details = result.get("details", {})
    for kind, names in result.items():
        if not names or kind in ("details", "trade_offs", "matrix"):
            continue
        console.print(kind, style="bold")
        for name in names:
            summary = names[name]["summary"] if kind == "presets" else _summary(kind, name)
            console.print(f"  {name:<24}{summary}".rstrip(), highlight=False, soft_wrap=True)
            if kind == "algorithms" and (reads := details.get(name, {}).get("reads")):
                words = f"  {'':<24}reads {', '.join(reads)}"
                console.print(words, style="dim", highlight=False, soft_wrap=True)
            if kind == "algorithms" and name in result["trade_offs"]:
                words = f"  {'':<24}sweeps {_swept(result['trade_offs'][name])}"
                console.print(words, style="dim", highlight=False, soft_wrap=True)
    _show_matrix(result["matrix"], console)


def _show_matrix(found: dict[str, Any], console: "Console") -> None:
    """Print for every world how many methods run in it, which do not, and what is exact."""
    from rich import box
    from rich.table import Table

    table = Table(title="what runs where", title_justify="left", box=box.SIMPLE_HEAD)
    for heading in ("world", "algorithms", "policies", "exact frontier"):
        table.add_column(heading)
    for name, world in found["worlds"].items():
        cells = [_counted(found[kind], name) for kind in ("algorithms", "policies")]
        table.add_row(name, *cells, "yes" if world["exact_frontier"] else "no")
    console.print(table, highlight=False)


def _counted(methods: dict[str, dict[str, Any]], world: str) -> str:
    """How many methods run in a world, and the names of those that do not."""
    without = [name for name, row in methods.items() if not row[world]["runs"]]
    if not without:
        return f"all {len(methods)}"
    return f"{len(methods) - len(without)} of {len(methods)}, not {', '.join(without)}"


def _swept(trade_off: dict[str, Any]) -> str:
    return f"{trade_off['field']} {', '.join(f'{value:g}' for value in trade_off['values'])}"


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
