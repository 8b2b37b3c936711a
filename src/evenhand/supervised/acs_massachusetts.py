"""Adults of Massachusetts in the American Community Survey 2015-2018: five targets, by sex."""

from collections.abc import Sequence
from importlib import resources

import polars as pl

from evenhand.core.errors import InputError
from evenhand.supervised.multi_task_table import MultiTaskTable
from evenhand.supervised.table_making import VAL_SHARE, Recipe, Task, make_table, split_rows

TASKS = ("Employed", "SameHouse", "Disability", "Married", "College")
OPTIONAL_TASKS = ("NonCitizen", "CogDifficulty")
YEARS = (2015, 2016, 2017, 2018)
ADULT = 16
"""People older than this are kept."""

# Difficulties (DEAR, DEYE, DREM) would give Disability away; ESP, SCHL, MAR, MIG and DIS are
# targets or hold them.
RECIPE = Recipe(
    name="acs-massachusetts",
    source=(
        "American Community Survey PUMS, Massachusetts 2015-2018 (US Census Bureau, public "
        "domain), by way of the Python package nannyml 0.13.1"
    ),
    numeric=("AGEP",),
    categorical=("CIT", "MIL", "ANC", "NATIVITY", "RELP", "RAC1P", "SEX"),
    protected=pl.col("SEX") == 2,
    group_column="SEX",
    group_names=("male", "female"),
    tasks={
        "Employed": Task(pl.col("employed") == 1),
        "SameHouse": Task(pl.col("MIG") == 1),
        "Disability": Task(pl.col("DIS") == 1),
        "Married": Task(pl.col("MAR") == 1),
        "College": Task(pl.col("SCHL") >= 21),
        "NonCitizen": Task(pl.col("CIT") == 5, ("CIT", "NATIVITY")),
        "CogDifficulty": Task(pl.col("DREM") == 1),
    },
)


def load_acs_massachusetts(
    tasks: Sequence[str] = TASKS,
    train_year: int = 2017,
    test_year: int = 2018,
    include_protected: bool = True,
    exclude: Sequence[str] = (),
    val_share: float = VAL_SHARE,
    seed: int = 0,
) -> MultiTaskTable:
    """People over 16 of one year to train with and of another to test; female is protected.

    Of `train_year` (57,665 people in 2017), `val_share` drawn from `seed` validate; all of
    `test_year` (58,333 in 2018) test. Inputs are 8 columns, at most 39 after encoding: age and
    one indicator per level but the most frequent. `exclude=["RELP"]` takes out the relation to
    the householder, whose code "spouse" tells much of `Married`. Missing codes are 0. These are
    not the five targets of Roy & Ntoutsi 2022, whose columns this extract lacks: see
    `load_acs_pums`.
    """
    recipe = RECIPE.choose(tasks, include_protected, exclude)
    for field, year in (("train_year", train_year), ("test_year", test_year)):
        if year not in YEARS:
            raise InputError(f"{field} = {year} is not in the table; choose 2015, 2016, 2017, 2018")
    if train_year == test_year:
        raise InputError(
            f"train_year and test_year are both {train_year}; the test would hold rows trained with"
        )
    file = resources.files("evenhand.data.tables") / "acs_pums_massachusetts.parquet"
    with file.open("rb") as stream:
        rows = pl.read_parquet(stream).filter(pl.col("AGEP") > ADULT)
    train, val = split_rows(rows.filter(pl.col("year") == train_year), val_share, seed, "val_share")
    return make_table(recipe, train, val, rows.filter(pl.col("year") == test_year))
