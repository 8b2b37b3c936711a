"""Several targets of the same people from PUMS files that the user supplies.

The five targets of Roy & Ntoutsi 2022, or the five benchmark tasks of folktables (Ding et al.
2021) under one common filter, as several targets need the same people.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from evenhand.core.errors import InputError, unknown_name
from evenhand.supervised.acs_pums_files import persons_file, read_persons
from evenhand.supervised.multi_task_table import MultiTaskTable
from evenhand.supervised.table_making import VAL_SHARE, Recipe, Task, make_table, split_rows

_SOURCE = "American Community Survey PUMS (US Census Bureau, public domain), files of the user"
_BY_SEX = {
    "protected": pl.col("SEX") == "2",
    "group_column": "SEX",
    "group_names": ("male", "female"),
}
_FILTERED = ("AGEP", "PINCP", "WKHP", "PWGTP")
_INCOME, _TRAVEL = pl.col("PINCP") > 50_000, pl.col("JWMNP") > 20
_EMPLOYED = pl.col("ESR") == "1"
_PERSON = ("SCHL", "MAR", "DIS", "ESP", "CIT", "MIL", "ANC", "NATIVITY", "DEAR", "DEYE", "DREM")
_GROUPS = ("SEX", "RAC1P")

RECIPES = {
    # The 20 inputs of the authors' code. JWTR, POWPUMA and OCCP are 0 for most people without
    # work and so tell much of Employment.
    "paper": Recipe(
        name="acs-pums",
        source=_SOURCE,
        numeric=("AGEP",),
        categorical=(*_PERSON, *_GROUPS, "MIG", "PUMA", "ST", "OCCP", "JWTR", "POWPUMA"),
        tasks={
            "Employment": Task(_EMPLOYED),
            "Income": Task(_INCOME),
            "HealthInsurance": Task(pl.col("HINS2") == "1"),
            "TravelTime": Task(_TRAVEL),
            "IncomePovertyRatio": Task(pl.col("POVPIP") < 250),
        },
        **_BY_SEX,
    ),
    # Inputs of the five tasks together, without the targets and what holds them (JWTR, POWPUMA).
    "folktables": Recipe(
        name="acs-pums-folktables",
        source=_SOURCE,
        numeric=("AGEP", "WKHP"),
        categorical=(*_PERSON, *_GROUPS, "COW", "OCCP", "POBP", "RELP", "FER", "GCL", "PUMA", "ST"),
        tasks={
            "ACSIncome": Task(_INCOME),
            "ACSPublicCoverage": Task(pl.col("PUBCOV") == "1"),
            "ACSMobility": Task(pl.col("MIG") == "1"),
            "ACSEmployment": Task(_EMPLOYED),
            "ACSTravelTime": Task(_TRAVEL),
        },
        **_BY_SEX,
    ),
}
_NUMBERS = {"AGEP", "PINCP", "WKHP", "PWGTP", "JWMNP", "POVPIP"}


def load_acs_pums(
    root: str | Path,
    years: Sequence[int] = (2018, 2019),
    states: Sequence[str] = ("MA",),
    tasks: str = "paper",
    horizon: str = "1-Year",
    race: tuple[Sequence[int], Sequence[int]] | None = None,
    include_protected: bool = True,
    exclude: Sequence[str] = (),
    val_share: float = VAL_SHARE,
    seed: int = 0,
) -> MultiTaskTable:
    """People with an income: the first year trains and validates, the second tests.

    `tasks` is `paper` or `folktables`. Everybody passes the adult filter: AGEP > 16, PINCP > 100,
    WKHP > 0, PWGTP >= 1, also where folktables filters a task otherwise. Groups are by SEX, female
    protected; `race=((1,), (2,))` compares RAC1P codes instead, the protected ones last, and leaves
    out people of neither. With one year, `val_share` of its rows test and of the rest validate.
    Missing codes are 0. All states of the paper, 1.65 million people a year, need about 10 GB.
    """
    if tasks not in RECIPES:
        raise unknown_name("set of tasks", tasks, RECIPES)
    whole = RECIPES[tasks] if race is None else _by_race(RECIPES[tasks], *race)
    recipe = whole.choose(tuple(whole.tasks), include_protected, exclude)
    _check_years(years, recipe)
    if not states:
        raise InputError("states is empty; name at least one, as in states=['MA', 'CA']")
    files = {year: [persons_file(root, year, horizon, state) for state in states] for year in years}
    first, *later = (_people(files[year], year, recipe) for year in years)
    if not later:
        first, only = split_rows(first, val_share, seed + 1, "val_share")
        later = [only]
    train, val = split_rows(first, val_share, seed, "val_share")
    return make_table(recipe, train, val, later[0])


def _people(files: Sequence[Path], year: int, recipe: Recipe) -> pl.DataFrame:
    """Everybody in the files who passes the filter and is in one of the groups."""
    read = {*recipe.numeric, *recipe.categorical, *_FILTERED, recipe.group_column}
    read |= {name for task in recipe.tasks.values() for name in task.target.meta.root_names()}
    numeric, codes = sorted(read & _NUMBERS), sorted(read - _NUMBERS)
    adult = (pl.col("AGEP") > 16) & (pl.col("PINCP") > 100)
    adult &= (pl.col("WKHP") > 0) & (pl.col("PWGTP") >= 1)
    kept = [read_persons(path, year, numeric, codes).filter(adult) for path in files]
    people = pl.concat(kept).filter(recipe.protected.is_not_null())
    if people.height < 2:
        raise InputError(
            f"{people.height} people of {year} pass the filter (AGEP > 16, PINCP > 100, WKHP > 0, "
            "PWGTP >= 1) and are in a group; give files of more states"
        )
    return people


def _by_race(recipe: Recipe, other: Sequence[int], protected: Sequence[int]) -> Recipe:
    """The recipe with groups by RAC1P; null for people of neither group."""
    both = set(other) & set(protected)
    if not other or not protected or both:
        raise InputError(
            f"race = ({tuple(other)}, {tuple(protected)}) does not make two groups; give two sets "
            "of RAC1P codes that share none, as in race=((1,), (2,))"
        )
    code = pl.col("RAC1P")
    member = pl.when(code.is_in([str(c) for c in protected])).then(True)
    member = member.when(code.is_in([str(c) for c in other])).then(False)
    names = tuple("RAC1P=" + ",".join(map(str, codes)) for codes in (other, protected))
    return replace(recipe, protected=member, group_column="RAC1P", group_names=names)


def _check_years(years: Sequence[int], recipe: Recipe) -> None:
    if len(years) not in (1, 2) or len(set(years)) < len(years):
        raise InputError(
            f"years = {tuple(years)} is not one year, nor one to train with and another to test"
        )
    if "RELP" in recipe.categorical and min(years) < 2019 <= max(years):
        raise InputError(
            f"the codes of RELP changed in 2019 (RELSHIPP), so those of {years[0]} say nothing of "
            f"{years[1]}; give years on one side of it, or exclude=['RELP']"
        )
