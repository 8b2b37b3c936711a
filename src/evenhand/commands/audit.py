"""`evenhand audit`: what one policy does to each group, what it causes, and what is better."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from evenhand.commands.checks import check_radius, check_steps, read_pair
from evenhand.commands.flags import command_line
from evenhand.core.errors import InputError, unknown_name

if TYPE_CHECKING:
    from rich.console import Console

    from evenhand.data.population import LendingPopulation

# Programs grow with the visits of a person: one of a thousand visits takes about ten seconds.
_MOST_VISITS = 5_000


@dataclass(frozen=True)
class AuditOptions:
    """Audit one policy on one lending population: exact numbers, no simulation, no seeds."""

    policy: str
    """approve-all, deny-all, constant:0.5, threshold:3, threshold:3,2 (one level index per group),
    score>=620, max-util, a .csv file with columns group,level,approve, or a fitted model in a
    .skops, .onnx, .joblib or .pkl file: card.skops, 'card.skops>=0.7', 'card.skops<0.2' (label 1
    is the bad outcome), card.skops:random."""
    allow_pickle: bool = False
    """Load a model from a .joblib or .pkl file. Loading such a file runs any code that was put in
    it, so say this only of files whose maker you trust; .skops and .onnx files need no leave."""
    preset: str | None = None
    """A named population: gym (default), fico, drift-1, drift-2, drift-3."""
    params: str | None = None
    """A parameter file, of `evenhand calibrate` or your own, instead of a preset."""
    groups: str | None = None
    """Comma-separated names of the groups to keep."""
    set: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """Changes to the population, as key=value; repeatable."""
    steps: int | None = None
    """Decisions per episode; default: the population's own."""
    criteria: str | None = None
    """Comma-separated: gain-disparity, approval-gap, score-w1, recall-gap; all by default."""
    pair: str | None = None
    """Two groups, comma-separated, to tell of first; by default those whose gains differ most."""
    radius: float = 0.02
    """Benefits this close count as about equal."""
    assume: str | None = None
    """Comma-separated fields to vary although the population does not mark them as assumed: up,
    down, drift, reward_default, gain, initial, episode_steps."""
    out: Annotated[str | None, tyro.conf.arg(aliases=["-o"])] = None
    """Also write one self-contained page to this file."""


def run(options: AuditOptions) -> dict[str, Any]:
    """Every number of the audit, its conclusions, and where the page is."""
    start = time.perf_counter()
    page = _checked_page(options.out)
    criteria = _criteria(options)
    from evenhand.algorithms.model_text import allow_pickles
    from evenhand.experiments.audit.as_dict import as_dict
    from evenhand.experiments.audit.facts import audit
    from evenhand.experiments.audit.policy import read_audited

    population = _population(options)
    pair = _pair(options.pair, population.groups)
    with allow_pickles(options.allow_pickle):
        policy = read_audited(options.policy, population)
    found = audit(population, policy, criteria, options.steps, options.radius, pair)
    if page is not None:
        from evenhand.core.files import write_text
        from evenhand.experiments.audit.page import audit_page

        write_text(page, audit_page(found, command_line("audit", options)))
    written = None if page is None else str(page)
    return as_dict(found) | {"page": written, "wall_seconds": time.perf_counter() - start}


def show(result: dict[str, Any], console: "Console") -> None:
    """Print a table by group, the sentences, and where the page is."""
    from evenhand.experiments.audit.terminal import show_audit

    show_audit(result, console)


def _checked_page(out: str | None) -> Path | None:
    if out is None:
        return None
    from evenhand.commands.report import require_matplotlib
    from evenhand.data.atomic_file import check_writable

    path = Path(out)
    if path.is_dir():
        raise InputError(f"--out {out!r} is a folder; name a file for the page")
    check_writable(path)
    require_matplotlib()
    return path


def _criteria(options: AuditOptions) -> tuple[str, ...]:
    from evenhand.experiments.sensitivity import DEFINITIONS

    check_radius(options.radius)
    check_steps(options.steps)
    if options.criteria is None:
        return DEFINITIONS
    names = tuple(part.strip() for part in options.criteria.split(",") if part.strip())
    if not names:
        raise InputError(f"--criteria names none; choose from {', '.join(DEFINITIONS)}")
    for name in names:
        if name not in DEFINITIONS:
            raise unknown_name("criterion", name, DEFINITIONS)
    return tuple(dict.fromkeys(names))


def _population(options: AuditOptions) -> "LendingPopulation":
    """The population, with what `--assume` marks."""
    from dataclasses import replace

    from evenhand.data.admissions import ADMISSIONS_PRESETS
    from evenhand.data.choose import choose_population
    from evenhand.experiments.exact import why_not_exact

    if options.preset in ADMISSIONS_PRESETS:
        raise InputError(
            f"preset {options.preset!r} is an Admissions-v0 world, where a person is no finite "
            "problem of their own, so audit has no exact numbers for it; measure a policy there "
            f"with: evenhand evaluate --preset {options.preset}"
        )
    population = choose_population(options.preset, options.params, options.groups, options.set)
    if population.num_groups < 2:
        raise InputError(
            f"audit compares groups, and there is only {population.groups[0]}; choose two or more"
        )
    if why := why_not_exact(population):
        remedy = "--set conscientiousness_std=0"
        raise InputError(f"audit needs the exact model of a person: {why.rstrip('.')}; {remedy}")
    _check_visits(population, options.steps)
    return replace(population, assumed=population.assumed | _marked(options.assume))


def _check_visits(population: "LendingPopulation", steps: int | None) -> None:
    """Refuse an episode in which each person comes so often that programs take hours."""
    visits = (steps or population.episode_steps) / population.num_people
    if visits > _MOST_VISITS:
        raise InputError(
            f"{visits:,.0f} decisions per person are too many for exact programs (at most "
            f"{_MOST_VISITS:,}); lower --steps to {int(_MOST_VISITS * population.num_people):,}"
        )


def _marked(assume: str | None) -> dict[str, str]:
    from evenhand.experiments.audit.worlds import VARIED

    names = [part.strip() for part in (assume or "").split(",") if part.strip()]
    for name in names:
        if name not in VARIED:
            raise unknown_name("number to vary", name, VARIED)
    return dict.fromkeys(names, "varied because --assume names it")


def _pair(text: str | None, groups: tuple[str, ...]) -> tuple[int, int] | None:
    """The pair in the order of the groups, which is how an audit keeps its pairs."""
    if text is None:
        return None
    first, second = sorted(read_pair(text, groups))
    return first, second
