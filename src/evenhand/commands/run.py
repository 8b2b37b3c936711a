"""`evenhand run papers/<key>`: everything a reproduced paper needs, from its files."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class RunOptions:
    """Which study, and how."""

    paper: tyro.conf.Positional[Path]
    """Folder of the paper, such as papers/bisimulator, or one of its experiment files."""
    study: str | None = None
    """Another experiment file of the folder, by its name without .toml."""
    scenarios: str | None = None
    """Comma-separated scenarios to run now; results are written once all of them are there."""
    seeds: int | None = None
    """Another number of seeds: a scratch run, which never touches the paper's results."""
    steps: int | None = None
    """Another training budget: a scratch run, which never touches the paper's results."""
    set: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """key=value: another value of a field of the study's trials, or a setting of its worlds: a
    scratch run, which never touches the paper's results."""
    seed_mode: str = "auto"
    """How seeds share the machine: threads (on a CPU), vmap (on an accelerator), map (one after
    another) or auto."""
    out: str = "runs"
    """Folder that holds runs."""


def run(options: RunOptions) -> dict[str, Any]:
    """Verdicts, and where results and runs are."""
    from evenhand.commands.report import require_matplotlib
    from evenhand.experiments.paper.overview import read_overview
    from evenhand.experiments.paper.running import Sitting, run_study
    from evenhand.experiments.paper.study import read_study
    from evenhand.experiments.paper.wanted import read_figures

    require_matplotlib()
    study = read_study(options.paper, options.study)
    read_figures(study)
    read_overview(study)
    names = filter(None, (name.strip() for name in (options.scenarios or "").split(",")))
    sitting = Sitting(
        study, Path(options.out), tuple(names), options.seeds, options.steps,
        options.seed_mode, tuple(options.set),
    )  # fmt: skip
    runs = run_study(sitting)
    from evenhand.experiments.paper.writing import preliminary, write_study

    folder, verdicts = write_study(sitting, runs)
    return {
        "study": study.name,
        "scenarios": {name: _means(estimates) for name, estimates in runs.items()},
        "claims": [_claim(verdict) for verdict in verdicts],
        "note": preliminary(sitting, runs),
        "results": str(folder),
        "page": str(folder / "page.html"),
        "runs": {name: str(estimates.run.folder) for name, estimates in runs.items()},
    }


def _means(estimates: Any) -> dict[str, dict[str, float]]:
    """Every method's final measures, means over seeds; "metric:group" for those of a group."""
    final = estimates.run.final.group_by("algorithm", "metric", "group", maintain_order=True)
    found: dict[str, dict[str, float]] = {}
    for (method, metric, group), rows in final:
        name = f"{metric}:{group}" if group else metric
        found.setdefault(method, {})[name] = rows["value"].mean()
    return found


def _claim(verdict: Any) -> dict[str, Any]:
    from evenhand.experiments.paper.judging import verdict_row

    row = verdict_row(verdict)
    kept = ("statistic", "interval", "verdict")
    head = {"id": row["id"], "statement": verdict.claim.statement}
    return head | {name: row[name] for name in kept}


def show(result: dict[str, Any], console: "Console") -> None:
    """Print the verdicts and where the page is."""
    from evenhand.commands import claims

    if result["claims"]:
        claims.show(result, console)
    if result["note"]:
        console.print(result["note"], markup=False, highlight=False)
    console.print(f"page: {result['page']}", soft_wrap=True)
