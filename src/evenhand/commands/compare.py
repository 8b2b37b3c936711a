"""`evenhand compare`: policies and learners side by side, over the exact frontier."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro

from evenhand.commands.flags import command_line
from evenhand.core.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from evenhand.experiments.config import Experiment


# The rules a comparison shows unless others are asked for.
_POLICIES = {
    "Lending-v0": "max-util,equal-opportunity,approve-all",
    "Admissions-v0": "accuracy-classifier,approve-all",
}


@dataclass(frozen=True)
class Compare:
    """Train, evaluate and place methods on the exact frontier of one world."""

    env: str | None = None
    """Environment id; the preset's own by default."""
    preset: str | None = None
    """Named world, see `evenhand list`."""
    params: str | None = None
    """Parameter file of `evenhand calibrate`, instead of a preset."""
    groups: str | None = None
    """Comma-separated subset of the groups."""
    set: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """key=value: options of the preset or fields of the population; repeatable."""
    algorithms: str = "ppo"
    """Comma-separated learners, see `evenhand list`; empty for none."""
    policies: str | None = None
    """Comma-separated rules such as threshold:3, constant:0.5, max-util, or fitted models such as
    'card.skops>=0.7' (see evenhand evaluate --help); empty for none. By default
    max-util,equal-opportunity,approve-all; for admissions accuracy-classifier,approve-all."""
    sweep: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """algorithm.field=value,value: a variant of the algorithm for each value, such as
    elbert-po.alpha=0,3e3,3e4; of an algorithm alone, five values of its own trade-off;
    repeatable."""
    allow_pickle: bool = False
    """Load models from .joblib or .pkl files. Loading such a file runs any code that was put in
    it, so say this only of files whose maker you trust; .skops and .onnx files need no leave."""
    option: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """algorithm.field=value, such as ppo.discount=0.999; repeatable."""
    seeds: int = 10
    """Independent runs of every method."""
    first_seed: int = 0
    """First seed; keep seeds used for tuning apart from seeds used for verdicts."""
    steps: int = 400_000
    """Environment steps of training per learner and seed."""
    episodes: int = 5
    """Evaluation episodes per seed."""
    evaluation_steps: int | None = None
    """Steps of an evaluation episode; the world's own by default."""
    frontier_points: int = 15
    """Points of every exact frontier; the recall gap, whose points need a search, gets three
    fifths as many."""
    policy_class: str = "time"
    """`time` bounds every policy; `visit` is quicker and bounds policies that count visits."""
    features: str | None = None
    """Comma-separated observation features, such as score-onehot,group."""
    seed_mode: str = "auto"
    """How seeds share the machine: threads (on a CPU), vmap (on an accelerator), map (one after
    another) or auto; the results are those of the same experiment."""
    name: str = "compare"
    """Name of the run's folder."""
    out: str = "runs"
    """Folder that holds runs."""


def run(options: Compare) -> dict[str, Any]:
    """The summary of the finished run; its folder holds records and the page."""
    from evenhand.algorithms.model_text import allow_pickles
    from evenhand.experiments.choose_world import world_id
    from evenhand.experiments.config import Experiment
    from evenhand.experiments.record import read_run
    from evenhand.experiments.report import summary, write_page
    from evenhand.experiments.runner import run_experiment
    from evenhand.experiments.variants import with_sweeps

    env = world_id(options.env, options.preset)
    policies = _POLICIES.get(env, "approve-all") if options.policies is None else options.policies
    experiment = Experiment(
        name=options.name,
        env=env,
        preset=options.preset,
        params=options.params,
        groups=options.groups,
        settings=tuple(options.set),
        features=None if options.features is None else names(options.features),
        methods=with_sweeps(names(options.algorithms), options.sweep) + names(policies),
        seeds=options.seeds,
        first_seed=options.first_seed,
        steps=options.steps,
        episodes=options.episodes,
        evaluation_steps=options.evaluation_steps,
        frontier_points=options.frontier_points,
        policy_class=options.policy_class,
        options=tuple(options.option),
    )
    runs = Path(options.out)
    if runs.exists() and not runs.is_dir():
        raise InputError(f"--out {options.out} is a file; name a folder for the runs")
    with allow_pickles(options.allow_pickle):
        folder = run_experiment(
            experiment, runs, command_line("compare", options), options.seed_mode
        )
    _write_sensitivity(experiment, folder)
    page = write_page(folder)
    return {**summary(read_run(folder)), "folder": str(folder), "page": str(page)}


def _write_sensitivity(experiment: "Experiment", folder: Path) -> None:
    """Keep exact numbers under other assumptions beside the records, where some are assumed."""
    from evenhand.core.plain import to_json
    from evenhand.data.choose import choose_population
    from evenhand.experiments.record import write_text
    from evenhand.experiments.sensitivity import applies, sensitivity

    path = folder / "sensitivity.json"
    if experiment.env != "Lending-v0" or path.is_file():
        return
    chosen = (experiment.preset, experiment.params, experiment.groups, experiment.settings)
    population = choose_population(*chosen)
    if applies(population):
        found = sensitivity(population, experiment.evaluation_steps, experiment.criteria)
        write_text(path, to_json(found, indent=1) + "\n")


def show(result: dict[str, Any], console: "Console") -> None:
    """Print the table and where the page is."""
    from evenhand.experiments.record import read_run
    from evenhand.experiments.report import summary_table

    console.print(summary_table(read_run(result["folder"])))
    console.print(f"page: {result['page']}", soft_wrap=True)


def names(text: str) -> tuple[str, ...]:
    """Names separated by commas; in `threshold:3,2` the comma belongs to the rule."""
    found: list[str] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        if found and ":" in found[-1] and part.replace(".", "").isdigit():
            found[-1] += f",{part}"
        else:
            found.append(part)
    return tuple(found)
