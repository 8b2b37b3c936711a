"""`evenhand decompose`: where a policy's gap of gain between two groups comes from."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro

from evenhand.commands.checks import check_radius, check_seed, check_steps, read_pair
from evenhand.commands.decompose_output import check_figure, draw, show
from evenhand.core.errors import InputError, unknown_name

if TYPE_CHECKING:
    import numpy as np

    from evenhand.data.population import LendingPopulation

_MOST_SAMPLED = 1_000_000_000

__all__ = ["Decompose", "run", "show"]


@dataclass(frozen=True)
class Decompose:
    """The exact causal decomposition of a policy's gap of qualification gain between two groups."""

    preset: str | None = None
    """A named population: gym (default), fico, drift-1, drift-2, drift-3."""
    params: str | None = None
    """A parameter file instead of a preset."""
    groups: str | None = None
    """Comma-separated names of the groups to keep."""
    set: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """Changes to the population, as key=value; repeatable."""
    policy: str = "approve-all"
    """approve-all, deny-all, constant:0.5, threshold:3, threshold:3,2 (one level index per group),
    score>=620, max-util-fitted, accuracy-classifier, a .csv file with columns group,level,approve,
    or a fitted model in a .skops, .onnx, .joblib or .pkl file (see evenhand evaluate --help)."""
    allow_pickle: bool = False
    """Load a model from a .joblib or .pkl file. Loading such a file runs any code that was put in
    it, so say this only of files whose maker you trust; .skops and .onnx files need no leave."""
    pair: str | None = None
    """The two groups to compare, as first,second: effects are first minus second. Default: the
    first two."""
    steps: int | None = None
    """Decisions per episode; default: the population's own."""
    radius: float = 1e-6
    """Benefits this close count as equal in the benefit disparity. With the paper's 1e-6 only
    equal ones do; .01 to .05 is on the scale of benefits."""
    v0: str = "exact"
    """What would happen without the policy: exact, or stationary (scores end up uniform, as in
    the released code of Lear & Zhang 2025)."""
    episodes: int = 0
    """Also estimate the effects from this many sampled episodes; 0: none."""
    seed: int = 0
    """Everything random follows from it."""
    figure: str | None = None
    """Draw approval probability against benefit to this .png, .pdf or .svg file."""


def run(options: Decompose) -> dict[str, Any]:
    """The effects of the policy as plain data, with what they are made of."""
    start = time.perf_counter()
    _check(options)
    from evenhand.algorithms.model_text import allow_pickles
    from evenhand.experiments.effects import effects
    from evenhand.experiments.policy_table import policy_table, table_notes

    world = _population(options)
    pair = (0, 1) if options.pair is None else read_pair(options.pair, world.groups)
    _check_sampling(options, world)
    with allow_pickles(options.allow_pickle):
        policy = policy_table(options.policy, world, options.seed)
        notes = table_notes(options.policy, world)
    result: dict[str, Any] = {
        "population": world.name,
        "groups": list(world.groups),
        "population_per_group": list(world.population_per_group),
        "policy": options.policy,
        "steps": world.episode_steps if options.steps is None else options.steps,
        "v0": options.v0,
    }
    result |= effects(world, policy, pair, options.steps, options.radius, options.v0)
    if options.episodes:
        result["sampled"] = _sampled(world, policy, pair, options)
    if options.figure is not None:
        result["figure"] = str(draw(result, Path(options.figure)))
    return result | {
        "notes": notes,
        "assumed": dict(world.assumed),
        "wall_seconds": time.perf_counter() - start,
    }


def _check(options: Decompose) -> None:
    from evenhand.data.admissions import ADMISSIONS_PRESETS

    if options.preset in ADMISSIONS_PRESETS:
        raise InputError(
            f"preset {options.preset!r} is a college: scores there never move, so there is no "
            "qualification gain to decompose; choose a lending preset such as drift-1"
        )
    check_steps(options.steps)
    check_radius(options.radius)
    if options.v0 not in ("exact", "stationary"):
        raise unknown_name("--v0", options.v0, ("exact", "stationary"))
    if options.episodes < 0 or options.episodes == 1:
        raise InputError(f"--episodes must be 0 or at least 2, got {options.episodes}")
    check_seed(options.seed)
    if options.figure is not None:
        check_figure(Path(options.figure))


def _population(options: Decompose) -> "LendingPopulation":
    from evenhand.data.choose import choose_population

    world = choose_population(options.preset, options.params, options.groups, options.set)
    if world.num_groups < 2:
        raise InputError(
            f"decompose compares groups, and {world.name!r} has only {world.groups[0]}; "
            "choose at least two"
        )
    return world


def _check_sampling(options: Decompose, world: "LendingPopulation") -> None:
    steps = world.episode_steps if options.steps is None else options.steps
    work = options.episodes * max(steps, world.num_people)
    if work > _MOST_SAMPLED:
        raise InputError(
            f"{options.episodes} episodes of {steps} steps and {world.num_people} people are too "
            f"much to sample (more than {_MOST_SAMPLED:,}); lower --episodes"
        )


def _sampled(
    world: Any, policy: "np.ndarray", pair: tuple[int, int], options: Decompose
) -> dict[str, Any]:
    from evenhand.tabular.sampled_decomposition import sample_decomposition

    found = sample_decomposition(
        world, policy, options.episodes, options.steps, pair, options.seed, options.v0
    )
    forms = {"common_draws": found.common_draws, "expected": found.expected}
    return {
        "episodes": found.episodes,
        "people": found.people,
        **{form: {k: one._asdict() for k, one in of.items()} for form, of in forms.items()},
    }
