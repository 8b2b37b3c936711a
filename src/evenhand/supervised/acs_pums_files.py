"""Persons of the American Community Survey's public microdata, in the folders that folktables uses.

`root/2018/1-Year/psam_p25.csv`: year, horizon, then one file per state, named by its FIPS code, or
`root/2016/1-Year/ss16pma.csv` up to 2016.
"""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from evenhand.core.errors import InputError, unknown_name

_WORDS = """
AL01 AK02 AZ04 AR05 CA06 CO08 CT09 DE10 FL12 GA13 HI15 ID16 IL17 IN18 IA19 KS20 KY21 LA22 ME23
MD24 MA25 MI26 MN27 MS28 MO29 MT30 NE31 NV32 NH33 NJ34 NM35 NY36 NC37 ND38 OH39 OK40 OR41 PA42
RI44 SC45 SD46 TN47 TX48 UT49 VT50 VA51 WA53 WV54 WI55 WY56 PR72
"""
FIPS = {word[:2]: word[2:] for word in _WORDS.split()}
"""Postal code of each state, and of Puerto Rico, to its FIPS code."""
HORIZONS = ("1-Year", "5-Year")
FIRST_YEAR = 2014
_RENAMED_2019 = {"RELP": "RELSHIPP", "JWTR": "JWTRNS"}
_SOURCE = "https://www2.census.gov/programs-surveys/acs/data/pums"


def persons_file(root: str | Path, year: int, horizon: str, state: str) -> Path:
    """The file of one state's persons, which must be there."""
    if state not in FIPS:
        raise unknown_name("state", state, FIPS)
    if horizon not in HORIZONS:
        raise unknown_name("horizon", horizon, HORIZONS)
    if year < FIRST_YEAR:
        raise InputError(f"year {year} has another layout; give {FIRST_YEAR} or later")
    name = f"psam_p{FIPS[state]}.csv" if year >= 2017 else f"ss{year % 100}p{state.lower()}.csv"
    path = Path(root) / str(year) / horizon / name
    if not path.is_file():
        archive = f"{_SOURCE}/{year}/{horizon}/csv_p{state.lower()}.zip"
        raise InputError(
            f"there is no file {path}: fetch {archive} from the US Census Bureau, unpack it and "
            f"put {name} into {path.parent}"
        )
    return path


def read_persons(
    path: Path, year: int, numeric: Sequence[str], categorical: Sequence[str]
) -> pl.DataFrame:
    """These columns of one file: numbers as floats, codes as words without leading zeros.

    Missing codes are 0, as folktables leaves them and as in the built-in extract. Columns renamed
    in 2019 have their old names, RELP for RELSHIPP and JWTR for JWTRNS, with the codes of the year.
    """
    renamed = _RENAMED_2019 if year >= 2019 else {}
    of_file = {name: renamed.get(name, name) for name in (*numeric, *categorical)}
    rows = _words(path, list(of_file.values()))
    columns = [_number(name, of_file[name]) for name in numeric]
    columns += [_code(of_file[name]).alias(name) for name in categorical]
    try:
        return rows.select(columns)
    except pl.exceptions.PolarsError as error:
        raise InputError(
            f"{path} has a column of numbers with words in it ({str(error).splitlines()[0]}); "
            "unpack the Census Bureau's file again"
        ) from error


def _words(path: Path, names: list[str]) -> pl.DataFrame:
    """The columns as stripped words; codes such as 0100 and letters stay what they are."""
    try:
        lazy = pl.scan_csv(path, infer_schema=False)
        known = {name.strip(): name for name in lazy.collect_schema().names()}
        for name in names:
            if name not in known:
                raise InputError(f"{path}: {unknown_name('column', name, known)}")
        kept = [pl.col(known[name]).str.strip_chars().alias(name) for name in names]
        rows = lazy.select(kept).collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        first = str(error).splitlines()[0]
        raise InputError(
            f"{path} cannot be read as CSV ({first}); unpack the Census Bureau's file again"
        ) from error
    if rows.height == 0:
        raise InputError(f"{path} has column names but no rows; unpack the file again")
    return rows


def _filled(name: str) -> pl.Expr:
    return pl.when(pl.col(name) == "").then(pl.lit("0")).otherwise(pl.col(name)).fill_null("0")


def _number(name: str, of_file: str) -> pl.Expr:
    return _filled(of_file).cast(pl.Float64).alias(name)


def _code(name: str) -> pl.Expr:
    """Whole numbers without leading zeros, so that 01 and 1 are one level; the rest as it is."""
    return pl.coalesce(_filled(name).cast(pl.Int64, strict=False).cast(pl.String), _filled(name))
